// How far apart the bars of a series are, and which are missing between them.
import { DAY_MS } from '#engines/calendar/dates.ts';

export type Step =
  | { kind: 'day' }
  | { kind: 'days'; days: number }
  | { kind: 'months'; months: number }
  | { kind: 'time'; stepMs: number }
  | { kind: 'unknown' };

/** A run of missing bars between two that are there. `from` and `to` are dates, or instants for intraday data. */
export interface Gap {
  from: string;
  to: string;
  missing: number;
}

// Lengths in days that mean months. Wider than 28 to 31, because the last trading day of a month moves about.
const MONTH_SPANS = [
  { months: 1, least: 27, most: 34 },
  { months: 3, least: 87, most: 95 },
  { months: 12, least: 358, most: 372 },
];

/** The most frequent step between consecutive times (ascending, distinct); the smaller of equally frequent ones. */
export const inferStep = (tsMs: Float64Array, granularity: 'date' | 'time'): Step => {
  const counts = new Map<number, number>();
  for (let at = 1; at < tsMs.length; at += 1) {
    const step = (tsMs[at] ?? 0) - (tsMs[at - 1] ?? 0);
    const key = granularity === 'time' ? step : canonicalDays(step / DAY_MS) * DAY_MS;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const [modal] = [...counts].toSorted(([a, countA], [b, countB]) => countB - countA || a - b);
  if (modal === undefined) return { kind: 'unknown' };
  return granularity === 'time' ? { kind: 'time', stepMs: modal[0] } : stepOfDays(modal[0] / DAY_MS, tsMs.length);
};

// All lengths of a month count as one, else no month length would be the most frequent.
const canonicalDays = (days: number): number =>
  MONTH_SPANS.find((span) => days >= span.least && days <= span.most)?.least ?? days;

const stepOfDays = (days: number, rows: number): Step => {
  const span = MONTH_SPANS.find((each) => each.least === days);
  if (span !== undefined) return { kind: 'months', months: span.months };
  // A handful of daily bars around a weekend has no other step to show.
  const weekendOnly = days <= 4 && rows <= 4;
  return days === 1 || weekendOnly ? { kind: 'day' } : { kind: 'days', days };
};

/** ISO 8601 duration (P1D, P1M, PT1H), or null when there is no telling. */
export const isoDuration = (step: Step): string | null => {
  switch (step.kind) {
    case 'day':
      return 'P1D';
    case 'days':
      return step.days % 7 === 0 ? `P${step.days / 7}W` : `P${step.days}D`;
    case 'months':
      return step.months % 12 === 0 ? `P${step.months / 12}Y` : `P${step.months}M`;
    case 'time':
      return timeDuration(step.stepMs);
    case 'unknown':
      return null;
  }
};

const timeDuration = (stepMs: number): string => {
  if (stepMs % 3_600_000 === 0) return `PT${stepMs / 3_600_000}H`;
  return stepMs % 60_000 === 0 ? `PT${stepMs / 60_000}M` : `PT${stepMs / 1000}S`;
};

/**
 * Gaps of a series that no calendar is held against. Intraday: only inside one UTC date, since without the venue's hours
 * nothing says whether the night is missing. Months and fixed steps in days: wherever a step is skipped.
 */
export const gapsByStep = (tsMs: Float64Array, step: Exclude<Step, { kind: 'day' | 'unknown' }>): Gap[] => {
  const gaps: Gap[] = [];
  for (let at = 1; at < tsMs.length; at += 1) {
    const [before, after] = [tsMs[at - 1] ?? 0, tsMs[at] ?? 0];
    const missing = missingBetween(before, after, step);
    if (missing > 0) gaps.push({ from: shift(before, step, 1), to: shift(before, step, missing), missing });
  }
  return gaps;
};

type RegularStep = Exclude<Step, { kind: 'day' | 'unknown' }>;

const missingBetween = (beforeMs: number, afterMs: number, step: RegularStep): number => {
  switch (step.kind) {
    case 'time':
      return Math.floor(beforeMs / DAY_MS) === Math.floor(afterMs / DAY_MS)
        ? Math.round((afterMs - beforeMs) / step.stepMs) - 1
        : 0;
    case 'days':
      return Math.round((afterMs - beforeMs) / DAY_MS / step.days) - 1;
    case 'months':
      return Math.round((monthOf(afterMs) - monthOf(beforeMs)) / step.months) - 1;
  }
};

/** Months since year 0. */
const monthOf = (tsMs: number): number => {
  const date = new Date(tsMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

/** The time `steps` after another, as it is shown: month, date or instant. */
const shift = (tsMs: number, step: RegularStep, steps: number): string => {
  switch (step.kind) {
    case 'time':
      return new Date(tsMs + steps * step.stepMs).toISOString();
    case 'days':
      return new Date(tsMs + steps * step.days * DAY_MS).toISOString().slice(0, 10);
    case 'months': {
      const month = monthOf(tsMs) + steps * step.months;
      return new Date(Date.UTC(Math.floor(month / 12), month % 12)).toISOString().slice(0, 7);
    }
  }
};
