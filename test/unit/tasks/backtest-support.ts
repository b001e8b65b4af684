// A plane in memory that has data in it, and backtests asked for and run on it.
import { enqueue } from '#core/enqueue.ts';
import { unfold } from '#core/fold.ts';
import type { PayloadInputOf } from '#core/catalogue/tasks.ts';
import type { Run } from '#core/run.ts';
import { anyBodies, type AnyBodies } from '#core/task.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { backtestTasks } from '#tasks/backtest/index.ts';
import { ingestionTasks } from '#tasks/ingestion/index.ts';
import { anna, ask, deliver, drive, rowOf } from '#test/unit/core/support.ts';

export type Payload = PayloadInputOf<'backtest.run'>;
/** Few resamples: what a test asks of them is that they are there. */
export const payload = {
  data: { dataset: 'daily' },
  strategy: { name: 'sma-cross', params: { fast: 3, slow: 8 } },
  broker: { commission: 0.002, exclusiveOrders: true },
  resamples: 1500,
} satisfies Payload;
export const bodies = anyBodies(backtestTasks);

const dayMs = 86_400_000;
const start = Date.UTC(2020, 0, 1);
const price = (row: number): number => 100 + 20 * Math.sin(row / 9) + row / 50;

/** A line a bar; `change` says otherwise for single cells. */
export function csv(rows: number, { stepMs = dayMs, change = {} }: Change = {}): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const [open, close] = [price(row), price(row + 1)];
    const cells = { open, high: Math.max(open, close) + 1, low: Math.min(open, close) - 1, close, volume: 1000 };
    const at = new Date(start + row * stepMs).toISOString().replace('.000', '');
    return [stepMs === dayMs ? at.slice(0, 10) : at, ...Object.values({ ...cells, ...change[row] })].join(',');
  });
  return ['Date,Open,High,Low,Close,Volume', ...lines].join('\n');
}
interface Change {
  stepMs?: number;
  change?: Record<number, Partial<Record<'open' | 'high' | 'low' | 'close' | 'volume', number>>>;
}

export const upload = (plane: MemoryPlane, file: string, content: string | Uint8Array): Promise<void> => {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return plane.artefacts.put(`inbox/acme/${file}`, bytes, 'text/csv');
};

/** Ingests the file as the data set `daily`; resolves with the key of its silver. */
export async function ingest(plane: MemoryPlane, text: string): Promise<string> {
  await upload(plane, 'daily.csv', text);
  const { run } = await ask(plane, {
    payload: { connector: 'csv', dataset: 'daily', source: { key: 'daily.csv' }, calendar: 'every-day' },
  });
  await drive(plane, deliver(plane, 'ingestion', { bodies: anyBodies(ingestionTasks) }));
  const { fence } = await rowOf(plane, run.id);
  return `artifacts/acme/ingest.pull/${run.id}/${fence}/silver.parquet`;
}

/** A plane that has ingested `rows` days. */
export async function planeWith(rows: number): Promise<MemoryPlane> {
  const plane = memoryPlane();
  await ingest(plane, csv(rows));
  return plane;
}

export const request = async (plane: MemoryPlane, over: Record<string, unknown> = {}): Promise<Run> => {
  const asked = { ...payload, ...over } as Payload;
  return (await enqueue(plane, { task: 'backtest.run', payload: asked, tenant: 'acme', actor: anna, as: 'researcher' }))
    .run;
};
export const take = (plane: MemoryPlane, with_: AnyBodies = bodies) =>
  drive(plane, deliver(plane, 'backtest', { bodies: with_ }));

/** Asks for one backtest and takes it through the pipeline. */
export async function backtest(plane: MemoryPlane, over: Record<string, unknown> = {}): Promise<Run> {
  const { id } = await request(plane, over);
  await take(plane);
  return rowOf(plane, id);
}

export interface Result {
  metrics: Record<string, number | null>;
  tradeCount: number;
  bars: number;
  warnings: string[];
  manifestKey: string;
}
export interface Manifest {
  data: Record<string, unknown>;
  bars: Record<string, unknown>;
  metrics: Record<string, number | null>;
  confidence: unknown;
  artefacts: { name: string; key: string; bytes: number; sha256: string; rows?: number }[];
  [field: string]: unknown;
}

const text = async (plane: MemoryPlane, key: string): Promise<string> =>
  new TextDecoder().decode(await plane.artefacts.read(key));

/** What a run left: its result, its manifest, and its trades as they stand in the bucket. */
export async function leftBy(plane: MemoryPlane, run: Run) {
  if (!run.outcome?.result)
    throw new Error(`run ${run.id} is ${run.state}: ${run.outcome?.code} ${run.outcome?.message}`);
  const result = (await unfold(plane.artefacts, run.outcome.result)) as Result;
  const manifest = JSON.parse(await text(plane, result.manifestKey)) as Manifest;
  const trades = await text(plane, result.manifestKey.replace('manifest.json', 'trades.json'));
  return { result, manifest, trades };
}
