// The body of backtest.run over the whole pipeline in memory: what it takes, what it leaves, and how it goes on.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { engage, release } from '#core/halt.ts';
import { reaper } from '#core/reap.ts';
import type { AnyBodies } from '#core/task.ts';
import type { MemoryPlane } from '#memory/plane.ts';
import { memoryPlane } from '#memory/plane.ts';
import { bound, drive, rowOf } from '#test/unit/core/support.ts';
import { backtest, bodies, csv, ingest, leftBy, planeWith, request, take, upload } from './backtest-support.ts';

const files = ['equity.parquet', 'orders.parquet', 'report.html', 'trades.json', 'trades.parquet'];
const below = (plane: MemoryPlane, id: string): string[] =>
  [...plane.artefacts.objects.keys()].filter((key) => key.startsWith(`artifacts/acme/backtest.run/${id}/`));

describe('a backtest', () => {
  it('leaves tables, trades, a report and, last, the manifest that names them, under its run and fence', async () => {
    const plane = await planeWith(300);
    const run = await backtest(plane);
    expect(run).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 });
    const { result, manifest, trades } = await leftBy(plane, run);
    expect(result).toMatchObject({ bars: 300, tradeCount: (JSON.parse(trades) as unknown[]).length });
    expect(result.tradeCount).toBeGreaterThan(5);
    expect(manifest).toMatchObject({
      v: 1,
      run: run.id,
      strategy: { name: 'sma-cross', params: { fast: 3, slow: 8 }, warmUpBars: 7 },
      data: { rows: 300, quarantinedRows: 0, droppedBefore: 0, droppedAfter: 0 },
      bars: { count: 300, first: '2020-01-01', last: '2020-10-26' },
      metrics: result.metrics,
      confidence: { resamples: 1500 },
      partial: false,
    });
    expect(manifest.artefacts.map(({ name }) => name).toSorted()).toEqual(files);
    const prefix = `artifacts/acme/backtest.run/${run.id}/1/`;
    for (const { name, key, bytes, sha256 } of manifest.artefacts) {
      expect(key).toBe(prefix + name);
      const stored = await plane.artefacts.read(key);
      expect([stored.length, createHash('sha256').update(stored).digest('hex')]).toEqual([bytes, sha256]);
    }
    expect(below(plane, run.id).every((key) => key.startsWith(prefix))).toBe(true);
    const frames = await plane.progress.read(run.id);
    expect(frames.at(-1)).toMatchObject({ state: 'succeeded', pct: 100 });
    expect(plane.queues.letters('backtest')).toEqual([]);
  });

  it('of the same data and settings gives the same bytes', async () => {
    const plane = await planeWith(300);
    const [one, other] = [await leftBy(plane, await backtest(plane)), await leftBy(plane, await backtest(plane))];
    expect(one.trades).toBe(other.trades);
    expect(one.result.metrics).toEqual(other.result.metrics);
    expect(one.manifest.confidence).toEqual(other.manifest.confidence);
  });

  it('takes its bars from a data set, a CSV or Parquet in the inbox, or an address, and all give the same', async () => {
    const plane = memoryPlane();
    const silver = await ingest(plane, csv(300));
    await upload(plane, 'copies/daily.parquet', await plane.artefacts.read(silver));
    const ways = [
      [{ dataset: 'daily' }, silver],
      [{ path: 'daily.csv' }, 'inbox/acme/daily.csv'],
      [{ path: 'copies/daily.parquet' }, 'inbox/acme/copies/daily.parquet'],
      [{ s3: 's3://memory/inbox/acme/daily.csv' }, 'inbox/acme/daily.csv'],
      [{ s3: `s3://memory/${silver}` }, silver],
    ] as const;
    const trades = new Set<string>();
    for (const [data, key] of ways) {
      const left = await leftBy(plane, await backtest(plane, { data }));
      const sha256 = createHash('sha256')
        .update(await plane.artefacts.read(key))
        .digest('hex');
      expect(left.manifest.data).toMatchObject({ key, rows: 300, sha256 });
      trades.add(left.trades + JSON.stringify(left.result.metrics));
    }
    expect(trades.size).toBe(1);
  });

  it('takes only the bars from `from` to `to`, both included, and says what it left out', async () => {
    const plane = await planeWith(300);
    const run = await backtest(plane, { from: '2020-02-01', to: '2020-05-31' });
    const { result, manifest } = await leftBy(plane, run);
    expect(result.bars).toBe(29 + 31 + 30 + 31);
    expect(manifest.bars).toEqual({ count: 121, first: '2020-02-01', last: '2020-05-31' });
    expect(manifest.data).toMatchObject({ rows: 300, droppedBefore: 31, droppedAfter: 148 });
    const moments = await backtest(plane, { from: '2020-02-01T00:00:01Z', to: '2020-03-01T23:59:59Z' });
    expect((await leftBy(plane, moments)).manifest.bars).toMatchObject({ first: '2020-02-02', last: '2020-03-01' });
  });

  it('reads the silver of a CSV: rows with prices that no market has are counted and left out', async () => {
    const plane = memoryPlane();
    await upload(plane, 'odd.csv', csv(300, { change: { 40: { low: 0 }, 41: { close: -5, low: -6 } } }));
    const { result, manifest } = await leftBy(plane, await backtest(plane, { data: { path: 'odd.csv' } }));
    expect(result.bars).toBe(298);
    expect(manifest.data).toMatchObject({ rows: 298, quarantinedRows: 2 });
  });
});

/** Bodies that take 400 ms from checkpoint to checkpoint by the plane's clock: so each of them is saved. */
const slow = (plane: MemoryPlane): AnyBodies => ({
  'backtest.run': (input, context) =>
    bodies['backtest.run']!(input, {
      ...context,
      checkpoint: async (cursor) => {
        await plane.clock.sleep(400);
        await context.checkpoint(cursor);
      },
    }),
});

/** From now on the `n`th checkpoint that is written is followed by a halt. */
function haltAfter(plane: MemoryPlane, n: number): { saved: string[] } {
  const put = bound(plane.artefacts, 'put');
  const saved: string[] = [];
  plane.artefacts.put = async (key, ...rest) => {
    await put(key, ...rest);
    if (!key.includes('/checkpoint-')) return;
    saved.push(key);
    if (saved.length === n) void engage(plane, { by: 'anna', reason: 'drill' });
  };
  return { saved };
}
async function letGo(plane: MemoryPlane): Promise<void> {
  await plane.clock.advance(2000);
  await release(plane, { by: 'anna', reason: 'over' });
  await drive(plane, reaper(plane).release());
}

describe('a backtest that is interrupted', () => {
  const minute = { stepMs: 60_000 };
  const bars = 45_000;
  const data = { path: 'minutes.csv' };
  const undisturbed = (async () => {
    const plane = memoryPlane();
    await upload(plane, 'minutes.csv', csv(bars, minute));
    return leftBy(plane, await backtest(plane, { data }));
  })();

  it.each([1, 2, 3])('after checkpoint %i goes on there, and ends in the same bytes', async (n) => {
    const plane = memoryPlane();
    await upload(plane, 'minutes.csv', csv(bars, minute));
    const { saved } = haltAfter(plane, n);
    const { id } = await request(plane, { data });
    await take(plane, slow(plane));
    expect(await rowOf(plane, id)).toMatchObject({ state: 'held', attempt: 0, cursor: { fence: 1 } });
    const before = saved.length;
    await letGo(plane);
    await take(plane, slow(plane));
    const run = await rowOf(plane, id);
    expect(run).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2, fence: 2 });
    const { trades, result, manifest } = await leftBy(plane, run);
    const whole = await undisturbed;
    expect(trades).toBe(whole.trades);
    expect(result.metrics).toEqual(whole.result.metrics);
    expect(manifest.confidence).toEqual(whole.manifest.confidence);
    const shaOf = (of: typeof manifest) => of.artefacts.map(({ name, sha256 }) => [name, sha256]);
    // The page names its run.
    const noPage = ([name]: string[]) => name !== 'report.html';
    expect(shaOf(manifest).filter(noPage)).toEqual(shaOf(whole.manifest).filter(noPage));
    for (const { key } of manifest.artefacts) expect(key).toContain(`/${id}/2/`);
    // What was done is not done again: two checkpoints in the bars, two in the resamples.
    expect(before).toBeGreaterThanOrEqual(n);
    expect(saved.length - before).toBeLessThanOrEqual(4 - n);
  });

  it.each<[string, (plane: MemoryPlane, id: string) => Promise<void> | void]>([
    ['its data were replaced meanwhile', (plane) => upload(plane, 'minutes.csv', csv(30_000, minute))],
    ['its checkpoint is gone', (plane, id) => below(plane, id).forEach((key) => forget(plane, key))],
  ])('begins anew where %s', async (_, change) => {
    const plane = memoryPlane();
    await upload(plane, 'minutes.csv', csv(bars, minute));
    haltAfter(plane, 2);
    const { id } = await request(plane, { data });
    await take(plane, slow(plane));
    await change(plane, id);
    await letGo(plane);
    await take(plane);
    const run = await rowOf(plane, id);
    expect(run).toMatchObject({ state: 'succeeded', starts: 2 });
    const { trades, result } = await leftBy(plane, run);
    const anew = await leftBy(plane, await backtest(plane, { data }));
    expect([trades, result.metrics]).toEqual([anew.trades, anew.result.metrics]);
  });
});

const forget = (plane: MemoryPlane, key: string): boolean =>
  (plane.artefacts.objects as Map<string, unknown>).delete(key);
