import { readFileSync } from 'node:fs';
import type { Bars } from '#engines/backtest/bars.ts';
import { brokerOptions } from '#engines/backtest/broker.ts';
import type { Broker, BrokerInput } from '#engines/backtest/broker.ts';
import { advanceTo, startSimulation } from '#engines/backtest/simulate.ts';
import type { Simulation } from '#engines/backtest/simulate.ts';
import { strategyOf } from '#engines/backtest/strategies/registry.ts';
import type { ReadyStrategy, StrategyChoice } from '#engines/backtest/strategies/registry.ts';

const folder = new URL('../../../data/', import.meta.url);

export const readText = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

/** Columns of a CSV of the test data: time, open, high, low, close, volume. */
export const csvBars = (name: string): Bars => barsOfCsv(readText(name));

export const barsOfCsv = (text: string): Bars => {
  const rows = text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));
  const column = (at: number): Float64Array => Float64Array.from(rows, (row) => Number(row[at]));
  const tsMs = Float64Array.from(rows, ([date = '']) =>
    Date.parse(date.length > 10 ? `${date.replace(' ', 'T')}Z` : date),
  );
  return { tsMs, open: column(1), high: column(2), low: column(3), close: column(4), volume: column(5) };
};

/** Bars a day apart from [open, high, low, close] rows. */
export const barsOf = (rows: readonly (readonly [number, number, number, number])[]): Bars => {
  const column = (at: 0 | 1 | 2 | 3): Float64Array => Float64Array.from(rows, (row) => row[at]);
  return {
    tsMs: Float64Array.from(rows, (_, index) => Date.UTC(2026, 0, 5) + index * 86_400_000),
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    volume: new Float64Array(rows.length).fill(1000),
  };
};

export const runOf = (bars: Bars, strategy: StrategyChoice | ReadyStrategy, broker: BrokerInput = {}): Simulation => {
  const ready = 'next' in strategy ? strategy : strategyOf(strategy);
  const run = startSimulation({ bars, strategy: ready, options: brokerOptions(broker) });
  advanceTo(run);
  return run;
};

/** Trades as the oracles list them: by entry, then exit. */
export const listed = ({ closed }: Broker) =>
  closed.map(({ size, entryBar, exitBar, entryPrice, exitPrice, pnl, commission }) => ({
    size,
    entryBar,
    exitBar,
    entryPrice,
    exitPrice,
    pnl,
    commission,
  }));

type Act = (broker: Broker) => void;

/** A strategy that does at the close of a bar what its script says for it. */
export const scripted = (script: Readonly<Record<number, Act>>): ReadyStrategy => ({
  name: 'scripted',
  title: 'Follows a script',
  params: {},
  warmUpBars: 0,
  prepare: () => ({}),
  start: null,
  next: ({ index, broker }) => {
    script[index]?.(broker);
    return null;
  },
});

type Row = readonly [number, number, number, number];
export const flat: Row = [100, 100, 100, 100];

/** The broker after a script over bars of [open, high, low, close]. */
export const played = (
  rows: readonly Row[],
  script: Readonly<Record<number, Act>>,
  options: BrokerInput = {},
): Broker => runOf(barsOf(rows), scripted(script), { cash: 100_000, ...options }).broker;

/** [size, entryBar, entryPrice] of open trades. */
export const open = ({ trades }: Broker) =>
  trades.map(({ size, entryBar, entryPrice }) => [size, entryBar, entryPrice]);

/** [size, entryBar, entryPrice, exitBar, exitPrice] of closed trades. */
export const shut = ({ closed }: Broker) =>
  closed.map(({ size, entryBar, entryPrice, exitBar, exitPrice }) => [size, entryBar, entryPrice, exitBar, exitPrice]);
