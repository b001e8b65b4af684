// What cannot be backtested: refused before there is a run where the request alone says so, else failed for good, once,
// with a letter, and with words that say what to do.
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { writeParquet } from '#engines/ingest/parquet.ts';
import { rejection } from '#test/unit/core/support.ts';
import { backtest, csv, ingest, payload, request, upload } from './backtest-support.ts';

const strategy = (name: string, params: Record<string, unknown> = {}) => ({ strategy: { name, params } });

describe('a request that cannot be right is refused at once, and leaves nothing', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no cash', { broker: { cash: 0 } }, /broker\.cash/],
    ['less than no cash', { broker: { cash: -1 } }, /broker\.cash/],
    ['no margin', { broker: { margin: 0 } }, /broker\.margin/],
    ['a margin over 1', { broker: { margin: 1.5 } }, /broker\.margin/],
    ['a commission of all', { broker: { commission: 1 } }, /broker\.commission/],
    ['a commission as a pair', { broker: { commission: [1, 0.1] } }, /broker\.commission/],
    ['a commission of another shape', { broker: { commission: { percent: 1 } } }, /broker\.commission/],
    ['a setting that no broker has', { broker: { leverage: 3 } }, /leverage/],
    ['no strategy', { strategy: undefined }, /strategy/],
    ['a parameter that is a list', strategy('sma-cross', { fast: [1] }), /strategy\.params\.fast/],
    ['an engine that is none', { engine: 'excel' }, /engine/],
    ['a moment that is none', { from: 'yesterday' }, /from/],
    ['no data', { data: {} }, /data/],
    ['data in two places', { data: { dataset: 'daily', path: 'daily.csv' } }, /data/],
    ['a way out of the inbox', { data: { path: '../other/daily.csv' } }, /data/],
    ['an address of another kind', { data: { s3: 'https://memory/inbox/acme/daily.csv' } }, /data/],
    ['too few resamples', { resamples: 1 }, /resamples/],
  ])('%s', async (_, over, words) => {
    const plane = memoryPlane();
    const failure = await rejection(request(plane, over));
    expect(failure.code).toBe('PAYLOAD_INVALID');
    expect(failure.message).toMatch(words);
    expect(await plane.queues.depth('backtest', 'queue')).toMatchObject({ waiting: 0 });
    expect([...plane.artefacts.objects.keys()]).toEqual([]);
  });
});

const badBar = async (): Promise<Uint8Array> => {
  const { tsMs, columns } = {
    tsMs: [0, 86_400_000],
    columns: { open: [1, 1], high: [2, 2], low: [1, 0], close: [1, 1] },
  };
  const ts = tsMs.map((ms) => new Date(ms));
  return writeParquet({
    rows: 2,
    columns: [
      { name: 'ts', type: 'TIMESTAMP', nullable: false, values: (start, end) => ts.slice(start, end) },
      ...Object.entries(columns).map(([name, values]) => ({
        name,
        type: 'DOUBLE' as const,
        nullable: false,
        values: (start: number, end: number) => values.slice(start, end),
      })),
    ],
  });
};

describe('a backtest that cannot be run fails for good', () => {
  let plane: MemoryPlane;
  beforeAll(async () => {
    plane = memoryPlane();
    await ingest(plane, csv(60));
    await upload(plane, 'five.csv', csv(5));
    const flatline = Object.fromEntries(Array.from({ length: 60 }, (_, row) => [row, { low: 0, close: -1 }]));
    await upload(plane, 'worthless.csv', csv(60, { change: flatline }));
    await upload(plane, 'zero.parquet', await badBar());
    await upload(plane, 'words.csv', 'once upon a time\nthere was a market\n');
    await upload(plane, 'words.parquet', 'once upon a time');
    await upload(plane, 'empty.csv', '');
    await plane.artefacts.put('inbox/other/daily.csv', new TextEncoder().encode(csv(60)), 'text/csv');
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    [
      'an unknown strategy',
      strategy('sma-cros'),
      'PAYLOAD_INVALID',
      /no strategy "sma-cros".+Did you mean sma-cross\?/,
    ],
    ['a name that every object has', strategy('constructor'), 'PAYLOAD_INVALID', /no strategy "constructor"/],
    ['a parameter out of range', strategy('sma-cross', { fast: 0 }), 'PAYLOAD_INVALID', /params\.fast is 0/],
    ['a parameter unknown', strategy('sma-cross', { fats: 3 }), 'PAYLOAD_INVALID', /"fats"/],
    ['a parameter of words', strategy('sma-cross', { fast: 'ten' }), 'PAYLOAD_INVALID', /params\.fast is "ten"/],
    [
      'fast not below slow',
      strategy('sma-cross', { fast: 20, slow: 20 }),
      'PAYLOAD_INVALID',
      /params\.fast is 20: must be smaller than slow/,
    ],
    [
      'data shorter than the warm-up',
      { data: { path: 'five.csv' } },
      'INPUT_INVALID',
      /needs 7 bars.+the data has 5: take more data, or smaller parameters/,
    ],
    [
      'dates that leave less than the warm-up',
      { from: '2020-01-01', to: '2020-01-07' },
      'INPUT_INVALID',
      /needs 7 bars.+the data has 7/,
    ],
    [
      'dates beyond the data',
      { from: '2031-01-01' },
      'INPUT_INVALID',
      /no bar lies between 2031-01-01.+the data runs from 2020-01-01 to 2020-02-29/,
    ],
    ['dates the wrong way round', { from: '2020-02-01', to: '2020-01-01' }, 'INPUT_INVALID', /from .+ is after to /],
    ['only prices that no market has', { data: { path: 'worthless.csv' } }, 'INPUT_INVALID', /worthless\.csv|rows/],
    ['a price of 0 in Parquet', { data: { path: 'zero.parquet' } }, 'INPUT_INVALID', /bar 1 of 1970-01-02 has low 0/],
    [
      'a CSV that is none',
      { data: { path: 'words.csv' } },
      'INPUT_INVALID',
      /Missing columns date, open.+The first line must name/,
    ],
    [
      'Parquet that is none',
      { data: { path: 'words.parquet' } },
      'INPUT_INVALID',
      /not OHLCV Parquet.+ingest the file/,
    ],
    ['an empty file', { data: { path: 'empty.csv' } }, 'INPUT_INVALID', /empty/],
    ['no such file', { data: { path: 'nowhere.csv' } }, 'INPUT_INVALID', /nowhere\.csv.+upload it first/],
    [
      'no such data set',
      { data: { dataset: 'weekly' } },
      'INPUT_INVALID',
      /no data set weekly: ingest it first \(ingest\.pull\), or correct data\.dataset/,
    ],
    [
      'an address in another bucket',
      { data: { s3: 's3://elsewhere/inbox/acme/daily.csv' } },
      'INPUT_INVALID',
      /not in the plane's bucket memory: copy the file into the inbox/,
    ],
    [
      'an address of another tenant',
      { data: { s3: 's3://memory/inbox/other/daily.csv' } },
      'INPUT_INVALID',
      /does not belong to the tenant acme/,
    ],
    [
      'an address that leads to another tenant',
      { data: { s3: 's3://memory/inbox/acme/../other/daily.csv' } },
      'INPUT_INVALID',
      /does not belong to the tenant acme/,
    ],
    [
      'vectorbt-pro',
      { engine: 'vectorbt-pro' },
      'ENGINE_UNAVAILABLE',
      /vectorbt-pro is not part of this plane: take "event"/,
    ],
    ['lean', { engine: 'lean' }, 'ENGINE_UNAVAILABLE', /lean is not part of this plane: take "event"/],
  ])('%s', async (...[, over, code, words]) => {
    const before = plane.queues.letters('backtest').length;
    const run = await backtest(plane, over);
    expect(run).toMatchObject({ state: 'failed', attempt: 1, starts: 1, outbox: [], outcome: { code } });
    expect(run.outcome?.message).toMatch(words);
    const letters = plane.queues.letters('backtest').slice(before);
    expect(letters).toMatchObject([{ code, reason: run.outcome?.message }]);
    expect(JSON.parse(letters[0]!.body)).toMatchObject({ run: run.id, task: 'backtest.run', tenant: 'acme' });
    expect((await plane.progress.read(run.id)).at(-1)).toMatchObject({ state: 'failed' });
    const left = [...plane.artefacts.objects.keys()].filter((key) => key.includes(run.id));
    expect(left).toEqual([]);
    // What was asked for is kept: it can be corrected and asked for again.
    expect(run.payload).toMatchObject({ inline: { resamples: payload.resamples } });
  });
});
