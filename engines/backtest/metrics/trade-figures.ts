import { at, barCount } from '#engines/backtest/bars.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import type { ClosedTrade } from '#engines/backtest/broker.ts';
import type { MetricName } from '#engines/backtest/metrics/catalogue.ts';
import { DAY_MS, roundedUp } from '#engines/backtest/metrics/figures.ts';
import type { Figures, Finished } from '#engines/backtest/metrics/figures.ts';
import { mean, variance } from '#engines/backtest/metrics/periods.ts';

/** What a trade made of its entry value after fees, a fraction. */
export const tradeReturn = ({ pnl, size, entryPrice }: ClosedTrade): number => pnl / (Math.abs(size) * entryPrice);

/** Figures over closed trades. */
export const tradeFigures = ({ bars, broker }: Finished): Figures => {
  const { closed } = broker;
  const counted = { tradeCount: closed.length, exposurePercent: (barsCovered(bars, closed) / barCount(bars)) * 100 };
  if (closed.length === 0) return { ...noTrade, ...counted };
  const returns = closed.map(tradeReturn);
  const days = closed.map(({ entryBar, exitBar }) => (at(bars.tsMs, exitBar) - at(bars.tsMs, entryBar)) / DAY_MS);
  return {
    ...counted,
    ...returnFigures(returns),
    ...profitFigures(closed.map(({ pnl }) => pnl)),
    maxTradeDurationDays: roundedUp(bars, highest(days)),
    avgTradeDurationDays: roundedUp(bars, mean(days)),
  };
};

const needTrades: MetricName[] = [
  'winRatePercent',
  'bestTradePercent',
  'worstTradePercent',
  'avgTradePercent',
  'maxTradeDurationDays',
  'avgTradeDurationDays',
  'profitFactor',
  'expectancyPercent',
  'sqn',
  'kellyCriterion',
];
const noTrade: Figures = Object.fromEntries(needTrades.map((name) => [name, 'no trade was closed']));

const highest = (values: readonly number[]): number => values.reduce((high, value) => Math.max(high, value));
const lowest = (values: readonly number[]): number => values.reduce((low, value) => Math.min(low, value));
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const returnFigures = (returns: readonly number[]): Figures => {
  const losses = Math.abs(total(returns.filter((value) => value < 0)));
  return {
    bestTradePercent: highest(returns) * 100,
    worstTradePercent: lowest(returns) * 100,
    avgTradePercent:
      lowest(returns) > -1 ? Math.expm1(mean(returns.map(Math.log1p))) * 100 : 'a trade lost its whole value',
    expectancyPercent: mean(returns) * 100,
    profitFactor: losses > 0 ? total(returns.filter((value) => value > 0)) / losses : 'no trade lost',
  };
};

const profitFigures = (profits: readonly number[]): Figures => {
  const [wins, losses] = [profits.filter((value) => value > 0), profits.filter((value) => value < 0)];
  const winRate = wins.length / profits.length;
  const spread = Math.sqrt(variance(profits));
  const kelly = winRate - (1 - winRate) / (mean(wins) / Math.abs(mean(losses)));
  return {
    winRatePercent: winRate * 100,
    sqn: spread > 0 ? (Math.sqrt(profits.length) * mean(profits)) / spread : 'it takes two trades or more that differ',
    kellyCriterion: wins.length > 0 && losses.length > 0 ? kelly : 'it takes winning and losing trades',
  };
};

/** Bars from entry to exit, both included, each once. */
const barsCovered = (bars: Bars, closed: readonly ClosedTrade[]): number => {
  const covered = new Uint8Array(barCount(bars));
  for (const { entryBar, exitBar } of closed) covered.fill(1, entryBar, exitBar + 1);
  let count = 0;
  for (const value of covered) count += value;
  return count;
};
