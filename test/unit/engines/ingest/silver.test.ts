import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IngestError } from '#engines/ingest/errors.ts';
import { qualityReportSchema } from '#engines/ingest/report.ts';
import type { QualityReport } from '#engines/ingest/report.ts';
import { flagNames } from '#engines/ingest/rows.ts';
import type { Silver } from '#engines/ingest/silver.ts';
import { csv, csvSource, fileSource, goodRows, silverOf, sp500Source } from './support.ts';

const nonZero = (tally: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(tally).filter(([, rows]) => rows > 0));

const accounted = (report: QualityReport): number => report.rowsSilver + report.rowsQuarantined + report.duplicates;

const flagsAt = (silver: Silver, at: number): string[] => flagNames(silver.series.flags[at] ?? 0);

describe('real files', () => {
  it('S&P 500: 5,105 rows, all in silver, exactly the XNYS sessions, nothing to complain about', async () => {
    const { report, checks, series } = await silverOf(sp500Source());
    expect(report).toMatchObject({
      rowsIn: 5105,
      rowsSilver: 5105,
      rowsQuarantined: 0,
      duplicates: 0,
      first: '2000-01-03',
      last: '2020-04-17',
      interval: 'P1D',
      order: 'ascending',
      calendar: { name: 'XNYS' },
      gaps: { missing: 0, runs: 0, listed: [] },
      unexpectedSessions: { rows: 0 },
      warnings: [],
    });
    expect(report.calendar.reason).toContain('weekdays (190 missing, 0 unexpected)');
    expect(nonZero(report.flags)).toEqual({});
    expect(checks.every((check) => check.severity === 'ok')).toBe(true);
    expect(series.close[0]).toBe(1455.219971);
    expect(series.adjClose[5104]).toBe(2874.560059);
  });

  it('GOOG: the unnamed first column is the date', async () => {
    const { report } = await silverOf(fileSource('GOOG.csv'));
    expect(report).toMatchObject({ rowsSilver: 2148, calendar: { name: 'XNYS' }, gaps: { missing: 0 } });
    expect(report.warnings).toEqual([expect.stringContaining('no name')]);
  });

  it('EURUSD: hourly, taken as UTC, no hour missing inside a day', async () => {
    const { report } = await silverOf(fileSource('EURUSD.csv'));
    expect(report).toMatchObject({ rowsSilver: 5000, granularity: 'time', interval: 'PT1H', gaps: { missing: 0 } });
    expect(report.first).toBe('2017-04-19T09:00:00.000Z');
    expect(report.warnings[1]).toBe('5000 rows have a time without offset: it was taken as UTC.');
  });

  it('BTCUSD: monthly by month ends, with the jumps such a market makes', async () => {
    const { report } = await silverOf(fileSource('BTCUSD.csv'));
    expect(report).toMatchObject({ rowsSilver: 156, interval: 'P1M', gaps: { missing: 0 }, calendar: { name: null } });
    expect(nonZero(report.flags)).toEqual({ JUMP: 10 });
  });

  it('PTR: the all-null row is quarantined, its session is missing, the day without volume is flagged', async () => {
    const { report, quarantine } = await silverOf(fileSource('PTR.csv'));
    expect(report).toMatchObject({ rowsIn: 1258, rowsSilver: 1257, gaps: { missing: 1 } });
    expect(report.gaps.listed).toEqual([{ from: '2016-06-29', to: '2016-06-29', missing: 1 }]);
    expect(nonZero(report.flags)).toEqual({ ZERO_VOLUME: 1 });
    expect(quarantine).toEqual([
      {
        line: 962,
        reason: 'PRICE_MISSING',
        detail: 'open is "null"',
        raw: '2016-06-29,null,null,null,null,null,null',
      },
    ]);
  });
});

describe('rows that cannot be used', () => {
  it.each([
    ['FIELD_COUNT', '2000-01-03,1,1,1,1', /6 fields/],
    ['FIELD_COUNT', '2000-01-03,1,1,1,1,1,1', /6 fields/],
    ['QUOTE_BROKEN', '"2000-01-03,1,1,1,1,1', /not closed/],
    ['DATE_UNREADABLE', '1/3/2000,1,1,1,1,1', /"1\/3\/2000" is no date: write YYYY-MM-DD/],
    ['DATE_UNREADABLE', ',1,1,1,1,1', /"" is no date/],
    ['PRICE_MISSING', '2000-01-03,1,1,1,NaN,1', /close is "NaN"/],
    ['PRICE_MISSING', '2000-01-03,,1,1,1,1', /open is ""/],
    ['PRICE_NOT_A_NUMBER', '2000-01-03,1,1,abc,1,1', /low "abc" is no number/],
    ['PRICE_NOT_POSITIVE', '2000-01-03,1,1,0,1,1', /low is 0/],
    ['PRICE_NOT_POSITIVE', '2000-01-03,1,1,-2,1,1', /low is -2/],
    ['HIGH_BELOW_LOW', '2000-01-03,1,1,2,1,1', /high 1 is below low 2/],
    ['OPEN_OUTSIDE_RANGE', '2000-01-03,5,3,2,2,1', /open 5 is outside low 2 to high 3/],
    ['CLOSE_OUTSIDE_RANGE', '2000-01-03,2,3,2,1,1', /close 1 is outside low 2 to high 3/],
    ['VOLUME_NOT_A_NUMBER', '2000-01-03,1,1,1,1,many', /volume "many"/],
    ['VOLUME_NEGATIVE', '2000-01-03,1,1,1,1,-5', /volume is -5/],
  ])('%s: %j is put aside with line, reason and text', async (reason, row, detail) => {
    const { report, quarantine } = await silverOf(csvSource(csv(...goodRows(), row)));
    expect(quarantine).toEqual([{ line: 22, reason, raw: row, detail: expect.stringMatching(detail) }]);
    expect(report.rowsSilver).toBe(20);
    expect(nonZero(report.quarantine)).toEqual({ [reason]: 1 });
  });

  it('reach the quality checks with a sample', async () => {
    const { checks } = await silverOf(csvSource(csv(...goodRows(), '2000-01-03,1,1,2,1,1')));
    expect(checks.find((each) => each.check === 'quarantine.HIGH_BELOW_LOW')).toEqual({
      check: 'quarantine.HIGH_BELOW_LOW',
      severity: 'error',
      rows: 1,
      sample: [{ line: 22, detail: 'high 1 is below low 2' }],
    });
  });
});

describe('rows that are odd but possible', () => {
  it('keeps and flags zero volume, no volume and no adjusted close', async () => {
    const text = 'date,open,high,low,close,volume,adj close\n2000-01-03,1,1,1,1,0,1\n2000-01-04,1,1,1,1,,x\n';
    const silver = await silverOf(csvSource(text));
    expect(flagsAt(silver, 0)).toEqual(['ZERO_VOLUME']);
    expect(flagsAt(silver, 1)).toEqual(['VOLUME_MISSING', 'ADJ_CLOSE_MISSING']);
  });

  it('keeps a breach of the range that is only print precision', async () => {
    const silver = await silverOf(csvSource(csv('2000-01-03,100.00001,100,99,100,1', '2000-01-04,1,1,1,1,1')));
    expect(flagsAt(silver, 0)).toEqual(['OHLC_ROUNDED']);
    const crossed = await silverOf(csvSource(csv('2000-01-03,100,100,100.00005,100,1')));
    expect(flagsAt(crossed, 0)).toEqual(['OHLC_ROUNDED']);
  });

  it('puts a breach aside that is more than print precision', async () => {
    const { quarantine } = await silverOf(csvSource(csv(...goodRows(), '2000-01-03,100.0002,100,99,100,1')));
    expect(quarantine).toMatchObject([{ reason: 'OPEN_OUTSIDE_RANGE' }]);
  });

  it('flags a close more than half away from the one before, on the later row', async () => {
    const text = csv('2000-01-03,10,10,10,10,1', '2000-01-04,15,15,15,15,1', '2000-01-05,7,7,7,7,1');
    const silver = await silverOf(csvSource(text));
    expect([0, 1, 2].map((at) => flagsAt(silver, at))).toEqual([[], [], ['JUMP']]);
  });

  it('keeps prices of zero and less where they are allowed', async () => {
    const silver = await silverOf(csvSource(csv('2020-04-20,17,18,-40,-37.63,1')), { prices: 'any' });
    expect(flagsAt(silver, 0)).toEqual(['PRICE_NOT_POSITIVE']);
  });
});

describe('order and duplicates', () => {
  it('sorts a file that runs backwards, and says so', async () => {
    const { report, series } = await silverOf(csvSource(csv(...goodRows().toReversed())));
    expect(report).toMatchObject({ order: 'descending', outOfOrder: 19, rowsSilver: 20 });
    expect(series.volume[0]).toBe(1000);
    expect(report.warnings).toEqual([expect.stringContaining('from late to early')]);
  });

  it('counts rows out of order', async () => {
    const [first = '', ...rest] = goodRows();
    const { report } = await silverOf(csvSource(csv(...rest, first)));
    expect(report).toMatchObject({ order: 'unsorted', outOfOrder: 1, first: '2001-01-02' });
  });

  it('drops equal duplicates and puts aside those that contradict the first', async () => {
    const rows = goodRows();
    const text = csv(...rows, '2001-01-02,10.0,12,9,11,1000', '2001-01-02,10,12,9,11.5,1000', 'x,1,1,1,1,1');
    const { report, quarantine } = await silverOf(csvSource(text));
    expect(report).toMatchObject({ rowsIn: 23, rowsSilver: 20, duplicates: 1, rowsQuarantined: 2 });
    expect(quarantine).toMatchObject([{ line: 23 }, { line: 24, reason: 'DATE_UNREADABLE' }]);
    expect(quarantine.slice(0, 1)).toEqual([
      {
        line: 23,
        reason: 'DUPLICATE_CONFLICT',
        detail: 'line 2 has the same time and other values, and was kept',
        raw: '2001-01-02,10,12,9,11.5,1000',
      },
    ]);
  });
});

describe('a file that is too bad', () => {
  it.each([
    ['all dates unreadable', csv('1/3/2000,1,1,1,1,1', '1/4/2000,1,1,1,1,1'), {}, 'INGEST_DATE_UNREADABLE'],
    ['all rows bad otherwise', csv('2000-01-03,1,1,2,1,1'), {}, 'INGEST_TOO_MANY_BAD_ROWS'],
    [
      'more bad rows than allowed',
      csv(...goodRows(8), 'x,1,1,1,1,1', 'y,1,1,1,1,1'),
      { maxQuarantinedPercent: 10 },
      'INGEST_TOO_MANY_BAD_ROWS',
    ],
    ['more rows than memory should hold', csv(...goodRows()), { maxRows: 19 }, 'INGEST_TOO_MANY_ROWS'],
    [
      'several instruments',
      'symbol,date,open,high,low,close\nA,2000-01-03,1,1,1,1\nB,2000-01-03,2,2,2,2\n',
      {},
      'INGEST_SEVERAL_INSTRUMENTS',
    ],
  ])('is refused: %s', async (...[, text, options, code]) => {
    await expect(silverOf(csvSource(text), options)).rejects.toMatchObject({ name: 'IngestError', code });
  });

  it('is refused with the worst reason and its first line', async () => {
    const text = csv('1/3/2000,1,1,1,1,1', '1/4/2000,1,1,1,1,1', '2000-01-05,1,1,2,1,1', '2000-01-06,1,1,1,1,1');
    await expect(silverOf(csvSource(text))).rejects.toThrow(
      /^3 of 4 rows cannot be used, 2 of them for DATE_UNREADABLE; first in line 2: "1\/3\/2000" is no date/,
    );
  });

  it('is taken with exactly as many bad rows as are allowed', async () => {
    const text = csv(...goodRows(9), 'x,1,1,1,1,1');
    expect((await silverOf(csvSource(text), { maxQuarantinedPercent: 10 })).report.rowsQuarantined).toBe(1);
  });

  it('stops at the signal', async () => {
    const signal = AbortSignal.abort(new Error('deadline'));
    await expect(silverOf(fileSource('GOOG.csv'), { signal })).rejects.toThrow('deadline');
  });
});

describe('any file', () => {
  const cell = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('1', '2', '3', '1.5') },
    fc.constantFrom('', '0', '-1', 'NaN', 'null', 'x', '1e5', '"2"', '"', '2,2'),
  );
  const date = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...goodRows(12).map((row) => row.slice(0, 10))) },
    fc.constantFrom('', 'x', '2001-02-30', '2001-01-02T10:00', '2001-01-02T10:00+02:00', '2001-01-02 10:00:00.5Z'),
  );
  const row = fc
    .tuple(date, fc.array(cell, { minLength: 5, maxLength: 5 }))
    .map(([day, cells]) => [day, ...cells].join(','));
  const line = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...goodRows(12)) },
    { weight: 5, arbitrary: row },
    fc.constantFrom('', ',,,,,'),
    fc.string({ maxLength: 12 }),
  );

  it('loses no row: in = silver + quarantined + duplicates, and refuses only with its own error', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), async (lines) => {
        const source = csvSource(csv(...lines));
        const silver = await silverOf(source, { maxQuarantinedPercent: 99 }).catch((error: unknown) => error);
        if (silver instanceof Error) {
          expect(silver).toBeInstanceOf(IngestError);
          return;
        }
        taken += 1;
        const { report, series, quarantine } = silver as Silver;
        expect(qualityReportSchema.parse(report)).toEqual(report);
        expect(accounted(report)).toBe(report.rowsIn);
        expect([series.rows, quarantine.length]).toEqual([report.rowsSilver, report.rowsQuarantined]);
        const seen = [...series.line, ...quarantine.map((each) => each.line)];
        expect(new Set(seen).size).toBe(seen.length);
        expect(series.tsMs).toEqual(series.tsMs.toSorted());
        expect(new Set(series.tsMs).size).toBe(series.rows);
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});
