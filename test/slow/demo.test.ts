// `npm run demo` as a person runs it: a process of its own, judged by its status, its one document and what it leaves.
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { measured } from '#test/fault/support/measured.ts';
import { parquetRows } from '#test/fault/support/parquet.ts';
import { isMinutely } from './support/minutely.ts';
import { demoOnce, type Demo } from './support/demo.ts';

interface Document {
  readonly runs: readonly {
    readonly schedule: string;
    readonly slot: string;
    readonly run: string;
    readonly state: string;
    readonly code?: string;
    readonly latenessMs: number | null;
    readonly attempts: number;
    readonly deliveries: number;
  }[];
  readonly ingest: Record<string, unknown> & { readonly files: readonly string[]; readonly statusPage: string };
  readonly halt: {
    readonly epoch: number;
    readonly acknowledgedAfterMs: number;
    readonly heldRun: string;
    readonly heldState: string;
    readonly finalState: string;
    readonly skipped: readonly string[];
    readonly caught: Record<string, unknown>;
  };
  readonly audit: { readonly intact: boolean; readonly operations: readonly { did: string; by: string }[] };
  readonly backtest: {
    readonly executor: string;
    readonly metrics: Readonly<Record<string, number | null>>;
    readonly trades: readonly Readonly<Record<string, number>>[];
    readonly artefacts: readonly { readonly name: string; readonly path: string; readonly bytes: number }[];
  };
}

let demo: Demo;
let told: Document;
beforeAll(async () => {
  demo = await demoOnce();
  measured('npm run demo, synthesis included', demo.tookMs / 1000, 's');
  if (demo.status !== 0) throw new Error(`the demo ended with status ${demo.status}:\n${demo.stderr}`);
  told = JSON.parse(demo.stdout) as Document;
}, 240_000);

test('it exits with 0, and stdout is one JSON document while progress is told on stderr', () => {
  expect(demo).toMatchObject({ status: 0, signal: null });
  expect(Object.keys(told)).toEqual(['runs', 'ingest', 'halt', 'audit', 'backtest']);
  expect(demo.stderr).toContain('one slot delivered three times, one out of order');
  expect(demo.stderr).not.toMatch(/Warning|at .*\.ts:\d+/);
});

test('the backtest was done in an executor: its trades, metrics beside buy and hold, and files that are there', async () => {
  const { executor, metrics, trades, artefacts } = told.backtest;
  expect(executor).toMatch(/^arn:aws:ecs:.*:task\//);
  expect(trades).toHaveLength(metrics['tradeCount'] ?? -1);
  expect(Object.keys(trades[0] ?? {})).toEqual('entryBar exitBar size entryPrice exitPrice pnl commission'.split(' '));
  const fees = trades.reduce((sum, { commission = 0 }) => sum + commission, 0);
  expect(fees).toBeCloseTo(metrics['commissions'] ?? 0, 6);
  for (const name of ['returnPercent', 'buyAndHoldReturnPercent', 'sharpeRatio'])
    expect(metrics[name]).toBeTypeOf('number');
  const files = new Map(artefacts.map(({ name, path, bytes }) => [name, { file: readFileSync(path), bytes }]));
  for (const { file, bytes } of files.values()) expect(file.length).toBe(bytes);
  expect([...files.keys()].toSorted()).toEqual([
    'equity.parquet',
    'orders.parquet',
    'report.html',
    'trades.json',
    'trades.parquet',
  ]);
  expect(String(files.get('report.html')?.file)).toContain('<svg');
  expect(await parquetRows(new Uint8Array(files.get('equity.parquet')?.file ?? []))).toBe(5105);
});

test('the halt caught a running backtest: held with a checkpoint, resumed, the same numbers', () => {
  expect(told.halt.caught).toMatchObject({
    heldState: 'held',
    finalState: 'succeeded',
    starts: 2,
    attempt: 1,
    sameResult: true,
    checkpointed: true,
  });
});

test('the audit of it all is intact, and tells what the person did, in order', () => {
  const { intact, operations } = told.audit;
  expect(intact).toBe(true);
  expect(operations.map(({ did }) => did)).toEqual(['upload', 'start', 'start', 'start', 'halt', 'start', 'release']);
  expect(new Set(operations.map(({ by }) => by))).toEqual(new Set(['demo']));
});

test('the document names the slot that was delivered three times', () => {
  expect(told.runs.filter(({ deliveries }) => deliveries === 3)).toHaveLength(1);
});

test('each slot of each schedule is one run, the one that was delivered three times and the one that came late too', () => {
  const slots = told.runs.map(({ schedule, slot }) => `${schedule} ${slot}`);
  expect(new Set(slots).size).toBe(slots.length);
  expect(new Set(told.runs.map(({ run }) => run)).size).toBe(slots.length);
  for (const run of told.runs) {
    const skipped = told.halt.skipped.includes(run.run);
    expect(run).toMatchObject(skipped ? { state: 'skipped', code: 'halted' } : { state: 'succeeded', attempts: 1 });
  }
  // The hourly ones beat in the demo or not, as the time of day has it.
  const minutely = told.runs.filter(({ schedule }) => isMinutely(schedule));
  const schedules = Map.groupBy(minutely, ({ schedule }) => schedule);
  expect([...schedules.keys()].toSorted()).toEqual(['killswitch-heartbeat', 'runs-reap', 'status-sync']);
  for (const own of schedules.values()) expect(own.length).toBeGreaterThanOrEqual(15);
  // The late one lies before all others of its schedule, and was claimed behind newer ones.
  expect(told.runs.filter(({ latenessMs }) => (latenessMs ?? 0) > 60_000)).toHaveLength(1);
});

test('the report accounts for all 5,105 rows, and the files that it names hold them', async () => {
  expect(told.ingest).toMatchObject({ rowsIn: 5105, rowsSilver: 5105, rowsQuarantined: 0, duplicates: 0 });
  const expected: Record<string, number> = {
    'silver.parquet': 5105,
    'quarantine.parquet': 0,
    'bronze-00000.parquet': 5105,
  };
  const names = told.ingest.files.map((file) => file.split('/').at(-1) ?? '');
  expect(names.toSorted()).toEqual([...Object.keys(expected), 'manifest.json', 'quality.parquet'].toSorted());
  for (const file of told.ingest.files) {
    const bytes = readFileSync(file);
    const rows = expected[file.split('/').at(-1) ?? ''];
    if (rows !== undefined) expect(await parquetRows(bytes)).toBe(rows);
  }
});

test('the halt held the second request and skipped slots, and after the release the request was done', () => {
  expect(told.halt).toMatchObject({ epoch: 1, heldState: 'held', finalState: 'succeeded' });
  // Every permit given before is void only then: 1 s of the mirror's age, 250 ms of a permit, and some to spare.
  expect(told.halt.acknowledgedAfterMs).toBeGreaterThanOrEqual(1500);
  expect(told.halt.skipped.length).toBeGreaterThan(0);
  expect(readFileSync(told.ingest.statusPage, 'utf8')).toMatch(/^<!doctype html>/i);
});

test('after its end no process of it lives and nobody listens on its ports', () => {
  // Valkey, the guardian, and an environment of each of two functions at least: or there was nothing to look for.
  expect(demo.pids.length).toBeGreaterThanOrEqual(4);
  expect(demo.ports.length).toBeGreaterThanOrEqual(4);
  expect(demo.left).toEqual({ pids: [], ports: [] });
});
