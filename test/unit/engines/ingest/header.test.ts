import { describe, expect, it } from 'vitest';
import { inspectHeader } from '#engines/ingest/header.ts';
import { silverOf, csvSource } from './support.ts';

const inspect = (text: string) => inspectHeader(new TextEncoder().encode(text));

describe('the header of a price file', () => {
  it('finds columns by name, in any case, order and spacing', () => {
    const header = inspect(' CLOSE , Adj Close,Volume,low,High,"open",TimeStamp\r\n');
    expect(header.roles).toEqual({ close: 0, adjClose: 1, volume: 2, low: 3, high: 4, open: 5, date: 6 });
    expect(header).toMatchObject({ delimiter: ',', dataStartLine: 2, extraColumns: [], notes: [] });
  });

  it('strips a byte order mark and skips blank lines before the names', () => {
    const header = inspect('\uFEFF\n\r\ndate,open,high,low,close\n2000-01-03,1,1,1,1\n');
    expect(header.columns[0]).toBe('date');
    expect(header.dataStartLine).toBe(4);
    expect(header.notes).toEqual([expect.stringContaining('no volume column')]);
  });

  it.each([';', '\t', '|'])('takes %j as the separator when the names are split by it', (delimiter) => {
    const header = inspect(['date', 'open', 'high', 'low', 'close'].join(delimiter));
    expect(header).toMatchObject({ delimiter, roles: { close: 4 } });
  });

  it('takes a first column without a name as the date, and says so', () => {
    const header = inspect(',Open,High,Low,Close,Volume\n');
    expect(header.roles.date).toBe(0);
    expect(header.notes).toEqual([expect.stringContaining('first column, which has no name')]);
  });

  it('lists the columns it has no use for and gives each a name of its own in bronze', () => {
    const header = inspect('date,open,high,low,close,volume,note,note,,_line\n');
    expect(header.extraColumns).toEqual(['note', 'note', '', '_line']);
    expect(header.bronzeColumns.slice(6)).toEqual(['note', 'note_2', 'column_9', '_line_2']);
  });

  it('joins a date and a time of day in two columns', async () => {
    const silver = await silverOf(
      csvSource('Date,Time,Open,High,Low,Close,Vol\n2001-01-02,09:30,1,1,1,1,1\n2001-01-02,09:31,1,1,1,1,1\n'),
    );
    expect(silver.report).toMatchObject({ first: '2001-01-02T09:30:00.000Z', interval: 'PT1M' });
  });
});

describe('a file that is no price file', () => {
  it.each([
    ['an empty file', '', 'INGEST_EMPTY', /is empty/],
    ['blank lines', '\n \r\n', 'INGEST_EMPTY', /blank lines only/],
    ['a missing column', 'Date,Open,High,Close\n', 'INGEST_COLUMN_MISSING', /Missing column low; found "Date", "Open"/],
    [
      'several missing',
      'a,b\n',
      'INGEST_COLUMN_MISSING',
      /Missing columns date, open, high, low, close; found "a", "b"/,
    ],
    [
      'two columns of one meaning',
      'date,open,high,low,close,Close\n',
      'INGEST_COLUMN_AMBIGUOUS',
      /Columns 5 .* and 6 /,
    ],
    ['NUL bytes', 'd\u0000a\u0000', 'INGEST_NOT_TEXT', /UTF-16/],
    ['broken quotes', '"date,open\n', 'INGEST_HEADER_UNREADABLE', /Line 1 .* quotes do not pair/],
    ['an endless line', 'x'.repeat(70_000), 'INGEST_HEADER_UNREADABLE', /beyond 65536 bytes/],
  ])('%s is refused with a readable reason', (...[, text, code, message]) => {
    expect(() => inspect(text)).toThrow(expect.objectContaining({ code, retryable: false }));
    expect(() => inspect(text)).toThrow(message);
  });

  it('names gzip data by its first bytes', () => {
    expect(() => inspectHeader(Uint8Array.of(0x1f, 0x8b, 8))).toThrow(/gzip data/);
  });
});
