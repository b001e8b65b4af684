// The engine's front door: prepare a run, advance it (simulate.ts), finish it.
import { at, barCount, checkBars, selectBars, shownTime } from '#engines/backtest/bars.ts';
import type { Bars, Selection } from '#engines/backtest/bars.ts';
import { brokerOptions } from '#engines/backtest/broker.ts';
import type { Broker, BrokerWarning } from '#engines/backtest/broker.ts';
import { equityCurve } from '#engines/backtest/equity.ts';
import type { EquityCurve } from '#engines/backtest/equity.ts';
import { badSetting } from '#engines/backtest/errors.ts';
import { periodsOf } from '#engines/backtest/metrics/periods.ts';
import type { Periods } from '#engines/backtest/metrics/periods.ts';
import { statisticsOf } from '#engines/backtest/metrics/statistics.ts';
import type { Statistics } from '#engines/backtest/metrics/statistics.ts';
import { tradeReturn } from '#engines/backtest/metrics/trade-figures.ts';
import { startSimulation, thaw } from '#engines/backtest/simulate.ts';
import type { FrozenSimulation, Simulation } from '#engines/backtest/simulate.ts';
import { strategyOf } from '#engines/backtest/strategies/registry.ts';
import type { StrategyChoice } from '#engines/backtest/strategies/registry.ts';

export interface BacktestRequest {
  bars: Bars;
  strategy: StrategyChoice;
  /** As brokerSchema takes it. */
  broker?: unknown;
  /** ISO dates or times, both included; a date as `to` includes its whole UTC day. */
  from?: string | undefined;
  to?: string | undefined;
}

/** A run and the bars it takes; bar indices everywhere count from the first of these. */
export interface PreparedBacktest {
  run: Simulation;
  selection: Selection;
}

/**
 * Checks everything and stands before the first bar, or where `frozen` left off. Throws INPUT_INVALID for the data,
 * PAYLOAD_INVALID for the settings.
 */
export const prepareBacktest = (request: BacktestRequest, frozen?: FrozenSimulation): PreparedBacktest => {
  const strategy = strategyOf(request.strategy);
  const options = brokerOptions(request.broker ?? {});
  const range = { fromMs: instant('from', request.from), toMs: instant('to', request.to) };
  const selection = selectBars(checkBars(request.bars), range);
  const { bars } = selection;
  const run = frozen ? thaw(frozen, { bars, strategy }) : startSimulation({ bars, strategy, options });
  return { run, selection };
};

const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;

const instant = (name: 'from' | 'to', text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  // Date.parse takes a time without an offset for local; we take it for UTC, like the data.
  const ms = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) || DATE_ONLY.test(text) ? text : `${text}Z`);
  const day = text.slice(0, 10);
  // Date.parse takes 31 February for 3 March.
  const real = Number.isFinite(ms) && DATE_ONLY.test(day) && new Date(day).toISOString().startsWith(day);
  if (!real)
    throw badSetting(`${name} is ${JSON.stringify(text)}: write a date such as 2020-01-31, or 2020-01-31T09:30:00Z`);
  return name === 'to' && DATE_ONLY.test(text) ? ms + 86_400_000 - 1 : ms;
};

/** A closed trade as results list it; prices and money in the account's currency, times ISO 8601. */
export interface TradeRow {
  entryBar: number;
  exitBar: number;
  entryTime: string;
  exitTime: string;
  size: number;
  entryPrice: number;
  exitPrice: number;
  pnl: number;
  commission: number;
  returnPercent: number;
  tag?: string;
}

/** A trade that is open at the end; pnl at the last close, after the entry fee, before an exit's. */
export type OpenTradeRow = Pick<TradeRow, 'entryBar' | 'entryTime' | 'size' | 'entryPrice' | 'pnl' | 'tag'>;

export interface BacktestResult {
  statistics: Statistics;
  trades: TradeRow[];
  openTrades: OpenTradeRow[];
  curve: EquityCurve;
  /** What the bootstrap resamples. */
  periods: Periods;
  warnings: BrokerWarning[];
}

/** Everything a finished run gives. */
export const finishBacktest = (run: Simulation): BacktestResult => {
  const { bars, broker, strategy } = run;
  const curve = equityCurve(bars, broker);
  return {
    statistics: statisticsOf({ bars, broker, curve, warmUpBars: strategy.warmUpBars }),
    trades: tradeRows(bars, broker),
    openTrades: openTradeRows(bars, broker),
    curve,
    periods: periodsOf(bars.tsMs, curve.equity),
    warnings: broker.warnings,
  };
};

const tagged = (tag: string | null): { tag?: string } => (tag === null ? {} : { tag });

const tradeRows = (bars: Bars, broker: Broker): TradeRow[] =>
  broker.closed.map((trade) => ({
    entryBar: trade.entryBar,
    exitBar: trade.exitBar,
    entryTime: shownTime(at(bars.tsMs, trade.entryBar)),
    exitTime: shownTime(at(bars.tsMs, trade.exitBar)),
    size: trade.size,
    entryPrice: trade.entryPrice,
    exitPrice: trade.exitPrice,
    pnl: trade.pnl,
    commission: trade.commission,
    returnPercent: tradeReturn(trade) * 100,
    ...tagged(trade.tag),
  }));

const openTradeRows = (bars: Bars, broker: Broker): OpenTradeRow[] =>
  broker.trades.map(({ entryBar, size, entryPrice, entryFee, tag }) => ({
    entryBar,
    entryTime: shownTime(at(bars.tsMs, entryBar)),
    size,
    entryPrice,
    pnl: size * (at(bars.close, barCount(bars) - 1) - entryPrice) - entryFee,
    ...tagged(tag),
  }));
