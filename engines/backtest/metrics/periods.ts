// Returns a period and how many periods a year has: what annual figures are made of.
import { at } from '#engines/backtest/bars.ts';

const DAY_MS = 86_400_000;

export interface Periods {
  /** Simple returns, one a period after the first. */
  returns: Float64Array;
  periodsPerYear: number;
  basis: 'day' | 'bar';
}

/** The middle of the gaps between bars, milliseconds; null for a single bar. Found once for a column. */
export const typicalGapMs = (tsMs: Float64Array): number | null => {
  const known = gaps.get(tsMs);
  if (known !== undefined) return known;
  const found = middleGapMs(tsMs);
  gaps.set(tsMs, found);
  return found;
};

const gaps = new WeakMap<Float64Array, number | null>();

const middleGapMs = (tsMs: Float64Array): number | null => {
  // Bars have few different gaps: counting them beats sorting them.
  const counts = new Map<number, number>();
  for (let index = 1; index < tsMs.length; index += 1) {
    const gap = at(tsMs, index) - at(tsMs, index - 1);
    counts.set(gap, (counts.get(gap) ?? 0) + 1);
  }
  let before = 0;
  for (const [gap, count] of [...counts].toSorted(([a], [b]) => a - b)) {
    before += count;
    if (before > (tsMs.length - 1) >> 1) return gap;
  }
  return null;
};

// [longest typical gap in days, periods a year]: a week is 7 days, a month up to 31, a quarter up to 92.
const SLOWER = [
  [10, 52],
  [45, 12],
  [120, 4],
  [Number.POSITIVE_INFINITY, 1],
] as const;

/** Returns of an equity curve by day or, for bars slower than some days, by bar. */
export const periodsOf = (tsMs: Float64Array, equity: Float64Array): Periods => {
  const gapDays = (typicalGapMs(tsMs) ?? DAY_MS) / DAY_MS;
  if (gapDays > 4) {
    const periodsPerYear = SLOWER.find(([longest]) => gapDays <= longest)?.[1] ?? 1;
    return { returns: returnsOf(equity), periodsPerYear, basis: 'bar' };
  }
  const lasts = lastOfEachDay(tsMs);
  const returns = returnsOf(Float64Array.from(lasts.map((index) => at(equity, index))));
  return { returns, periodsPerYear: weekendShare(tsMs) >= (2 / 7) * 0.6 ? 365 : 252, basis: 'day' };
};

// Two of seven days are a weekend. Markets that are shut then may still show some hours of it, by the clock of UTC.
const weekendShare = (tsMs: Float64Array): number => {
  let bars = 0;
  // 1970-01-01 was a Thursday: day 2 was a Saturday.
  for (let index = 0; index < tsMs.length; index += 1) if ((dayOf(tsMs, index) + 5) % 7 < 2) bars += 1;
  return bars / tsMs.length;
};

const dayOf = (tsMs: Float64Array, index: number): number => {
  const day = Math.floor(at(tsMs, index) / DAY_MS);
  return day < 0 ? day + DAYS_BEFORE_1970 : day;
};

// Whole weeks, some 20,000 years: keeps the weekday of dates before 1970.
const DAYS_BEFORE_1970 = 7 * 1_000_000;

const lastOfEachDay = (tsMs: Float64Array): number[] => {
  const lasts: number[] = [];
  let day = dayOf(tsMs, 0);
  for (let index = 1; index < tsMs.length; index += 1) {
    const next = dayOf(tsMs, index);
    if (next !== day) lasts.push(index - 1);
    day = next;
  }
  return [...lasts, tsMs.length - 1];
};

const returnsOf = (values: Float64Array): Float64Array => {
  const returns = new Float64Array(Math.max(0, values.length - 1));
  for (let index = 0; index < returns.length; index += 1)
    returns[index] = at(values, index + 1) / at(values, index) - 1;
  return returns;
};

/** Annual figures of returns a period, fractions. NaN where a formula has no value. */
export interface Annual {
  annualReturn: number;
  annualVolatility: number;
  sharpe: number;
}

/** Source of the formulas: catalogue.ts. `sumLog` is the sum of log(1 + return). */
export const annualOf = (
  moments: { count: number; sumLog: number; mean: number; variance: number },
  perYear: number,
): Annual => {
  const growth = Math.exp(moments.sumLog / moments.count);
  const annualReturn = growth ** perYear - 1;
  const annualVolatility = Math.sqrt((moments.variance + growth ** 2) ** perYear - growth ** (2 * perYear));
  return { annualReturn, annualVolatility, sharpe: annualReturn / annualVolatility };
};

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] as number;
  return sum / values.length;
};

/** Sample variance. */
export const variance = (values: ArrayLike<number>): number => {
  const middle = mean(values);
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += ((values[index] as number) - middle) ** 2;
  return sum / (values.length - 1);
};
