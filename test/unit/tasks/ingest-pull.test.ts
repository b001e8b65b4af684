import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { engage, release } from '#core/halt.ts';
import { reaper } from '#core/reap.ts';
import { anyBodies } from '#core/task.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { ingestionTasks } from '#tasks/ingestion/index.ts';
import { ask, bound, deliver, drive, rowOf } from '#test/unit/core/support.ts';

const bodies = anyBodies(ingestionTasks);
const day = (index: number): string => new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);
/** A file of `rows` days, one after another, with a price that moves a little. */
const csv = (rows: number): string =>
  [
    'Date,Open,High,Low,Close,Volume',
    ...Array.from({ length: rows }, (_, row) => `${day(row)},10,12,9,${10 + (row % 2)},100`),
  ].join('\n');

async function upload(plane: MemoryPlane, text: string): Promise<void> {
  await plane.artefacts.put('inbox/acme/daily.csv', new TextEncoder().encode(text), 'text/csv');
}
async function pull(text: string | undefined, plane = memoryPlane()) {
  if (text !== undefined) await upload(plane, text);
  const { run } = await ask(plane, {
    payload: { connector: 'csv', dataset: 'daily', source: { key: 'daily.csv' }, calendar: 'every-day' },
  });
  await drive(plane, deliver(plane, 'ingestion', { bodies }));
  return { plane, id: run.id, row: await rowOf(plane, run.id) };
}
const resultOf = (row: { outcome?: { result?: unknown } }) =>
  (row.outcome!.result as { inline: Record<string, unknown> }).inline;
const json = async (plane: MemoryPlane, key: string) =>
  JSON.parse(new TextDecoder().decode(await plane.artefacts.read(key))) as Record<string, unknown>;

describe('a pull', () => {
  it('writes bronze, silver, quarantine, report and, last, the manifest, under its run and fence', async () => {
    const { plane, id, row } = await pull(csv(40));
    expect(row.state).toBe('succeeded');
    expect(resultOf(row)).toMatchObject({ rowsIn: 40, rowsSilver: 40, rowsQuarantined: 0, duplicates: 0, gaps: 0 });
    const prefix = `artifacts/acme/ingest.pull/${id}/1/`;
    const keys = [...plane.artefacts.objects.keys()].filter((key) => key.startsWith('artifacts/'));
    expect(keys.every((key) => key.startsWith(prefix))).toBe(true);
    expect(keys.at(-1)).toBe(resultOf(row)['manifestKey']);
    expect(keys.map((key) => key.slice(prefix.length)).toSorted()).toEqual([
      'bronze-00000.parquet',
      'manifest.json',
      'quality.parquet',
      'quarantine.parquet',
      'silver.parquet',
    ]);
    const silver = await plane.artefacts.read(`${prefix}silver.parquet`);
    const file = silver.buffer.slice(silver.byteOffset, silver.byteOffset + silver.byteLength) as ArrayBuffer;
    expect(await parquetReadObjects({ file })).toHaveLength(40);
  });

  it('starts the backtest that was asked for, once over all its attempts, in the name of who asked, and audited', async () => {
    const plane = memoryPlane();
    await upload(plane, csv(40));
    const backtest = { strategy: { name: 'sma-cross', params: { fast: 5, slow: 10 } } };
    const payload = { connector: 'csv', dataset: 'daily', source: { key: 'daily.csv' }, next: { backtest } } as const;
    const { run } = await ask(plane, { payload });
    const ledger = { ...plane.ledger };
    // The first attempt starts it and is lost before it can say so.
    plane.ledger.replace = async (from, to) => (to.state === 'succeeded' ? 'conflict' : ledger.replace(from, to));
    await drive(plane, deliver(plane, 'ingestion', { bodies }));
    Object.assign(plane.ledger, ledger);
    await plane.clock.advance(120_000);
    await drive(plane, reaper(plane).expire());
    await drive(plane, deliver(plane, 'ingestion', { bodies }));
    const row = await rowOf(plane, run.id);
    expect(row).toMatchObject({ state: 'succeeded', starts: 2 });
    const { started } = resultOf(row) as { started: string };
    const child = await rowOf(plane, started);
    expect(child).toMatchObject({ task: 'backtest.run', state: 'queued', tenant: 'acme', actor: row.actor, hops: 1 });
    expect([...plane.ledger.rows.values()].filter(({ task }) => task === 'backtest.run')).toHaveLength(1);
    const audited = plane.audit.entries.filter(({ effect }) => effect === 'runs.start');
    expect(audited[0]).toMatchObject({ subject: run.id, arguments: { run: started, task: 'backtest.run' } });
  });

  it('reports progress that ends at 100 per cent', async () => {
    const { plane, id } = await pull(csv(40));
    const frames = await plane.progress.read(id);
    expect(frames.at(-1)).toMatchObject({ state: 'succeeded', pct: 100 });
    expect(frames.map((frame) => frame.stage)).toContain('bronze');
  });

  it('audits every write before it is made', async () => {
    const { plane } = await pull(csv(5));
    const entries = plane.audit.entries.filter((entry) => entry.effect === 'artefacts.put');
    expect(entries.length).toBe(10);
    expect(entries.filter((entry) => entry.outcome === 'done')).toHaveLength(5);
  });

  it.each([
    ['there is no file', undefined, /no file daily\.csv in the tenant's inbox: upload it first/],
    ['the file is empty', '', /empty/i],
    ['a column is missing', 'Date,Open,High,Low\n2024-01-01,1,1,1\n', /close/i],
  ])('fails for good, with a letter that says why, when %s', async (_, text, words) => {
    const { plane, row } = await pull(text);
    expect(row).toMatchObject({ state: 'failed', attempt: 1, outcome: { code: 'INPUT_INVALID' } });
    expect(plane.queues.letters('ingestion')[0]!.reason).toMatch(words);
  });

  it('reads only the inbox of its own tenant', async () => {
    const plane = memoryPlane();
    await plane.artefacts.put('inbox/other/daily.csv', new TextEncoder().encode(csv(5)), 'text/csv');
    expect((await pull(undefined, plane)).row).toMatchObject({ state: 'failed' });
  });

  it('is held when a halt comes between two writes, and goes on where it was: no row twice, none lost', async () => {
    const plane = memoryPlane();
    await upload(plane, csv(120));
    const put = bound(plane.artefacts, 'put');
    // The halt comes right after the first bronze part.
    plane.artefacts.put = async (key, ...rest) => {
      await put(key, ...rest);
      if (!key.includes('bronze')) return;
      plane.artefacts.put = put;
      void engage(plane, { by: 'anna', reason: 'drill' });
      await plane.clock.sleep(1);
    };
    const { id, row } = await pull(undefined, plane);
    expect(row).toMatchObject({ state: 'held', attempt: 0 });
    expect([...plane.artefacts.objects.keys()].filter((key) => key.includes('silver'))).toEqual([]);
    await plane.clock.advance(2000);
    await release(plane, { by: 'anna', reason: 'done' });
    await drive(plane, reaper(plane).release());
    await drive(plane, deliver(plane, 'ingestion', { bodies }));
    const after = await rowOf(plane, id);
    expect(after).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2, fence: 2 });
    expect(resultOf(after)).toMatchObject({ rowsIn: 120, rowsSilver: 120, duplicates: 0, gaps: 0 });
    const manifest = await json(plane, String(resultOf(after)['manifestKey']));
    expect(manifest).toMatchObject({ v: 1, bronze: { rows: 120 }, partial: false });
  });
});
