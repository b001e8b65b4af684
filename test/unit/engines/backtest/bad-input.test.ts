import { describe, expect, it } from 'vitest';
import { Failure } from '#core/errors.ts';
import { prepareBacktest } from '#engines/backtest/backtest.ts';
import type { BacktestRequest } from '#engines/backtest/backtest.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import { brokerOptions } from '#engines/backtest/broker.ts';
import { startBootstrap } from '#engines/backtest/bootstrap.ts';
import { buy, closePosition, sell, setBracket } from '#engines/backtest/desk.ts';
import type { OrderRequest } from '#engines/backtest/desk.ts';
import { freeze, thaw } from '#engines/backtest/simulate.ts';
import { strategyOf } from '#engines/backtest/strategies/registry.ts';
import { barsOf, csvBars, flat, played, runOf } from './support.ts';

const failureOf = (act: () => unknown): { code: string; disposition: string; message: string } => {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Failure)
      return { code: thrown.code, disposition: thrown.disposition, message: thrown.message };
    throw thrown;
  }
  throw new Error('nothing was refused');
};

const goog = csvBars('GOOG.csv');
const prepared = (request: Partial<BacktestRequest>) => () =>
  prepareBacktest({ bars: goog, strategy: { name: 'sma-cross' }, ...request });

describe('settings', () => {
  it.each<[string, Partial<BacktestRequest>, string]>([
    [
      'an unknown strategy',
      { strategy: { name: 'sma-cros' } },
      'there is no strategy "sma-cros": take one of sma-cross, breakout, buy-and-hold. Did you mean sma-cross?',
    ],
    [
      'a name of an object',
      { strategy: { name: 'constructor' } },
      'there is no strategy "constructor": take one of sma-cross, breakout, buy-and-hold.',
    ],
    ['an unknown parameter', { strategy: { name: 'sma-cross', params: { fats: 3 } } }, 'Unrecognized key: "fats"'],
    ['a parameter out of range', { strategy: { name: 'sma-cross', params: { fast: 0 } } }, 'params.fast is 0'],
    [
      'a parameter that is not whole',
      { strategy: { name: 'breakout', params: { entry: 2.5 } } },
      'params.entry is 2.5',
    ],
    [
      'fast not below slow',
      { strategy: { name: 'sma-cross', params: { fast: 20, slow: 20 } } },
      'params.fast is 20: must be smaller than slow',
    ],
    ['no cash', { broker: { cash: 0 } }, 'broker.cash is 0'],
    ['negative cash', { broker: { cash: -1 } }, 'broker.cash is -1'],
    [
      'infinite cash',
      { broker: { cash: Number.POSITIVE_INFINITY } },
      'broker.cash is Infinity: must be a finite amount',
    ],
    ['no margin', { broker: { margin: 0 } }, 'broker.margin is 0'],
    ['margin over 1', { broker: { margin: 1.01 } }, 'broker.margin is 1.01'],
    ['negative commission', { broker: { commission: -0.1 } }, 'broker.commission is -0.1: must be a fraction'],
    ['commission of all', { broker: { commission: 1 } }, 'broker.commission is 1: must be a fraction'],
    [
      'a relative part of all',
      { broker: { commission: { relative: 1 } } },
      'broker.commission.relative is 1: must be a fraction',
    ],
    [
      'commission of another shape',
      { broker: { commission: () => 1 } },
      'broker.commission is missing: must be a fraction',
    ],
    ['commission as a pair', { broker: { commission: [1, 0.1] } }, 'broker.commission is [1,0.1]: must be a fraction'],
    ['negative spread', { broker: { spread: -0.1 } }, 'broker.spread is -0.1'],
    ['spread of all', { broker: { spread: 1 } }, 'broker.spread is 1'],
    ['an unknown setting', { broker: { leverage: 3 } }, 'Unrecognized key: "leverage"'],
    ['no date', { from: 'yesterday' }, 'from is "yesterday": write a date such as 2020-01-31'],
    ['a date that is none', { to: '2010-02-31' }, 'to is "2010-02-31": write a date such as 2020-01-31'],
  ])('%s is refused for good', (_, request, message) => {
    const failure = failureOf(prepared(request));
    expect(failure).toMatchObject({ code: 'PAYLOAD_INVALID', disposition: 'reject' });
    expect(failure.message).toContain(message);
  });

  it('a state of another run is refused', () => {
    const strategy = strategyOf({ name: 'buy-and-hold' });
    const frozen = freeze(runOf(goog, strategy));
    expect(failureOf(() => thaw(frozen, { bars: goog, strategy: strategyOf({ name: 'breakout' }) })).code).toBe(
      'PAYLOAD_INVALID',
    );
    expect(failureOf(() => thaw(frozen, { bars: barsOf([flat]), strategy })).message).toContain('over 1 bars');
  });

  it.each([{ resamples: 99 }, { resamples: 1e7 }, { seed: -1 }, { seed: 0.5 }])(
    'a bootstrap of %o is refused',
    (options) => {
      const periods = { returns: new Float64Array(50), periodsPerYear: 252, basis: 'day' } as const;
      expect(failureOf(() => startBootstrap(periods, options)).code).toBe('PAYLOAD_INVALID');
    },
  );
});

const changed = (change: (bars: Record<keyof Bars, Float64Array>) => void): Bars => {
  const bars = {
    tsMs: goog.tsMs.slice(),
    open: goog.open.slice(),
    high: goog.high.slice(),
    low: goog.low.slice(),
    close: goog.close.slice(),
    volume: goog.volume.slice(),
  };
  change(bars);
  return bars;
};

describe('data', () => {
  it.each<[string, Partial<BacktestRequest>, string]>([
    ['no bar', { bars: barsOf([]) }, 'the data has no bar'],
    [
      'shorter than the warm-up',
      { bars: barsOf(Array.from({ length: 19 }, () => flat)) },
      'needs 19 bars before its first decision, and the data has 19',
    ],
    [
      'from after to',
      { from: '2010-01-02', to: '2010-01-01' },
      'from 2010-01-02 is after to 2010-01-01T23:59:59.999Z: exchange them',
    ],
    [
      'a range outside',
      { from: '2020-01-01' },
      'no bar lies between 2020-01-01 and Infinity: the data runs from 2004-08-19 to 2013-03-01',
    ],
    ['a range between bars', { from: '2010-01-02', to: '2010-01-03' }, 'no bar lies between 2010-01-02 and'],
    [
      'a price of zero',
      { bars: changed(({ low }) => low.fill(0, 7, 9)) },
      'bar 7 of 2004-08-30 has low 0: prices must be positive',
    ],
    ['a negative price', { bars: changed(({ close }) => close.fill(-1, 3)) }, 'bar 3 of 2004-08-24 has close -1'],
    ['no price', { bars: changed(({ open }) => open.fill(Number.NaN, 5)) }, 'bar 5 of 2004-08-26 has open NaN'],
    ['high below low', { bars: changed(({ high }) => high.fill(1, 4, 5)) }, 'bar 4 of 2004-08-25 has high 1 below low'],
    ['close outside', { bars: changed(({ close }) => close.fill(9999, 4, 5)) }, 'close 9999 outside low'],
    [
      'a time twice',
      { bars: changed(({ tsMs }) => tsMs.copyWithin(9, 8, 9)) },
      'bar 9 has the same time as the bar before it, 2004-08-31',
    ],
    [
      'times unsorted',
      { bars: changed(({ tsMs }) => tsMs.reverse()) },
      'bar 1 has an earlier time than the bar before it',
    ],
    ['no time', { bars: changed(({ tsMs }) => tsMs.fill(Number.NaN, 2)) }, 'bar 2 has no time'],
    [
      'columns of unequal length',
      { bars: { ...goog, volume: goog.volume.slice(1) } },
      'column volume has 2147 values for 2148 bars',
    ],
  ])('%s is refused for good', (_, request, message) => {
    const failure = failureOf(prepared(request));
    expect(failure).toMatchObject({ code: 'INPUT_INVALID', disposition: 'reject' });
    expect(failure.message).toContain(message);
  });

  it('one bar more than the warm-up is enough, and a day as `to` is whole', () => {
    expect(prepared({ bars: barsOf(Array.from({ length: 20 }, () => flat)) })().run.bars.close).toHaveLength(20);
    const { selection } = prepared({ from: '2010-01-04', to: '2010-02-26' })();
    expect([selection.droppedBefore, selection.bars.close.length, selection.droppedAfter]).toEqual([1353, 38, 757]);
    const eurusd = csvBars('EURUSD.csv');
    expect(prepared({ bars: eurusd, from: '2017-05-02', to: '2017-05-02' })().run.bars.close).toHaveLength(24);
    expect(prepared({ bars: eurusd, from: '2017-05-02T01:00', to: '2017-05-02T22:00Z' })().run.bars.close).toHaveLength(
      22,
    );
  });
});

describe('orders', () => {
  it.each<[string, OrderRequest, string]>([
    ['size 0', { size: 0 }, 'size 0'],
    ['negative size', { size: -1 }, 'size -1'],
    ['no size', { size: Number.NaN }, 'size NaN'],
    ['infinite size', { size: Number.POSITIVE_INFINITY }, 'size Infinity'],
    ['parts of units', { size: 1.5 }, 'size 1.5'],
    ['a negative limit', { limit: -1 }, 'limit -1'],
    ['an infinite stop', { stop: Number.POSITIVE_INFINITY }, 'stop Infinity'],
    ['a stop-loss above', { stopLoss: 101 }, 'stopLoss 101, entry 100, takeProfit none: it needs stopLoss < entry'],
    ['a stop-loss at the entry', { stopLoss: 100 }, 'stopLoss 100, entry 100'],
    ['a take-profit below', { takeProfit: 99 }, 'takeProfit 99'],
    ['a stop-loss above the limit', { limit: 90, stopLoss: 95 }, 'stopLoss 95, entry 90'],
    ['a take-profit below the stop', { stop: 110, takeProfit: 105 }, 'entry 110, takeProfit 105'],
    ['a bracket upside down', { limit: 90, stopLoss: 95, takeProfit: 85 }, 'stopLoss 95, entry 90, takeProfit 85'],
  ])('%s is refused', (_, request, message) => {
    const failure = failureOf(() => played([flat, flat], { 0: (broker) => buy(broker, request) }));
    expect(failure).toMatchObject({ code: 'INPUT_INVALID', disposition: 'reject' });
    expect(failure.message).toContain(message);
  });

  it('brackets of selling orders lie the other way round', () => {
    expect(failureOf(() => played([flat, flat], { 0: (b) => sell(b, { stopLoss: 99 }) })).message).toContain(
      'it needs takeProfit < entry < stopLoss',
    );
    expect(played([flat, flat], { 0: (b) => sell(b, { stopLoss: 101, takeProfit: 99 }) }).trades).toHaveLength(1);
  });

  it('a closing of more than all, and a bracket at no price, are refused', () => {
    const script = { 0: (b: Parameters<typeof buy>[0]) => buy(b, { size: 2 }) };
    expect(
      failureOf(() => played([flat, flat, flat], { ...script, 1: (b) => closePosition(b, 1.1) })).message,
    ).toContain('closed by 1.1');
    expect(failureOf(() => played([flat, flat, flat], { ...script, 1: (b) => closePosition(b, 0) })).message).toContain(
      'closed by 0',
    );
    const at = (price: number) => () =>
      played([flat, flat, flat], {
        ...script,
        1: (b) => b.trades.forEach((trade) => setBracket(b, trade, { stopLoss: price })),
      });
    expect(failureOf(at(Number.NaN)).message).toContain('stop-loss NaN');
    expect(failureOf(at(-2)).message).toContain('stop-loss -2');
  });
});

it('settings that are left out have their defaults', () => {
  expect(brokerOptions({})).toEqual({
    cash: 10_000,
    commission: { fixed: 0, relative: 0 },
    margin: 1,
    spread: 0,
    slippage: 0,
    tradeOnClose: false,
    hedging: false,
    exclusiveOrders: false,
    finalizeTrades: false,
  });
});
