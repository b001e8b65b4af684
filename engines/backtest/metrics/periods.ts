// Returns a period and how many periods a year has: what annual figures are made of.
import { at } from '#engines/backtest/bars.ts';

const DAY_MS = 86_400_000;

export interface Periods {
  /** Simple returns, one a period after the first. */
  returns: Float64Array;
  periodsPerYear: number;
  basis: 'day' | 'bar';
}

/** The middle of the gaps between bars, milliseconds; null for a single bar. */
export const typicalGapMs = (tsMs: Float64Array): number | null => {
  if (tsMs.length < 2) return null;
  const gaps = Float64Array.from(
    { length: tsMs.length - 1 },
    (_, index) => at(tsMs, index + 1) - at(tsMs, index),
  ).sort();
  return at(gaps, gaps.length >> 1);
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
  const returns = returnsOf(Float64Array.from(lasts, (index) => at(equity, index)));
  return { returns, periodsPerYear: weekendShare(tsMs) >= (2 / 7) * 0.6 ? 365 : 252, basis: 'day' };
};

// Two of seven days are a weekend. Markets that are shut then may still show some hours of it, by the clock of UTC.
const weekendShare = (tsMs: Float64Array): number =>
  tsMs.filter((ts) => new Date(ts).getUTCDay() % 6 === 0).length / tsMs.length;

const lastOfEachDay = (tsMs: Float64Array): number[] => {
  const day = (index: number): number => Math.floor(at(tsMs, index) / DAY_MS);
  const lasts: number[] = [];
  for (let index = 0; index < tsMs.length; index += 1) {
    if (index === tsMs.length - 1 || day(index) !== day(index + 1)) lasts.push(index);
  }
  return lasts;
};

const returnsOf = (values: Float64Array): Float64Array =>
  Float64Array.from(
    { length: Math.max(0, values.length - 1) },
    (_, index) => at(values, index + 1) / at(values, index) - 1,
  );

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
