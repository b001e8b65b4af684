// Files that people have, taken the demo's way on one plane: a readable message or a report that accounts for every row.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultCsv, readCsv } from '#bin/demo/csv-file.ts';
import { operatorOf } from '#bin/demo/operator.ts';
import type { Progress } from '#bin/demo/progress.ts';
import { ingest, type Ingested, type Stage } from '#bin/demo/scenario.ts';
import { startPlane } from '#local/plane.ts';

const data = resolve(import.meta.dirname, '..', 'data');
const folder = mkdtempSync(join(tmpdir(), 'alphaswarm-csv-'));
const [heading = '', ...days] = readFileSync(defaultCsv(), 'utf8').trim().split('\n');
const bars = days.slice(0, 1000);
const file = (lines: readonly string[], start = ''): string => `${start}${lines.join('\n')}\n`;
const withRow = (n: number, row: string): string => file([heading, ...bars.with(n, row)]);
const [day = '', open = '', high = '', low = '', ...rest] = (bars[500] ?? '').split(',');

let stage: Stage;
beforeAll(async () => {
  const plane = await startPlane({
    assemblyDir: inject('assemblyDir'),
    dataDir: join(folder, 'plane'),
    clock: 'driven',
    variables: { ...process.env, REDIS_URL: undefined },
  });
  const quiet: Progress = { step: (_what, work) => work(() => undefined) };
  stage = { plane, operator: operatorOf(plane, 'csv-test'), progress: quiet };
});
afterAll(async () => {
  await stage.plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function take(content: string): Promise<Ingested> {
  files += 1;
  const path = join(folder, `file-${files}.csv`);
  writeFileSync(path, content);
  return ingest(stage, readCsv(path));
}

const noClose = file(bars.map((line) => line.split(',').slice(0, 4).join(',')).toSpliced(0, 0, 'date,open,high,low'));

test.each([
  ['without a close column', noClose, /could not be ingested\. .*close/i],
  ['that is empty', '', /could not be ingested\. .*empty/i],
  ['with a header only', `${heading}\n`, /could not be ingested\. .*column names but no rows/i],
  [
    'whose dates nobody can read',
    file([heading, ...bars.map((line) => line.replace(/^[^,]+/, 'some day'))]),
    /could not be ingested\. .*(date|DATE)/,
  ],
  ['that is no table', '\u0000\u0001\u0002\n\u0003', /could not be ingested\. ./],
])('a file %s is refused, with a message that says what and what to do', async (_, content, message) => {
  const refusal = await take(content).then(
    () => 'it was taken',
    (error: unknown) => (error as Error).message,
  );
  expect(refusal).toMatch(message);
  expect(refusal).not.toMatch(/undefined|\[object|at .*:\d+:\d+/);
  expect(refusal.length).toBeLessThan(500);
});

interface Account {
  readonly rowsIn: number;
  readonly rowsSilver: number;
  readonly rowsQuarantined: number;
  readonly duplicates: number;
}
const all: Account = { rowsIn: 1000, rowsSilver: 1000, rowsQuarantined: 0, duplicates: 0 };
const oneOut: Account = { ...all, rowsSilver: 999, rowsQuarantined: 1 };

test.each<[string, string, Account]>([
  ['with a byte order mark', file([heading, ...bars], '\uFEFF'), all],
  [
    'with the columns of a spreadsheet: other case, CRLF',
    file([heading.toUpperCase(), ...bars]).replaceAll('\n', '\r\n'),
    all,
  ],
  ['in descending order', file([heading, ...bars.toReversed()]), all],
  [
    'with ten identical rows twice',
    file([heading, ...bars, ...bars.slice(10, 20)]),
    { ...all, rowsIn: 1010, duplicates: 10 },
  ],
  [
    'with a second row of one day that contradicts the first',
    file([heading, ...bars, [day, open, high, low, ...rest.with(0, open)].join(',')]),
    { ...all, rowsIn: 1001, rowsQuarantined: 1 },
  ],
  ['with a NaN', withRow(500, [day, 'NaN', high, low, ...rest].join(',')), oneOut],
  ['with a high below its low', withRow(500, [day, open, low, high, ...rest].join(',')), oneOut],
  ['with one date that nobody can read', withRow(500, ['1 Smarch', open, high, low, ...rest].join(',')), oneOut],
  ['of every hour', readFileSync(join(data, 'EURUSD.csv'), 'utf8'), { ...all, rowsIn: 5000, rowsSilver: 5000 }],
])('a file %s is taken, and not a row is lost', async (_, content, expected) => {
  const { result, files: kept, manifest } = await take(content);
  expect(result).toMatchObject(expected);
  expect(expected.rowsIn).toBe(expected.rowsSilver + expected.rowsQuarantined + expected.duplicates);
  expect(manifest.bronze.rows).toBe(expected.rowsIn);
  const rowsOf = (name: string) => parquetObjects(kept.get(`${name}.parquet`));
  expect(await rowsOf('bronze-00000')).toHaveLength(expected.rowsIn);
  expect(await rowsOf('quarantine')).toHaveLength(expected.rowsQuarantined);
  const silver = await rowsOf('silver');
  expect(silver).toHaveLength(expected.rowsSilver);
  const times = silver.map((row) => Number(row['ts']));
  expect(times.every(Number.isFinite)).toBe(true);
  expect(times).toEqual([...new Set(times)].toSorted((one, other) => one - other));
});

async function parquetObjects(bytes: Uint8Array = new Uint8Array()): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: new Uint8Array(bytes).buffer });
}

test('a folder, and a file that is not there, are named with what to do', () => {
  expect(() => readCsv(folder)).toThrow(`--csv ${folder}: that is a folder. Name one CSV file in it.`);
  expect(() => readCsv('no-such.csv')).toThrow('--csv no-such.csv: there is no such file.');
});
