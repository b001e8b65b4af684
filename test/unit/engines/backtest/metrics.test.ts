import { describe, expect, it } from 'vitest';
import { finishBacktest } from '#engines/backtest/backtest.ts';
import { buy, closePosition, sell } from '#engines/backtest/desk.ts';
import { channel, crossedOver, sma } from '#engines/backtest/indicators.ts';
import { metricNames } from '#engines/backtest/metrics/catalogue.ts';
import { drawdowns } from '#engines/backtest/metrics/drawdowns.ts';
import { periodsOf } from '#engines/backtest/metrics/periods.ts';
import { barsOf, csvBars, flat, runOf, scripted } from './support.ts';

type Row = readonly [number, number, number, number];
const day = 86_400_000;
const spaced = (count: number, gapMs: number, startMs = Date.UTC(2026, 0, 5)): Float64Array =>
  Float64Array.from({ length: count }, (_, index) => startMs + index * gapMs);
const rising = (count: number): Float64Array => Float64Array.from({ length: count }, (_, index) => 100 + index);

describe('indicators', () => {
  const values = Float64Array.from([1, 2, 4, 8, 16]);

  it('averages windows, NaN before the first', () => {
    expect([...sma(values, 2)]).toEqual([Number.NaN, 1.5, 3, 6, 12]);
    expect([...sma(values, 1)]).toEqual([1, 2, 4, 8, 16]);
    expect([...sma(values, 6)].every(Number.isNaN)).toBe(true);
  });

  it('averages one value to that value, after whatever came before', () => {
    const repeated = Float64Array.from([1e9, 0.1, 0.3, ...Array.from({ length: 30 }, () => 0.7)]);
    expect(
      sma(repeated, 7)
        .slice(9)
        .every((value) => value === 0.7),
    ).toBe(true);
  });

  it('does not drift: after 5,000 bars of EURUSD the average is that of its window', () => {
    const { close } = csvBars('EURUSD.csv');
    const window = close.slice(-20).reduce((sum, value) => sum + value, 0) / 20;
    expect(Math.abs((sma(close, 20).at(-1) ?? 0) - window)).toBeLessThan(1e-14);
  });

  it('finds the extremes of the bars before', () => {
    expect([...channel(values, 2, 'highest')]).toEqual([Number.NaN, Number.NaN, 2, 4, 8]);
    expect([...channel(values, 2, 'lowest')]).toEqual([Number.NaN, Number.NaN, 1, 2, 4]);
  });

  it('crosses from below to above, and touching is not crossing', () => {
    const crossed = (a: number[], b: number[]) => crossedOver(Float64Array.from(a), Float64Array.from(b), 1);
    expect(crossed([1, 3], [2, 2])).toBe(true);
    expect(crossed([1, 2], [2, 2])).toBe(false);
    expect(crossed([2, 3], [2, 2])).toBe(false);
    expect(crossed([Number.NaN, 3], [2, 2])).toBe(false);
  });
});

describe('periods', () => {
  it.each<[string, number, number, number, string]>([
    ['daily, all week', 60, day, 365, 'day'],
    ['hourly, all week', 60 * 24, 3_600_000, 365, 'day'],
    ['weekly', 60, 7 * day, 52, 'bar'],
    ['monthly', 60, 30 * day, 12, 'bar'],
    ['quarterly', 60, 91 * day, 4, 'bar'],
    ['yearly', 60, 365 * day, 1, 'bar'],
  ])('%s', (...[, count, gapMs, periodsPerYear, basis]) => {
    expect(periodsOf(spaced(count, gapMs), rising(count))).toMatchObject({ periodsPerYear, basis });
  });

  it('a market that is shut on weekends has 252 days a year, by day or by hour', () => {
    for (const name of ['GOOG.csv', 'EURUSD.csv']) {
      const { tsMs, close } = csvBars(name);
      expect(periodsOf(tsMs, close)).toMatchObject({ periodsPerYear: 252, basis: 'day' });
    }
  });

  it('takes the last equity of each UTC day', () => {
    const { returns } = periodsOf(spaced(72, 3_600_000), rising(72));
    expect([...returns]).toEqual([147 / 123 - 1, 171 / 147 - 1]);
  });
});

describe('drawdowns', () => {
  it('last from a peak to the bar that reaches it again, or to the end', () => {
    const found = drawdowns(Float64Array.from([100, 90, 95, 100, 120, 60, 90]));
    expect(found.map(({ fromBar, toBar }) => [fromBar, toBar])).toEqual([
      [0, 3],
      [4, 6],
    ]);
    expect(found[0]?.depth).toBeCloseTo(-0.1, 12);
    expect(found[1]?.depth).toBeCloseTo(-0.5, 12);
  });
});

describe('figures', () => {
  const rows: Row[] = [
    flat,
    flat,
    [110, 110, 110, 110],
    [120, 120, 120, 120],
    [120, 130, 120, 126],
    [126, 126, 126, 126],
  ];
  const figuresOf = (script: Parameters<typeof scripted>[0], options = {}) =>
    finishBacktest(runOf(barsOf(rows), scripted(script), { cash: 1000, ...options })).statistics;

  it('are what they are by hand', () => {
    const { values } = figuresOf(
      {
        0: (b) => buy(b, { size: 5 }),
        1: (b) => closePosition(b),
        2: (b) => sell(b, { size: 2 }),
        3: (b) => closePosition(b),
        4: (b) => buy(b, { size: 1 }),
      },
      { commission: { fixed: 1 } },
    );
    // 5 units 100 to 110: 50 - 2 fees; 2 short at 120, out at 120: -2; one unit open at 126, one fee paid.
    expect(values).toMatchObject({
      finalEquity: 1045,
      tradeCount: 2,
      commissions: 4,
      feesPaid: 5,
      winRatePercent: 50,
      maxTradeDurationDays: 1,
      durationDays: 5,
      exposurePercent: (4 / 6) * 100,
      timeInMarketPercent: (3 / 6) * 100,
    });
    expect(values.returnPercent).toBeCloseTo(4.5, 10);
    expect(values.buyAndHoldReturnPercent).toBeCloseTo(26, 10);
    expect(values.bestTradePercent).toBeCloseTo(9.6, 10);
    expect(values.worstTradePercent).toBeCloseTo(-2 / 2.4, 10);
    expect(values.profitFactor).toBeCloseTo(9.6 / (2 / 2.4), 10);
    expect(values.kellyCriterion).toBeCloseTo(0.5 - 0.5 / 24, 10);
    // 500 + 550 + 240 + 240 + 126 traded; half of it over the mean equity, a year in 365.25/5 parts.
    const mean = (1000 + 999 + 1048 + 1047 + 1046 + 1045) / 6;
    expect(values.turnoverPerYear).toBeCloseTo(1656 / 2 / mean / (5 / 365.25), 8);
  });

  it('are never NaN: what is undefined is null, with its reason', () => {
    const { values, reasons } = figuresOf({});
    expect(metricNames.every((name) => values[name] === null || Number.isFinite(values[name]))).toBe(true);
    expect(metricNames.filter((name) => values[name] === null).toSorted()).toEqual(Object.keys(reasons).toSorted());
    expect(values).toMatchObject({ returnPercent: 0, tradeCount: 0, beta: 0, sharpeRatio: null, winRatePercent: null });
    expect(reasons).toMatchObject({
      sharpeRatio: 'the equity never moved',
      sortinoRatio: 'no period lost',
      calmarRatio: 'there was no drawdown',
      winRatePercent: 'no trade was closed',
      profitFactor: 'no trade was closed',
    });
  });

  it('of one winning trade: no loss to divide by', () => {
    const { values, reasons } = figuresOf({ 0: (b) => buy(b, { size: 5 }), 1: (b) => closePosition(b) });
    expect(values).toMatchObject({
      tradeCount: 1,
      profitFactor: null,
      sqn: null,
      kellyCriterion: null,
      winRatePercent: 100,
    });
    expect(reasons).toMatchObject({
      profitFactor: 'no trade lost',
      kellyCriterion: 'it takes winning and losing trades',
    });
  });

  it('of spent equity: a loss of all, and no ratio', () => {
    const { values, reasons } = figuresOf({ 0: (b) => sell(b, { size: 90 }) }, { margin: 0.1 });
    expect(values).toMatchObject({
      returnPercent: -100,
      annualReturnPercent: -100,
      finalEquity: 0,
      sharpeRatio: null,
      maxDrawdownPercent: -100,
    });
    expect(reasons.sharpeRatio).toBe('the equity was spent');
  });

  it('of one bar', () => {
    const { values } = finishBacktest(runOf(barsOf([flat]), { name: 'buy-and-hold' })).statistics;
    expect(values).toMatchObject({ finalEquity: 10_000, cagrPercent: null, beta: null, annualReturnPercent: null });
  });
});
