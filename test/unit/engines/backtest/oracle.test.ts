import { describe, expect, it } from 'vitest';
import type { BrokerInput } from '#engines/backtest/broker.ts';
import { equityCurve } from '#engines/backtest/equity.ts';
import { csvBars, listed, readText, runOf } from './support.ts';

const goog = csvBars('GOOG.csv');
const smaCross = { name: 'sma-cross', params: { fast: 10, slow: 20 } };

interface Oracle {
  stats: Record<string, number | string>;
  trades: ReturnType<typeof listed>;
  equityEvery50: number[];
}

const oracles: Record<string, BrokerInput> = {
  goog_smacross: { cash: 10_000, commission: 0.002 },
  goog_smacross_finalized: { cash: 10_000, commission: 0.002, finalizeTrades: true },
  goog_smacross_close_spread: {
    cash: 10_000,
    commission: { fixed: 1, relative: 0.001 },
    spread: 0.0005,
    tradeOnClose: true,
  },
};

describe.each(Object.entries(oracles))('%s', (name, broker) => {
  const oracle = JSON.parse(readText(`backtest/oracle_backtestingpy_${name}.json`)) as Oracle;

  it.each([{}, { exclusiveOrders: true }])('makes the same trades to 1e-9, %o', (more) => {
    const trades = listed(runOf(goog, smaCross, { ...broker, ...more }).broker);
    expect(trades.length).toBe(oracle.trades.length);
    trades.forEach((trade, index) => {
      const theirs = oracle.trades[index];
      for (const [key, value] of Object.entries(trade)) {
        const expected = theirs?.[key as keyof typeof trade] ?? Number.NaN;
        expect(Math.abs(value - expected), `${key} of trade ${index}`).toBeLessThanOrEqual(
          1e-9 * Math.max(1, Math.abs(expected)),
        );
      }
    });
  });

  it('has the same equity at every 50th bar', () => {
    const run = runOf(goog, smaCross, broker);
    const { equity } = equityCurve(goog, run.broker);
    oracle.equityEvery50.forEach((theirs, index) => expect(equity[index * 50]).toBeCloseTo(theirs, 8));
  });
});
