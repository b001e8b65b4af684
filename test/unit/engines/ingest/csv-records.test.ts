import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RECORD_BYTES, joinFields, scanRecord, splitFields } from '#engines/ingest/csv-records.ts';

const scanAll = (text: string, delimiter = ',') => {
  const bytes = new TextEncoder().encode(text);
  const records = [];
  for (let at = 0; at < bytes.length;) {
    const record = scanRecord(bytes, at, delimiter);
    records.push({ ...record, fields: splitFields(record, delimiter) });
    at = record.end;
  }
  return records;
};

const field = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é', '😀'), maxLength: 8 }),
);

describe('records', () => {
  it('equal those of an independent parser on every well-formed file', () => {
    const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, lineEnd, closed) => {
        const text = rows.map((row) => joinFields(row, ',')).join(lineEnd) + (closed ? lineEnd : '');
        const theirs: string[][] = parse(text, {
          relax_column_count: true,
          relax_quotes: true,
          record_delimiter: lineEnd,
        });
        expect(scanAll(text).map((record) => record.fields)).toEqual(theirs);
      }),
      { examples: [[[['', '']], '\n', false]] },
    );
  });

  it('tile any bytes whatever, each ending behind a line end, at the limit or at the end', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.constantFrom(34, 44, 10, 13, 65), { maxLength: 60 }),
        (noise, marks) => {
          const bytes = Uint8Array.from([...noise, ...marks]);
          let at = 0;
          while (at < bytes.length) {
            const record = scanRecord(bytes, at, ',');
            expect(record.end).toBeGreaterThan(at);
            expect(record.end === bytes.length || bytes[record.end - 1] === 10).toBe(true);
            splitFields(record, ',');
            at = record.end;
          }
          expect(at).toBe(bytes.length);
        },
      ),
    );
  });

  it('keep line ends, separators and doubled quotes inside quotes', () => {
    const [record] = scanAll('"a\nb","c,""d""",e\r\n');
    expect(record).toMatchObject({ fields: ['a\nb', 'c,"d"', 'e'], newlines: 2 });
  });

  it('take a quote inside a bare field as text', () => {
    expect(scanAll('5" pipe,x"y"\n')[0]?.fields).toEqual(['5" pipe', 'x"y"']);
  });

  it.each(['"a,b\nc,d\n', '"a"x,b\nc,d\n', 'a,"b\nc,d\n', '"a""\nc,d\n'])(
    'lose one line, and no more, to the broken quotes of %j',
    (text) => {
      const records = scanAll(text);
      expect(records.map((record) => record.problem)).toEqual(['QUOTE_BROKEN', undefined]);
      expect(records[1]?.fields).toEqual(['c', 'd']);
    },
  );

  it('cut a line beyond the limit and a quote that never closes', () => {
    const long = scanAll(`${'x'.repeat(MAX_RECORD_BYTES + 5)}\na,b\n`);
    expect(long.map((record) => [record.problem, record.text.length])).toEqual([
      ['RECORD_TOO_LONG', MAX_RECORD_BYTES],
      [undefined, 5],
      [undefined, 3],
    ]);
    const open = scanAll(`"${'x\n'.repeat(MAX_RECORD_BYTES)}`);
    expect(open[0]).toMatchObject({ problem: 'QUOTE_BROKEN', text: '"x' });
    expect(open).toHaveLength(MAX_RECORD_BYTES);
  });

  it('survive text that is no UTF-8', () => {
    const bytes = Uint8Array.of(0xff, 0x2c, 0xc3, 0x22, 0x0a);
    expect(splitFields(scanRecord(bytes, 0, ','), ',')).toEqual(['\uFFFD', '\uFFFD"']);
  });
});
