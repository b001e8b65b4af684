// Daily bars against a trading calendar: which one, what is missing, what should not be there.
import { CALENDAR_NAMES, calendarOf } from '#engines/calendar/calendars.ts';
import type { Calendar, CalendarName } from '#engines/calendar/calendars.ts';
import { isoOf } from '#engines/calendar/dates.ts';
import type { Gap } from '#engines/ingest/interval.ts';

interface CalendarFit {
  calendar: CalendarName;
  gaps: Gap[];
  missing: number;
  /** Positions of the rows whose date is no session. */
  unexpected: number[];
}

interface CalendarChoice {
  fit: CalendarFit;
  /** Why this calendar, with the numbers of the others. */
  reason: string;
  warnings: string[];
}

/**
 * Holds ascending, distinct days (since 1970-01-01) against a calendar. `auto` takes the one with the fewest missing and
 * unexpected days together, in the order XNYS, weekdays, every-day when equal; XNYS only if its rules reach back far enough.
 */
export const fitCalendar = (days: Float64Array, requested: CalendarName | 'auto'): CalendarChoice => {
  if (requested !== 'auto') return asked(days, requested);
  const firstDay = days[0] ?? 0;
  const candidates = CALENDAR_NAMES.map(calendarOf).filter((calendar) => calendar.firstDay <= firstDay);
  const fits = candidates.map((calendar) => fitOf(days, calendar));
  const best = fits.reduce((leader, fit) => (misfit(fit) < misfit(leader) ? fit : leader));
  const others = fits.filter((fit) => fit !== best).map(inWords);
  const skipped = candidates.length < CALENDAR_NAMES.length ? '; XNYS has no rules for dates before 1990' : '';
  const reason = `Chosen as the best fit over ${days.length} dates: ${inWords(best)}. Others: ${others.join('; ')}${skipped}.`;
  return { fit: best, reason, warnings: misfit(best) * 10 > days.length ? [poorFit(best, days.length)] : [] };
};

const asked = (days: Float64Array, name: CalendarName): CalendarChoice => {
  const calendar = calendarOf(name);
  const fit = fitOf(days, calendar);
  const tooEarly = (days[0] ?? 0) < calendar.firstDay;
  const warnings = tooEarly
    ? [`Dates before ${isoOf(calendar.firstDay)} were not held against ${name}: no rules.`]
    : [];
  return { fit, reason: `Asked for: ${inWords(fit)}.`, warnings };
};

const misfit = (fit: CalendarFit): number => fit.missing + fit.unexpected.length;

const inWords = (fit: CalendarFit): string =>
  `${fit.calendar} (${fit.missing} missing, ${fit.unexpected.length} unexpected)`;

const poorFit = (fit: CalendarFit, dates: number): string =>
  `No calendar fits well: the best, ${fit.calendar}, differs on ${misfit(fit)} days of ${dates}. Gaps say little here.`;

/** Walks the calendar from the first date to the last, in step with the dates. */
const fitOf = (days: Float64Array, calendar: Calendar): CalendarFit => {
  const fit: CalendarFit = { calendar: calendar.name, gaps: [], missing: 0, unexpected: [] };
  days.forEach((day, position) => {
    if (day < calendar.firstDay) return;
    if (!calendar.isSessionDay(day)) fit.unexpected.push(position);
    const previous = position === 0 ? day - 1 : (days[position - 1] ?? day - 1);
    const gap = gapBetween(Math.max(previous, calendar.firstDay - 1), day, calendar);
    if (gap === undefined) return;
    fit.gaps.push(gap);
    fit.missing += gap.missing;
  });
  return fit;
};

// Day numbers until the end: a gap of centuries is walked, not printed.
const gapBetween = (previous: number, day: number, calendar: Calendar): Gap | undefined => {
  let missing = 0;
  let from = day;
  let to = day;
  for (let between = previous + 1; between < day; between += 1) {
    if (!calendar.isSessionDay(between)) continue;
    if (missing === 0) from = between;
    to = between;
    missing += 1;
  }
  return missing === 0 ? undefined : { from: isoOf(from), to: isoOf(to), missing };
};
