import { describe, expect, it } from 'vitest';
import type { BrokerInput } from '#engines/backtest/broker.ts';
import { equityCurve } from '#engines/backtest/equity.ts';
import { statisticsOf } from '#engines/backtest/metrics/statistics.ts';
import type { MetricName } from '#engines/backtest/metrics/catalogue.ts';
import { csvBars, listed, readText, runOf } from './support.ts';

const goog = csvBars('GOOG.csv');
const smaCross = { name: 'sma-cross', params: { fast: 10, slow: 20 } };

interface Oracle {
  stats: Record<string, number | string>;
  trades: ReturnType<typeof listed>;
  equityEvery50: number[];
}

const theirNames: Partial<Record<MetricName, string>> = {
  exposurePercent: 'Exposure Time [%]',
  finalEquity: 'Equity Final [$]',
  peakEquity: 'Equity Peak [$]',
  commissions: 'Commissions [$]',
  returnPercent: 'Return [%]',
  buyAndHoldReturnPercent: 'Buy & Hold Return [%]',
  annualReturnPercent: 'Return (Ann.) [%]',
  annualVolatilityPercent: 'Volatility (Ann.) [%]',
  cagrPercent: 'CAGR [%]',
  sharpeRatio: 'Sharpe Ratio',
  sortinoRatio: 'Sortino Ratio',
  calmarRatio: 'Calmar Ratio',
  alphaPercent: 'Alpha [%]',
  beta: 'Beta',
  maxDrawdownPercent: 'Max. Drawdown [%]',
  avgDrawdownPercent: 'Avg. Drawdown [%]',
  maxDrawdownDurationDays: 'Max. Drawdown Duration',
  avgDrawdownDurationDays: 'Avg. Drawdown Duration',
  durationDays: 'Duration',
  tradeCount: '# Trades',
  winRatePercent: 'Win Rate [%]',
  bestTradePercent: 'Best Trade [%]',
  worstTradePercent: 'Worst Trade [%]',
  avgTradePercent: 'Avg. Trade [%]',
  maxTradeDurationDays: 'Max. Trade Duration',
  avgTradeDurationDays: 'Avg. Trade Duration',
  profitFactor: 'Profit Factor',
  expectancyPercent: 'Expectancy [%]',
  sqn: 'SQN',
  kellyCriterion: 'Kelly Criterion',
};

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

  it('has the same statistics to 1e-6', () => {
    const run = runOf(goog, smaCross, broker);
    const curve = equityCurve(goog, run.broker);
    const { values } = statisticsOf({ bars: goog, broker: run.broker, curve, warmUpBars: run.strategy.warmUpBars });
    for (const [ours, theirs] of Object.entries(theirNames)) {
      const expected = Number.parseFloat(String(oracle.stats[theirs]));
      const value = values[ours as MetricName] ?? Number.NaN;
      expect(Math.abs(value - expected), `${ours} ${value} ${expected}`).toBeLessThanOrEqual(1e-6 * Math.abs(expected));
    }
  });
});
