import { parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { finishBacktest, prepareBacktest } from '#engines/backtest/backtest.ts';
import type { BacktestRequest } from '#engines/backtest/backtest.ts';
import { confidenceOf, resample, startBootstrap } from '#engines/backtest/bootstrap.ts';
import { keptIndices } from '#engines/backtest/report/downsample.ts';
import { figure, money, percent, price } from '#engines/backtest/report/format.ts';
import { monthReturns } from '#engines/backtest/report/months.ts';
import { reportHtml } from '#engines/backtest/report/report.ts';
import type { ReportInput } from '#engines/backtest/report/report.ts';
import { advanceTo } from '#engines/backtest/simulate.ts';
import { equityTable, ordersTable, tradesTable } from '#engines/backtest/tables.ts';
import { writeParquet } from '#engines/ingest/parquet.ts';
import type { ParquetTable } from '#engines/ingest/parquet.ts';
import { barsOf, csvBars, flat } from './support.ts';

const goog = csvBars('GOOG.csv');

const inputOf = (request: Partial<BacktestRequest> = {}): ReportInput => {
  const prepared = prepareBacktest({
    bars: goog,
    strategy: { name: 'sma-cross' },
    broker: { commission: 0.002 },
    ...request,
  });
  advanceTo(prepared.run);
  const result = finishBacktest(prepared.run);
  const data = { name: 'GOOG.csv', sha256: 'c0ffee', rows: 2150, quarantinedRows: 2 };
  return { ...prepared, result, data, confidence: 'not asked for' };
};

const readBack = async (table: ParquetTable): Promise<Record<string, unknown>[]> => {
  const bytes = await writeParquet(table);
  return parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  });
};

describe('tables', () => {
  const { run, result } = inputOf();

  it('equity: a row a bar', async () => {
    const rows = await readBack(equityTable(run, result));
    expect(rows).toHaveLength(2148);
    expect(rows.at(-1)).toMatchObject({ ts: new Date('2013-03-01'), close: 806.19, position: 69 });
    expect(rows.at(-1)?.['equity']).toBeCloseTo(56263.51934, 6);
    expect(rows.at(-1)?.['buy_and_hold']).toBeCloseTo(10_000 * 7.073703606212162, 6);
    expect(rows[19]).toMatchObject({ equity: 10_000, buy_and_hold: 10_000, drawdown_percent: 0 });
  });

  it('trades: closed ones, then the open one without an exit', async () => {
    const rows = await readBack(tradesTable(goog, result));
    expect(rows).toHaveLength(94);
    expect(rows[0]).toMatchObject({ entry_bar: 63, exit_bar: 75, size: -59, exit_ts: new Date('2004-12-06') });
    expect(rows[93]).toMatchObject({ entry_bar: 2087, exit_bar: null, exit_ts: null, size: 69, return_percent: null });
  });

  it('orders: all of them, by number, with what became of them', async () => {
    const rows = await readBack(ordersTable(goog, run.broker));
    expect(rows.map(({ id }) => id)).toEqual(rows.map((_, index) => index + 1));
    expect(rows[0]).toMatchObject({ role: 'entry', status: 'filled', filled: -59, price: 169.02, reason: null });
  });
});

describe('the page', () => {
  let page = '';
  beforeAll(async () => {
    const input = inputOf();
    const state = startBootstrap(input.result.periods, { resamples: 100 });
    resample(state, input.result.periods);
    page = await reportHtml({ ...input, confidence: confidenceOf(state, input.result.periods), provenance: 'run 7' });
  });

  it('shows result, benchmark, costs, data version, what was dropped, the open trade and how sure it is', () => {
    for (const text of [
      '462.64 %',
      '607.37 %',
      '56,263.52',
      'Open at the end',
      '7,075.64',
      '10,660.86',
      'c0ffee',
      '2,148 bars',
    ]) {
      expect(page).toContain(text);
    }
    for (const text of [
      'Warm-up, no decision',
      '19 bars',
      'Refused at ingestion',
      '2 rows',
      'stationary bootstrap',
      '100',
      'run 7',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('draws each chart for a desk and a phone', () => {
    expect(page.match(/<svg/g)).toHaveLength(8);
    expect(page.match(/class="wide"/g)).toHaveLength(4);
  });

  it('loads nothing and runs nothing', () => {
    expect(page).not.toMatch(/<script|<link|<img|url\(|@import/);
    const addresses = new Set(page.match(/https?:\/\/[^"\s]+/g));
    expect([...addresses].toSorted()).toEqual(['http://www.w3.org/1999/xlink', 'http://www.w3.org/2000/svg']);
  });

  it('is the same for the same run', async () => {
    const [one, two] = await Promise.all([reportHtml(inputOf()), reportHtml(inputOf())]);
    expect(one).toBe(two);
  });

  it('escapes what people and files say', async () => {
    const input = inputOf();
    const hostile = await reportHtml({
      ...input,
      data: { ...input.data, name: '"><script>alert(1)</script>' },
      confidence: '<b>no</b>',
    });
    expect(hostile).not.toContain('<script>');
    expect(hostile).not.toContain('<b>no');
    expect(hostile).toContain('&lt;script&gt;');
  });

  it.each<[string, Partial<BacktestRequest>]>([
    ['one bar', { bars: barsOf([flat]), strategy: { name: 'buy-and-hold' } }],
    ['no trade', { bars: barsOf(Array.from({ length: 40 }, () => flat)) }],
    ['ruin', { broker: { margin: 0.05, commission: 0.05 } }],
    ['hours', { bars: csvBars('EURUSD.csv') }],
    ['months', { bars: csvBars('BTCUSD.csv'), from: '2013-01-01' }],
  ])('stands for %s', async (_, request) => {
    expect(await reportHtml(inputOf(request))).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });
});

describe('what charts are made of', () => {
  it('keeps every spike of a long series', () => {
    const column = new Float64Array(10_000).fill(1);
    column[4321] = 9;
    column[8765] = -9;
    const kept = keptIndices([column], 300);
    expect(kept.length).toBeLessThan(700);
    expect(kept).toEqual(expect.arrayContaining([0, 4321, 8765, 9999]));
    expect(keptIndices([column.subarray(0, 5)], 300)).toEqual([0, 1, 2, 3, 4]);
  });

  it('months compound to the year', () => {
    const { tsMs, close } = goog;
    const found = monthReturns(tsMs, close);
    const grown = (months: typeof found) =>
      months.reduce((product, { percent: value }) => product * (1 + value / 100), 1);
    const of2010 = found.filter(({ year }) => year === 2010);
    expect(of2010).toHaveLength(13);
    expect(grown(of2010.filter(({ month }) => month <= 12))).toBeCloseTo(
      grown(of2010.filter(({ month }) => month === 13)),
      10,
    );
    expect(grown(found.filter(({ month }) => month === 13))).toBeCloseTo(806.19 / 100.34, 10);
  });

  it('numbers are written for people', () => {
    expect([
      money(-1234.5),
      money(-0.001),
      percent(-12.345),
      percent(1427744.03),
      price(1.07219),
      price(142284),
    ]).toEqual(['\u22121,234.50', '0.00', '\u221212.35 %', '1,427,744 %', '1.07219', '142,284']);
    expect(figure('sqn', null, 'too few').html).toBe('<small>none: too few</small>');
  });
});
