// Result files as tables for Parquet.
import { at, barCount } from '#engines/backtest/bars.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import type { BacktestResult } from '#engines/backtest/backtest.ts';
import type { Broker, DoneOrder, Order } from '#engines/backtest/broker.ts';
import { holdCurve } from '#engines/backtest/equity.ts';
import { underwater } from '#engines/backtest/metrics/drawdowns.ts';
import type { Simulation } from '#engines/backtest/simulate.ts';
import type { ParquetColumn, ParquetTable } from '#engines/ingest/parquet.ts';

/** `ts`, `close`, `equity`, `buy_and_hold` (money), `drawdown_percent` (0 or below), `position` (signed units): one row a bar. */
export const equityTable = ({ bars, strategy, broker }: Simulation, { curve }: BacktestResult): ParquetTable => {
  const drawdown = underwater(curve.equity);
  const hold = holdCurve(bars, { cash: broker.options.cash, fromBar: strategy.warmUpBars });
  return table(barCount(bars), [
    ['ts', 'TIMESTAMP', (row) => at(bars.tsMs, row)],
    ['close', 'DOUBLE', (row) => at(bars.close, row)],
    ['equity', 'DOUBLE', (row) => at(curve.equity, row)],
    ['buy_and_hold', 'DOUBLE', (row) => at(hold, row)],
    ['drawdown_percent', 'DOUBLE', (row) => at(drawdown, row) * 100],
    ['position', 'DOUBLE', (row) => at(curve.position, row)],
  ]);
};

/** Closed trades, then those still open, whose exit is null and whose pnl is at the last close. */
export const tradesTable = (bars: Bars, result: BacktestResult): ParquetTable => {
  const closed = result.trades;
  const rows = [...closed, ...result.openTrades];
  const exit = (row: number) => closed[row];
  const of = (row: number) => rows[row] as (typeof rows)[number];
  const time = (bar: number | undefined): Cell => (bar === undefined ? null : at(bars.tsMs, bar));
  return table(rows.length, [
    ['entry_bar', 'INT32', (row) => of(row).entryBar],
    ['exit_bar', 'INT32?', (row) => exit(row)?.exitBar ?? null],
    ['entry_ts', 'TIMESTAMP', (row) => time(of(row).entryBar)],
    ['exit_ts', 'TIMESTAMP?', (row) => time(exit(row)?.exitBar)],
    ['size', 'DOUBLE', (row) => of(row).size],
    ['entry_price', 'DOUBLE', (row) => of(row).entryPrice],
    ['exit_price', 'DOUBLE?', (row) => exit(row)?.exitPrice ?? null],
    ['pnl', 'DOUBLE', (row) => of(row).pnl],
    ['commission', 'DOUBLE?', (row) => exit(row)?.commission ?? null],
    ['return_percent', 'DOUBLE?', (row) => exit(row)?.returnPercent ?? null],
    ['tag', 'STRING?', (row) => of(row).tag ?? null],
  ]);
};

/** Every order with what became of it (filled, cancelled with a reason, or still open), by number. */
export const ordersTable = (bars: Bars, broker: Broker): ParquetTable => {
  const rows = [...broker.done, ...broker.orders].toSorted((a, b) => a.id - b.id);
  const of = (row: number) => rows[row] as Order;
  const done = (row: number): DoneOrder | undefined => (isDone(of(row)) ? (of(row) as DoneOrder) : undefined);
  return table(rows.length, [
    ['id', 'INT32', (row) => of(row).id],
    ['role', 'STRING', (row) => of(row).role],
    ['status', 'STRING', (row) => done(row)?.status ?? 'open'],
    ['placed_ts', 'TIMESTAMP', (row) => at(bars.tsMs, of(row).placedBar)],
    ['done_ts', 'TIMESTAMP?', (row) => doneTs(bars, done(row))],
    ['size', 'DOUBLE', (row) => of(row).size],
    ['limit', 'DOUBLE?', (row) => of(row).limit],
    ['stop', 'DOUBLE?', (row) => of(row).stop],
    ['stop_loss', 'DOUBLE?', (row) => of(row).stopLoss],
    ['take_profit', 'DOUBLE?', (row) => of(row).takeProfit],
    ['filled', 'DOUBLE', (row) => done(row)?.filled ?? 0],
    ['price', 'DOUBLE?', (row) => done(row)?.price ?? null],
    ['reason', 'STRING?', (row) => done(row)?.reason ?? null],
    ['tag', 'STRING?', (row) => of(row).tag],
  ]);
};

const isDone = (order: Order | DoneOrder): order is DoneOrder => 'status' in order;
const doneTs = (bars: Bars, order: DoneOrder | undefined): Cell => (order ? at(bars.tsMs, order.doneBar) : null);

type Cell = string | number | null;
type ColumnSpec = [
  name: string,
  type: ParquetColumn['type'] | `${ParquetColumn['type']}?`,
  valueAt: (row: number) => Cell,
];

const table = (rows: number, columns: readonly ColumnSpec[]): ParquetTable => ({
  rows,
  columns: columns.map(([name, type, valueAt]) => ({
    name,
    type: type.replace('?', '') as ParquetColumn['type'],
    nullable: type.endsWith('?'),
    values: (start, end) => Array.from({ length: end - start }, (_, offset) => valueAt(start + offset)),
  })),
});
