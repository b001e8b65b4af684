// The rhythm of a series: its interval, the calendar it keeps, and what is missing.
import type { CalendarName } from '#engines/calendar/calendars.ts';
import { DAY_MS } from '#engines/calendar/dates.ts';
import { fitCalendar } from '#engines/ingest/calendar-fit.ts';
import { gapsByStep, inferStep, isoDuration } from '#engines/ingest/interval.ts';
import type { Gap } from '#engines/ingest/interval.ts';
import type { Series } from '#engines/ingest/series.ts';

export interface Spacing {
  interval: string | null;
  calendar: { name: CalendarName | null; reason: string };
  gaps: Gap[];
  /** Positions of rows on dates that are no session. */
  unexpected: number[];
  warnings: string[];
}

/** Of a series sorted by time with distinct times. */
export const spacingOf = (series: Series, granularity: 'date' | 'time', requested: CalendarName | 'auto'): Spacing => {
  const step = inferStep(series.tsMs, granularity);
  const interval = isoDuration(step);
  // Whoever names a calendar says that the bars are daily, even where they are too few or too sparse to show it.
  const daily = granularity === 'date' && (step.kind === 'day' || requested !== 'auto');
  if (daily && series.rows > 0) {
    const days = series.tsMs.map((ts) => ts / DAY_MS);
    const { fit, reason, warnings } = fitCalendar(days, requested);
    return { interval, calendar: { name: fit.calendar, reason }, gaps: fit.gaps, unexpected: fit.unexpected, warnings };
  }
  if (step.kind === 'unknown' || step.kind === 'day') return without(interval, 'A single bar keeps no calendar.');
  const scope =
    step.kind === 'time' ? 'inside each UTC date only; whole missing dates are not looked for' : 'everywhere';
  const reason = `Bars every ${interval}: no daily calendar applies; skipped bars were looked for ${scope}.`;
  return { ...without(interval, reason), gaps: gapsByStep(series.tsMs, step) };
};

const without = (interval: string | null, reason: string): Spacing => ({
  interval,
  calendar: { name: null, reason },
  gaps: [],
  unexpected: [],
  warnings: [],
});
