// Laws that hold for any stream of orders over any bars.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equityOf, positionSize } from '#engines/backtest/account.ts';
import { finishBacktest } from '#engines/backtest/backtest.ts';
import { barAt, barCount, slice } from '#engines/backtest/bars.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import { brokerOptions, openBroker } from '#engines/backtest/broker.ts';
import type { Broker, BrokerInput } from '#engines/backtest/broker.ts';
import { buy, cancel, closePosition, sell, setBracket } from '#engines/backtest/desk.ts';
import { equityCurve } from '#engines/backtest/equity.ts';
import { advance } from '#engines/backtest/matching.ts';
import { advanceTo, freeze, startSimulation, thaw } from '#engines/backtest/simulate.ts';
import { strategyOf } from '#engines/backtest/strategies/registry.ts';
import type { ReadyStrategy, StrategyChoice } from '#engines/backtest/strategies/registry.ts';
import { barsOf, csvBars, runOf } from './support.ts';

const goog = csvBars('GOOG.csv');

const brokers: fc.Arbitrary<BrokerInput> = fc.record({
  cash: fc.integer({ min: 100, max: 1_000_000 }),
  commission: fc.oneof(
    fc.constantFrom(0, 0.002, 0.01),
    fc.record({ fixed: fc.constantFrom(0, 1, 7), relative: fc.constantFrom(0, 0.001) }),
  ),
  margin: fc.constantFrom(1, 0.5, 0.1),
  spread: fc.constantFrom(0, 0.001),
  slippage: fc.constantFrom(0, 0.001),
  tradeOnClose: fc.boolean(),
  hedging: fc.boolean(),
  exclusiveOrders: fc.boolean(),
  finalizeTrades: fc.boolean(),
});

/** A walk with gaps. */
const walks: fc.Arbitrary<Bars> = fc
  .array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }), fc.nat(6), fc.nat(6)), {
    minLength: 5,
    maxLength: 60,
  })
  .map((steps) => {
    let close = 100;
    return barsOf(
      steps.map(([gap, move, above, below]) => {
        const open = close * (1 + gap / 200);
        close = open * (1 + move / 150);
        return [
          open,
          Math.max(open, close) * (1 + above / 300),
          Math.min(open, close) * (1 - below / 300),
          close,
        ] as const;
      }),
    );
  });

interface Step {
  kind: 'buy' | 'sell' | 'close' | 'cancel' | 'bracket' | 'rest';
  size: number;
  limit: number;
  stop: number;
  bracketed: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>('buy', 'sell', 'close', 'cancel', 'bracket', 'rest'),
    size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(0.1, 0.5, 0.95)),
    limit: fc.integer({ min: -4, max: 8 }),
    stop: fc.integer({ min: -4, max: 8 }),
    bracketed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

const act = (broker: Broker, step: Step): void => {
  const near = (percent: number): number => broker.close * (1 + percent / 100);
  // Offsets above 4 mean: without.
  const entry = {
    size: step.size,
    ...(step.limit > 4 ? {} : { limit: near(step.limit) }),
    ...(step.stop > 4 ? {} : { stop: near(step.stop) }),
  };
  const bracket = (side: 1 | -1) => (step.bracketed ? { stopLoss: near(-7 * side), takeProfit: near(7 * side) } : {});
  const acts: Record<Step['kind'], () => unknown> = {
    buy: () => buy(broker, { ...entry, ...bracket(1) }),
    sell: () => sell(broker, { ...entry, ...bracket(-1) }),
    close: () => closePosition(broker, 0.5),
    cancel: () => cancel(broker, broker.orders[0]?.id ?? 0),
    bracket: () =>
      broker.trades.forEach((trade) => setBracket(broker, trade, { stopLoss: near(-5 * Math.sign(trade.size)) })),
    rest: () => undefined,
  };
  acts[step.kind]();
};

/** Keeps in its state how often it acted: what is thawed wrongly goes on wrongly. */
const streaming = (stream: readonly Step[]): ReadyStrategy => ({
  name: 'stream',
  title: 'A stream of orders',
  params: {},
  warmUpBars: 0,
  prepare: () => ({}),
  start: 0,
  next: ({ state, broker }) => {
    const done = Number(state);
    const step = stream[done % stream.length];
    if (step) act(broker, step);
    return done + 1;
  },
});

describe('any stream of orders', () => {
  it('conserves cash: what is there is what was there, plus profits, less fees, at every bar', () => {
    fc.assert(
      fc.property(walks, steps, brokers, (bars, stream, options) => {
        const { broker } = runOf(bars, streaming(stream), options);
        const { cash } = broker.options;
        const realised = broker.closed.reduce((sum, { pnl }) => sum + pnl, 0);
        const floating = broker.trades.reduce(
          (sum, trade) => sum + trade.size * (broker.close - trade.entryPrice) - trade.entryFee,
          0,
        );
        const debt = broker.ruin?.shortfall ?? 0;
        const made = cash + realised + floating;
        // Ruin by fees alone may leave a rest below a cent's fraction; it is the shortfall that makes it zero.
        expect(made + debt - equityOf(broker)).toBeCloseTo(0, 6);
        expect(equityCurve(bars, broker).equity.at(-1)).toBeCloseTo(equityOf(broker), 6);
        const fees = broker.fills.reduce((sum, { fee }) => sum + fee, 0);
        const booked = [
          ...broker.closed.map(({ commission }) => commission),
          ...broker.trades.map(({ entryFee }) => entryFee),
        ];
        expect(booked.reduce((sum, fee) => sum + fee, 0)).toBeCloseTo(fees, 6);
      }),
      { numRuns: 300 },
    );
  });

  it('conserves position: fills add up to what is open, each trade to what was opened', () => {
    fc.assert(
      fc.property(walks, steps, brokers, (bars, stream, options) => {
        const { broker } = runOf(bars, streaming(stream), options);
        expect(broker.fills.reduce((sum, { size }) => sum + size, 0)).toBe(positionSize(broker));
        for (const { size, exitBar, entryBar } of broker.closed) {
          expect(Number.isInteger(size)).toBe(true);
          expect(exitBar).toBeGreaterThanOrEqual(entryBar);
        }
        expect(broker.trades.every(({ size }) => Number.isInteger(size) && size !== 0)).toBe(true);
        if (!options.hedging)
          expect(new Set(broker.trades.map(({ size }) => Math.sign(size))).size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  it('fills nothing at a price the bar did not have, costs apart', () => {
    fc.assert(
      fc.property(walks, steps, brokers, (bars, stream, options) => {
        const { broker } = runOf(bars, streaming(stream), { ...options, spread: 0, slippage: 0, tradeOnClose: false });
        for (const { bar, price } of broker.fills) {
          expect(price).toBeGreaterThanOrEqual((bars.low[bar] ?? 0) * (1 - 1e-12));
          expect(price).toBeLessThanOrEqual((bars.high[bar] ?? 0) * (1 + 1e-12));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('every order is open, filled or cancelled, and brackets do not outlive their trade', () => {
    fc.assert(
      fc.property(walks, steps, brokers, (bars, stream, options) => {
        const { broker } = runOf(bars, streaming(stream), options);
        const ids = [...broker.done, ...broker.orders].map(({ id }) => id).toSorted((a, b) => a - b);
        expect(ids).toEqual(Array.from({ length: broker.nextOrderId - 1 }, (_, index) => index + 1));
        const alive = new Set(broker.trades.map(({ id }) => id));
        expect(broker.orders.every(({ tradeId }) => tradeId === null || alive.has(tradeId))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('frozen at any bars and thawed from JSON, ends in the same bytes', () => {
    fc.assert(
      fc.property(
        walks,
        steps,
        fc.tuple(brokers, fc.array(fc.nat(60), { maxLength: 4 })),
        (bars, stream, [options, stops]) => {
          const strategy = streaming(stream);
          const whole = runOf(bars, strategy, options);
          let run = startSimulation({ bars, strategy, options: brokerOptions(options) });
          for (const stop of stops.toSorted((a, b) => a - b)) {
            advanceTo(run, stop);
            run = thaw(JSON.parse(JSON.stringify(freeze(run))), { bars, strategy });
          }
          advanceTo(run);
          expect(JSON.stringify(freeze(run))).toBe(JSON.stringify(freeze(whole)));
          expect(JSON.stringify(finishBacktest(run))).toBe(JSON.stringify(finishBacktest(whole)));
        },
      ),
      { numRuns: 200 },
    );
  });
});

const strategies: StrategyChoice[] = [
  { name: 'sma-cross', params: { fast: 3, slow: 8 } },
  { name: 'breakout', params: { entry: 7, exit: 4 } },
  { name: 'buy-and-hold' },
];

describe.each(strategies)('$name', (choice) => {
  it('frozen at any bar of GOOG, ends in the same bytes', () => {
    const strategy = strategyOf(choice);
    const options = brokerOptions({ commission: 0.002 });
    const whole = JSON.stringify(freeze(runOf(goog, strategy, { commission: 0.002 })));
    fc.assert(
      fc.property(fc.nat(2200), (stop) => {
        const run = startSimulation({ bars: goog, strategy, options });
        advanceTo(run, stop);
        const state = JSON.stringify(freeze(run));
        const other = thaw(JSON.parse(state), { bars: goog, strategy });
        advanceTo(other);
        expect(JSON.stringify(freeze(other))).toBe(whole);
        // The run that was frozen is not touched by the one that was thawed.
        expect(JSON.stringify(freeze(run))).toBe(state);
      }),
      { numRuns: 15 },
    );
  });

  it('fed bar by bar, as a session would be, makes the same trades and more than none', () => {
    const bars = slice(goog, 0, 400);
    const strategy = strategyOf(choice);
    const broker = openBroker(brokerOptions({}));
    let state = strategy.start;
    for (let index = 0; index < barCount(bars); index += 1) {
      advance(broker, barAt(bars, index));
      const seen = slice(bars, 0, index + 1);
      if (index >= strategy.warmUpBars) {
        state = strategy.next({
          params: strategy.params,
          index,
          bars: seen,
          columns: strategy.prepare(seen),
          broker,
          state,
        });
      }
    }
    expect(broker).toEqual(runOf(bars, strategy).broker);
    expect(broker.fills.length).toBeGreaterThan(0);
  });
});
