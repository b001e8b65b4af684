// All figures of a run. Formulas: catalogue.ts. Nothing here looks at a strategy; equity, fills and trades are all it takes.
import { at, barCount } from '#engines/backtest/bars.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import { metricNames } from '#engines/backtest/metrics/catalogue.ts';
import type { MetricName } from '#engines/backtest/metrics/catalogue.ts';
import { drawdowns, underwater } from '#engines/backtest/metrics/drawdowns.ts';
import { DAY_MS, roundedUp } from '#engines/backtest/metrics/figures.ts';
import type { Figure, Figures, Finished } from '#engines/backtest/metrics/figures.ts';
import { annualOf, mean, periodsOf, variance } from '#engines/backtest/metrics/periods.ts';
import { tradeFigures } from '#engines/backtest/metrics/trade-figures.ts';

export interface Statistics {
  /** Null where undefined; never NaN, never infinite. */
  values: Record<MetricName, number | null>;
  /** Why a value is null. */
  reasons: Partial<Record<MetricName, string>>;
}

export const statisticsOf = (run: Finished): Statistics => {
  const figures: Figures = {
    ...returnFigures(run),
    ...drawdownFigures(run),
    ...costFigures(run),
    ...tradeFigures(run),
  };
  const values = {} as Statistics['values'];
  const reasons: Statistics['reasons'] = {};
  for (const name of metricNames) {
    const figure = figures[name] ?? 'not computed';
    const known = typeof figure === 'number' && Number.isFinite(figure);
    values[name] = known ? figure : null;
    if (!known) reasons[name] = typeof figure === 'string' ? figure : 'its formula divides by zero for this run';
  }
  return { values, reasons };
};

const last = (column: Float64Array): number => at(column, column.length - 1);

const returnFigures = ({ bars, curve, warmUpBars }: Finished): Figures => {
  const { equity } = curve;
  const grown = last(equity) / at(equity, 0);
  const hold = (last(bars.close) / at(bars.close, Math.min(warmUpBars, barCount(bars) - 1)) - 1) * 100;
  const beta = betaOf(equity, bars.close);
  const days = (last(bars.tsMs) - at(bars.tsMs, 0)) / DAY_MS;
  return {
    returnPercent: (grown - 1) * 100,
    buyAndHoldReturnPercent: hold,
    cagrPercent: days > 0 ? (grown ** (365.25 / days) - 1) * 100 : 'the data spans no time',
    beta,
    alphaPercent: typeof beta === 'string' ? beta : (grown - 1) * 100 - beta * hold,
    durationDays: days,
    ...annualFigures(bars, equity),
  };
};

const annualFigures = (bars: Bars, equity: Float64Array): Figures => {
  const { returns, periodsPerYear } = periodsOf(bars.tsMs, equity);
  const few = 'it takes returns of two periods or more';
  const lost = 'the equity was spent';
  const depth = Math.abs(underwater(equity).reduce((low, value) => Math.min(low, value), 0));
  if (returns.length < 2) return allOf(few);
  if (last(equity) <= 0) return { ...allOf(lost), annualReturnPercent: -100 };
  const sumLog = returns.reduce((sum, value) => sum + Math.log1p(value), 0);
  const moments = { count: returns.length, sumLog, mean: mean(returns), variance: variance(returns) };
  const { annualReturn, annualVolatility, sharpe } = annualOf(moments, periodsPerYear);
  const losses = Math.sqrt(returns.reduce((sum, value) => sum + Math.min(0, value) ** 2, 0) / returns.length);
  return {
    annualReturnPercent: annualReturn * 100,
    annualVolatilityPercent: annualVolatility * 100,
    sharpeRatio: annualVolatility > 0 ? sharpe : 'the equity never moved',
    sortinoRatio: losses > 0 ? annualReturn / (losses * Math.sqrt(periodsPerYear)) : 'no period lost',
    calmarRatio: depth > 0 ? annualReturn / depth : 'there was no drawdown',
  };
};

const allOf = (reason: string): Figures => ({
  annualReturnPercent: reason,
  annualVolatilityPercent: reason,
  sharpeRatio: reason,
  sortinoRatio: reason,
  calmarRatio: reason,
});

const betaOf = (equity: Float64Array, close: Float64Array): Figure => {
  if (equity.length < 3) return 'it takes three bars or more';
  if (equity.some((value) => value <= 0)) return 'the equity was spent';
  const [ours, market] = [logReturns(equity), logReturns(close)];
  const [ourMean, marketMean] = [mean(ours), mean(market)];
  const shared = ours.reduce((sum, value, index) => sum + (value - ourMean) * ((market[index] ?? 0) - marketMean), 0);
  const alone = market.reduce((sum, value) => sum + (value - marketMean) ** 2, 0);
  return alone > 0 ? shared / alone : 'the price never moved';
};

const logReturns = (column: Float64Array): Float64Array => {
  const logs = new Float64Array(column.length - 1);
  for (let index = 0; index < logs.length; index += 1)
    logs[index] = Math.log(at(column, index + 1) / at(column, index));
  return logs;
};

const drawdownFigures = ({ bars, curve }: Finished): Figures => {
  const found = drawdowns(curve.equity);
  const none = 'there was no drawdown of two bars or more';
  const daysOf = found.map(({ fromBar, toBar }) => (at(bars.tsMs, toBar) - at(bars.tsMs, fromBar)) / DAY_MS);
  const some = found.length > 0;
  return {
    maxDrawdownPercent: underwater(curve.equity).reduce((low, value) => Math.min(low, value), 0) * 100,
    avgDrawdownPercent: some ? mean(found.map(({ depth }) => depth)) * 100 : none,
    maxDrawdownDurationDays: some
      ? roundedUp(
          bars,
          daysOf.reduce((a, b) => Math.max(a, b)),
        )
      : none,
    avgDrawdownDurationDays: some ? roundedUp(bars, mean(daysOf)) : none,
    finalEquity: last(curve.equity),
    peakEquity: curve.equity.reduce((high, value) => Math.max(high, value)),
  };
};

const costFigures = ({ bars, broker, curve }: Finished): Figures => {
  const { fills, trades, closed } = broker;
  const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
    items.reduce((total, item) => total + of(item), 0);
  const years = (last(bars.tsMs) - at(bars.tsMs, 0)) / DAY_MS / 365.25;
  const traded = sum(fills, ({ size, price }) => Math.abs(size) * price);
  const average = mean(curve.equity);
  return {
    commissions: sum(closed, ({ commission }) => commission),
    feesPaid: sum(fills, ({ fee }) => fee),
    spreadCost: sum(closed, (trade) => trade.spreadCost) + sum(trades, (trade) => trade.entrySpreadCost),
    slippageCost: sum(closed, (trade) => trade.slippageCost) + sum(trades, (trade) => trade.entrySlippageCost),
    turnoverPerYear: years > 0 && average > 0 ? traded / 2 / average / years : 'the data spans no time',
    timeInMarketPercent: (curve.openTrades.filter((open) => open > 0).length / barCount(bars)) * 100,
  };
};
