import type { ResultOf } from '#core/catalogue/tasks.ts';
import type { BacktestResult, PreparedBacktest } from '#engines/backtest/backtest.ts';
import { shownTime } from '#engines/backtest/bars.ts';
import type { Confidence } from '#engines/backtest/bootstrap.ts';
import { reportHtml } from '#engines/backtest/report/report.ts';
import { equityTable, ordersTable, tradesTable } from '#engines/backtest/tables.ts';
import { sha256Hex } from '#engines/digest.ts';
import { writeParquet } from '#engines/ingest/parquet.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Context, Input, Payload } from './input.ts';

export interface Finished extends PreparedBacktest {
  readonly payload: Payload;
  readonly data: Input['data'];
  readonly result: BacktestResult;
  readonly confidence: Confidence | string;
}

interface Writer {
  readonly context: Context;
  readonly checkpoints: Checkpoints;
}

interface Artefact {
  readonly name: string;
  readonly type: string;
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Of a table. */
  readonly rows?: number;
}

/** Writes the files and, last, the manifest: a result is complete when that is there. */
export async function writeResult({ context, checkpoints }: Writer, done: Finished): Promise<ResultOf<'backtest.run'>> {
  const { run, result } = done;
  context.progress({ stage: 'report', pct: 92 });
  const warnings = warningsOf(done);
  const artefacts: Artefact[] = [];
  for await (const { name, type, bytes, ...rest } of filesOf(context, done)) {
    const key = await context.ports.artefacts.put(name, bytes, type);
    artefacts.push({ name, type, key, bytes: bytes.length, sha256: sha256Hex(bytes), ...rest });
    await checkpoints.listen();
  }
  const manifest = json(manifestOf(context, done, { artefacts, warnings }), 2);
  const manifestKey = await context.ports.artefacts.put('manifest.json', manifest, 'application/json');
  const { values } = result.statistics;
  return { metrics: values, tradeCount: result.trades.length, bars: run.bars.tsMs.length, warnings, manifestKey };
}

interface File {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly rows?: number;
}

/** One after another, so that few are alive. */
async function* filesOf(
  context: Context,
  { run, result, selection, data, confidence }: Finished,
): AsyncGenerator<File> {
  const tables = {
    equity: equityTable(run, result),
    trades: tradesTable(run.bars, result),
    orders: ordersTable(run.bars, run.broker),
  };
  for (const [name, table] of Object.entries(tables)) {
    const bytes = await writeParquet(table, context.signal);
    yield { name: `${name}.parquet`, type: 'application/vnd.apache.parquet', bytes, rows: table.rows };
  }
  // Closed trades once more, for whoever reads no Parquet.
  yield { name: 'trades.json', type: 'application/json', bytes: json(result.trades), rows: result.trades.length };
  const provenance = `Run ${context.run.id}, data ${data.key}`;
  const page = await reportHtml({ run, result, selection, data, confidence, provenance });
  yield { name: 'report.html', type: 'text/html; charset=utf-8', bytes: new TextEncoder().encode(page) };
}

function manifestOf(context: Context, done: Finished, made: { artefacts: Artefact[]; warnings: readonly string[] }) {
  const { payload, data, selection, run, result, confidence } = done;
  const { strategy, bars } = run;
  return {
    v: 1,
    run: context.run.id,
    payload,
    payloadSha256: sha256Hex(json(payload)),
    strategy: { name: strategy.name, params: strategy.params, warmUpBars: strategy.warmUpBars },
    data: { ...data, droppedBefore: selection.droppedBefore, droppedAfter: selection.droppedAfter },
    bars: { count: bars.tsMs.length, first: shownTime(bars.tsMs[0] ?? 0), last: shownTime(bars.tsMs.at(-1) ?? 0) },
    metrics: result.statistics.values,
    undefinedBecause: result.statistics.reasons,
    confidence,
    openTrades: result.openTrades,
    ...made,
    partial: false,
  };
}

/** A row stays small: the first few, and how many there are. */
const shownWarnings = 5;

function warningsOf({ result, run: { bars } }: Finished): string[] {
  const said = result.warnings.map(({ bar, message }) => `${shownTime(bars.tsMs[bar] ?? 0)}: ${message}`);
  const more = said.length - shownWarnings;
  return [...said.slice(0, shownWarnings), ...(more > 0 ? [`and ${more} more like these`] : [])];
}

const json = (value: unknown, indent?: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value, null, indent));
