import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { bronzeTable, readBronze } from '#engines/ingest/bronze.ts';
import { writeParquet } from '#engines/ingest/parquet.ts';
import { flagNames } from '#engines/ingest/rows.ts';
import { quarantineTable, reportTable, silverTable } from '#engines/ingest/tables.ts';
import { csv, csvSource, fileSource, goodRows, readAll, readTable, silverOf, sp500Source } from './support.ts';

describe('bronze', () => {
  it('comes back as it went: fields, lines, broken records, header and sha256', async () => {
    const source = csvSource(csv('"2000-01-03",1,"a\nb",,é😀,6', 'x', '"y', '_line,_problem,_raw,,,'));
    const { header, parts } = await readAll(source, { rowsPerPart: 2 });
    for (const part of parts) {
      expect(await readBronze(await writeParquet(bronzeTable(header, part)))).toEqual({ header, part });
    }
  });

  it('keeps real files, in parts', async () => {
    const { header, parts } = await readAll(fileSource('PTR.csv'), { rowsPerPart: 500 });
    const read = await Promise.all(
      parts.map(async (part) => readBronze(await writeParquet(bronzeTable(header, part)))),
    );
    expect(read.map((each) => each.part)).toEqual(parts);
  });

  it('says so when it is damaged or something else', async () => {
    const noBronze = await writeParquet(quarantineTable({ quarantine: [] }));
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode('PAR1 nothing PAR1'), noBronze])
      await expect(readBronze(bytes)).rejects.toMatchObject({ code: 'INGEST_BRONZE_INVALID' });
  });
});

describe('silver', () => {
  it('holds the typed columns of every row', async () => {
    const silver = await silverOf(sp500Source());
    const rows = await readTable(await writeParquet(silverTable(silver)));
    expect(rows).toHaveLength(5105);
    expect(rows[0]).toEqual({
      ts: new Date('2000-01-03T00:00:00Z'),
      session: '2000-01-03',
      open: 1469.25,
      high: 1478,
      low: 1438.359985,
      close: 1455.219971,
      volume: 931800000,
      adj_close: 1455.219971,
      flags: '',
      line: 2,
    });
    for (const column of ['open', 'high', 'low', 'close', 'volume'] as const) {
      expect(rows.map((row) => row[column])).toEqual([...silver.series[column]]);
    }
    expect(rows.map((row) => Number(row['ts']))).toEqual([...silver.series.tsMs]);
    expect(rows.map((row) => row['flags'])).toEqual([...silver.series.flags].map((bits) => flagNames(bits).join('|')));
  });

  it('has no session for intraday bars, null for absent volume, and adj_close only if the file has it', async () => {
    const silver = await silverOf(csvSource(csv('2000-01-03T10:00,1,1,1,1,', '2000-01-03T11:00,1,1,1,1,0')));
    const rows = await readTable(await writeParquet(silverTable(silver)));
    expect(rows.map((row) => [row['session'], row['volume'], row['flags'], 'adj_close' in row])).toEqual([
      [null, null, 'VOLUME_MISSING', false],
      [null, 0, 'ZERO_VOLUME', false],
    ]);
  });

  it('stores the timestamp as UTC milliseconds with statistics to skip by, in Snappy row groups', async () => {
    const bytes = await writeParquet(silverTable(await silverOf(sp500Source())));
    const metadata = parquetMetadata(new Uint8Array(bytes).buffer);
    const ts = metadata.schema.find((element) => element.name === 'ts');
    expect(ts).toMatchObject({ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'REQUIRED' });
    const column = metadata.row_groups[0]?.columns[0]?.meta_data;
    expect(column?.codec).toBe('SNAPPY');
    expect(column?.statistics?.min_value).toEqual(new Date('2000-01-03T00:00:00Z'));
  });
});

describe('quarantine and report', () => {
  it('hold one row for each bad row and each check', async () => {
    const silver = await silverOf(csvSource(csv(...goodRows(), 'x,1,1,1,1,1')));
    expect(await readTable(await writeParquet(quarantineTable(silver)))).toEqual(silver.quarantine);
    const checks = await readTable(await writeParquet(reportTable(silver)));
    expect(checks).toEqual(silver.checks.map((check) => ({ ...check, sample: JSON.stringify(check.sample) })));
    expect(checks.find((check) => check['check'] === 'conservation')).toMatchObject({ severity: 'ok', rows: 0 });
  });

  it('may be empty', async () => {
    expect(await readTable(await writeParquet(quarantineTable({ quarantine: [] })))).toEqual([]);
  });
});

describe('writing', () => {
  it('gives the same bytes for the same input, however it was cut into parts', async () => {
    const source = fileSource('EURUSD.csv');
    const one = await silverOf(source);
    const { header, parts } = await readAll(source, { rowsPerPart: 777 });
    const { toSilver } = await import('#engines/ingest/silver.ts');
    const other = await toSilver({ header, parts: () => parts });
    expect(await writeParquet(silverTable(other))).toEqual(await writeParquet(silverTable(one)));
    expect(other.report).toEqual(one.report);
  });

  it('splits large tables into row groups', async () => {
    const rows = 120_001;
    const values = (start: number, end: number) => Array.from({ length: end - start }, (_, at) => start + at);
    const bytes = await writeParquet({ rows, columns: [{ name: 'n', type: 'INT32', nullable: false, values }] });
    const metadata = parquetMetadata(new Uint8Array(bytes).buffer);
    expect(metadata.row_groups.map((group) => Number(group.num_rows))).toEqual([50_000, 50_000, 20_001]);
    expect((await readTable(bytes)).at(-1)).toEqual({ n: 120_000 });
  });

  it('stops at the signal', async () => {
    const table = bronzeTable(...(await bronzeOf()));
    await expect(writeParquet(table, AbortSignal.abort(new Error('deadline')))).rejects.toThrow('deadline');
  });
});

const bronzeOf = async (): Promise<Parameters<typeof bronzeTable>> => {
  const { header, parts } = await readAll(csvSource(csv(...goodRows())));
  const [part] = parts;
  if (part === undefined) throw new Error('no part');
  return [header, part];
};
