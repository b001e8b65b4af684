import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IngestError } from '#engines/ingest/errors.ts';
import { readParts } from '#engines/ingest/read.ts';
import type { BronzePart, IngestCursor } from '#engines/ingest/read.ts';
import { bytesSource } from '#engines/ingest/source.ts';
import type { ByteSource } from '#engines/ingest/source.ts';
import { csv, csvSource, fileSource, goodRows, readAll } from './support.ts';

/** Reads in legs of the given numbers of parts; every leg starts from the JSON of the cursor before it. */
const readInLegs = async (source: ByteSource, legs: number[], sizes: { rowsPerPart: number; chunkBytes: number }) => {
  const parts: BronzePart[] = [];
  let stored: string | undefined;
  for (let leg = 0; ; leg += 1) {
    const cursor = stored === undefined ? undefined : (JSON.parse(stored) as IngestCursor);
    if (cursor?.done) return parts;
    let left = legs[leg % legs.length] ?? 1;
    for await (const read of readParts({
      source,
      ...sizes,
      ...(cursor === undefined ? {} : { cursor }),
    })) {
      parts.push(read.part);
      stored = JSON.stringify(read.cursor);
      left -= 1;
      if (left === 0) break;
    }
  }
};

const dirtyLine = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...goodRows(8)) },
  fc.constantFrom(
    '',
    ' ',
    '\r',
    '"2001-01-01","1\n2",3,4,5,6',
    '"open',
    '2001-01-01,1',
    '1,2,3,4,5,6,7',
    '😀,é,"a""b",1,1,1',
  ),
  fc.string({ maxLength: 20 }),
);

describe('reading in parts', () => {
  it('gives the same parts however the file is cut into legs and range reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(dirtyLine, { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        fc.record({ rowsPerPart: fc.integer({ min: 1, max: 9 }), chunkBytes: fc.integer({ min: 1, max: 300 }) }),
        async (lines, legs, sizes) => {
          const source = csvSource(csv('2000-01-03,1,1,1,1,1', ...lines));
          const whole = await readAll(source, { rowsPerPart: sizes.rowsPerPart });
          expect(await readInLegs(source, legs, sizes)).toEqual(whole.parts);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('gives the same on a real file larger than a range read', async () => {
    const source = fileSource('EURUSD.csv');
    const whole = await readAll(source, { rowsPerPart: 700 });
    expect(whole.parts).toHaveLength(8);
    expect(await readInLegs(source, [3, 1], { rowsPerPart: 700, chunkBytes: 66_000 })).toEqual(whole.parts);
  });

  it('tiles the file: parts meet, cover all bytes and hold rows alone or together alike', async () => {
    const source = fileSource('GOOG.csv');
    const many = await readAll(source, { rowsPerPart: 100 });
    const one = await readAll(source);
    expect(many.parts.flatMap((part) => part.rows)).toEqual(one.parts.flatMap((part) => part.rows));
    expect(many.parts.map((part) => part.startByte)).toEqual([
      0,
      ...many.parts.slice(0, -1).map((part) => part.endByte),
    ]);
    expect(many.parts.at(-1)?.endByte).toBe(source.sizeBytes);
    expect(many.cursors.at(-1)).toMatchObject({ done: true, rows: 2148, nextPart: 22, nextLine: 2150 });
  });

  it('numbers lines as an editor does, through quoted line ends, blank lines and CRLF', async () => {
    const { parts } = await readAll(csvSource('\r\ndate,open,high,low,close\r\n"a\nb",1,1,1,1\r\n\r\nc,1,1,1,1\r\n'));
    expect(parts[0]?.rows.map((row) => row.line)).toEqual([3, 6]);
    expect(parts[0]?.blankLines).toBe(1);
  });

  it('keeps broken records with their text and the reason', async () => {
    const { parts } = await readAll(csvSource(csv('2000-01-03,1', '"x,1,1,1,1,1', ...goodRows(1))));
    expect(parts[0]?.rows.slice(0, 2)).toEqual([
      { line: 2, problem: 'FIELD_COUNT', raw: '2000-01-03,1' },
      { line: 3, problem: 'QUOTE_BROKEN', raw: '"x,1,1,1,1,1' },
    ]);
  });

  it('refuses a file of column names only, whether the line is closed or not', async () => {
    for (const text of ['date,open,high,low,close', 'date,open,high,low,close\n\n'])
      await expect(readAll(csvSource(text))).rejects.toMatchObject({ code: 'INGEST_EMPTY', message: /no rows/ });
  });

  it('gives nothing for a cursor that is done', async () => {
    const source = csvSource(csv(...goodRows()));
    const [cursor] = (await readAll(source)).cursors;
    expect((await readAll(source, { cursor: cursor as IngestCursor })).parts).toEqual([]);
  });

  it('refuses to go on in a file that has changed, and with a cursor that is none', async () => {
    const source = csvSource(csv(...goodRows()));
    const [cursor] = (await readAll(source, { rowsPerPart: 5 })).cursors as [IngestCursor];
    const changed = { ...csvSource(csv(...goodRows(21))) };
    await expect(readAll(changed, { cursor })).rejects.toMatchObject({ code: 'INGEST_SOURCE_CHANGED' });
    await expect(readAll({ ...source, version: 'b' }, { cursor })).rejects.toThrow(/version b/);
    const broken = { ...cursor, nextByte: -1 };
    await expect(readAll(source, { cursor: broken })).rejects.toMatchObject({ code: 'INGEST_CURSOR_INVALID' });
  });

  it('notices a source that gives fewer bytes than it promised', async () => {
    const source = { ...csvSource(csv(...goodRows())), sizeBytes: 10_000 };
    await expect(readAll(source)).rejects.toMatchObject({ code: 'INGEST_SOURCE_SHORT' });
  });

  it('stops at the signal, with its reason', async () => {
    const controller = new AbortController();
    const source = fileSource('EURUSD.csv');
    const reading = async (): Promise<number> => {
      let parts = 0;
      for await (const { part } of readParts({ source, rowsPerPart: 500, signal: controller.signal })) {
        parts += 1;
        if (part.part === 1) controller.abort(new Error('deadline'));
      }
      return parts;
    };
    await expect(reading()).rejects.toThrow('deadline');
  });

  it('throws nothing but its own error on any bytes whatever', async () => {
    const prefix = fc.constantFrom('', 'date,open,high,low,close\n', '\uFEFFdate;open;high;low;close\r\n"');
    await fc.assert(
      fc.asyncProperty(prefix, fc.uint8Array({ maxLength: 300 }), async (head, noise) => {
        const bytes = Uint8Array.from([...new TextEncoder().encode(head), ...noise]);
        const outcome = await readAll(bytesSource('noise', bytes), { rowsPerPart: 3 }).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(IngestError);
      }),
      { numRuns: 500 },
    );
  });
});
