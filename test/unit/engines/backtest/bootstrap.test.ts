import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bootstrapReason, confidenceOf, resample, startBootstrap } from '#engines/backtest/bootstrap.ts';
import type { BootstrapState } from '#engines/backtest/bootstrap.ts';
import { finishBacktest } from '#engines/backtest/backtest.ts';
import { annualOf, mean, periodsOf, variance } from '#engines/backtest/metrics/periods.ts';
import type { Periods } from '#engines/backtest/metrics/periods.ts';
import { csvBars, runOf } from './support.ts';

const periodsOfReturns = (returns: readonly number[]): Periods => ({
  returns: Float64Array.from(returns),
  periodsPerYear: 252,
  basis: 'day',
});

// Normal by the sum of twelve uniforms; deterministic.
const normal = (count: number, of: { mean: number; sd: number }): number[] => {
  let seed = 42;
  const uniform = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  return Array.from({ length: count }, () => {
    const sum = Array.from({ length: 12 }, uniform).reduce((a, b) => a + b, 0);
    return of.mean + of.sd * (sum - 6);
  });
};

const done = (periods: Periods, options: Parameters<typeof startBootstrap>[1]): BootstrapState => {
  const state = startBootstrap(periods, options);
  expect(resample(state, periods)).toBe(true);
  return state;
};

it('interrupted after any resamples and thawed from JSON, ends in the same bytes', () => {
  const periods = periodsOfReturns(normal(100, { mean: 0.001, sd: 0.01 }));
  const whole = JSON.stringify(done(periods, { resamples: 200 }));
  fc.assert(
    fc.property(fc.array(fc.nat(220), { maxLength: 4 }), (stops) => {
      let state = startBootstrap(periods, { resamples: 200 });
      for (const stop of stops.toSorted((a, b) => a - b)) {
        expect(resample(state, periods, stop)).toBe(stop >= 200);
        state = JSON.parse(JSON.stringify(state));
      }
      resample(state, periods);
      expect(JSON.stringify(state)).toBe(whole);
    }),
    { numRuns: 20 },
  );
});

it('another seed draws otherwise, and the interval hardly moves', () => {
  const periods = periodsOfReturns(normal(500, { mean: 0.001, sd: 0.01 }));
  const [one, two] = [1, 2].map((seed) => confidenceOf(done(periods, { seed, resamples: 4000 }), periods).sharpeRatio);
  expect(one).not.toEqual(two);
  expect(Math.abs((one?.lower ?? 0) - (two?.lower ?? 0))).toBeLessThan(0.2);
});

it('of independent returns, is as wide as theory says', () => {
  const count = 2520;
  const periods = periodsOfReturns(normal(count, { mean: 0.0006, sd: 0.01 }));
  const { sharpeRatio, annualReturnPercent } = confidenceOf(done(periods, { resamples: 4000 }), periods);
  // Lo 2002, independent returns: a daily ratio r has the standard error sqrt((1 + r^2 / 2) / n).
  const theory = 2 * 1.96 * Math.sqrt(1 / count) * Math.sqrt(252);
  expect((sharpeRatio.upper - sharpeRatio.lower) / theory).toBeGreaterThan(0.8);
  expect((sharpeRatio.upper - sharpeRatio.lower) / theory).toBeLessThan(1.25);
  const { returns } = periods;
  const moments = {
    count,
    sumLog: returns.reduce((sum, value) => sum + Math.log1p(value), 0),
    mean: mean(returns),
    variance: variance(returns),
  };
  const { sharpe, annualReturn } = annualOf(moments, 252);
  expect(sharpeRatio.lower).toBeLessThan(sharpe);
  expect(sharpeRatio.upper).toBeGreaterThan(sharpe);
  expect(annualReturnPercent.lower).toBeLessThan(annualReturn * 100);
  expect(annualReturnPercent.upper).toBeGreaterThan(annualReturn * 100);
});

it('keeps neighbours together: returns that trend have wider intervals than the same returns shuffled', () => {
  const trending = normal(40, { mean: 0, sd: 0.01 }).flatMap((value) => Array.from({ length: 25 }, () => value));
  const shuffled = trending.map((_, index) => trending[(index * 389) % trending.length] ?? 0);
  const width = (returns: number[]): number => {
    const periods = periodsOfReturns(returns);
    const { lower, upper } = confidenceOf(done(periods, { resamples: 2000 }), periods).sharpeRatio;
    return upper - lower;
  };
  expect(width(trending)).toBeGreaterThan(1.8 * width(shuffled));
});

it('of the first oracle: the interval holds the ratio, and zero', () => {
  const { periods, statistics } = finishBacktest(
    runOf(csvBars('GOOG.csv'), { name: 'sma-cross' }, { commission: 0.002 }),
  );
  const found = confidenceOf(done(periods, { resamples: 2000 }), periods);
  expect(found).toMatchObject({ level: 0.95, resamples: 2000, meanBlock: 13, periods: 2147, basis: 'day' });
  expect(found.sharpeRatio.lower).toBeLessThan(0);
  expect(found.sharpeRatio.upper).toBeGreaterThan(statistics.values.sharpeRatio ?? 9);
  expect(found.maxDrawdownPercent.lower).toBeLessThan(statistics.values.maxDrawdownPercent ?? 0);
});

it('says why there is none', () => {
  expect(bootstrapReason(periodsOfReturns([0.1]))).toBe('1 returns are too few to resample: it takes 30');
  expect(bootstrapReason(periodsOfReturns(Array.from({ length: 30 }, () => 0)))).toBe('the equity never moved');
  expect(bootstrapReason(periodsOfReturns([-1, ...normal(40, { mean: 0, sd: 0.01 })]))).toBe('the equity was spent');
  expect(bootstrapReason(periodsOf(csvBars('BTCUSD.csv').tsMs, csvBars('BTCUSD.csv').close))).toBeNull();
});
