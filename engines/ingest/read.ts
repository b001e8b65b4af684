// Reading a CSV file in parts, resumable at every part.
//
// Life cycle: readHeader, then readParts from a cursor; each part comes with the cursor to go on from. A leg stops by no
// longer asking; the next leg passes the last cursor it stored. A part is a pure function of the file's bytes and of
// rowsPerPart: how many legs there were, where they stopped and how large the range reads are leaves no trace.
// Parts tile the file (the first begins at byte 0, header included), and each has its own sha256, because the state of a
// running hash cannot be stored in a cursor. Memory: one part (at most MAX_PART_BYTES of file) and one range read;
// the bytes read beyond a part's end are read again by the next, so that a part needs nothing but its cursor.
import * as z from 'zod';
import { byteAt, fill, holdsRecord, openWindow, sha256OfPassed } from '#engines/ingest/byte-window.ts';
import type { ByteWindow } from '#engines/ingest/byte-window.ts';
import { scanRecord, splitFields } from '#engines/ingest/csv-records.ts';
import type { RecordProblem, ScannedRecord } from '#engines/ingest/csv-records.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { readHeader } from '#engines/ingest/header.ts';
import type { Header } from '#engines/ingest/header.ts';
import type { ByteSource } from '#engines/ingest/source.ts';

export const DEFAULT_ROWS_PER_PART = 50_000;
/** A part also ends here, so that wide rows do not make a part that memory cannot hold. */
const MAX_PART_BYTES = 16 * 1_048_576;

const count = z.int().nonnegative();

/** Where the next leg begins: JSON, some 150 bytes. */
export const cursorSchema = z.object({
  v: z.literal(1),
  sizeBytes: count,
  version: z.string().optional(),
  nextByte: count,
  nextLine: count,
  nextPart: count,
  rows: count,
  done: z.boolean(),
});
export type IngestCursor = z.infer<typeof cursorSchema>;

/** A record as it stands in the file: its fields, or its text and why it has none. */
export type BronzeRow =
  | { line: number; fields: readonly string[] }
  | { line: number; problem: RecordProblem; raw: string };

export interface BronzePart {
  part: number;
  startByte: number;
  endByte: number;
  rows: readonly BronzeRow[];
  blankLines: number;
  /** Of the file's bytes [startByte, endByte). */
  sha256: string;
}

export interface ReadOptions {
  source: ByteSource;
  header?: Header;
  /** From an earlier leg; absent: from the start. */
  cursor?: IngestCursor;
  rowsPerPart?: number;
  /** Size of a range read. Default 1 MiB. Leaves no trace in the result. */
  chunkBytes?: number;
  signal?: AbortSignal;
}

interface PartRead {
  part: BronzePart;
  /** To go on behind this part; `done` when it was the last. */
  cursor: IngestCursor;
}

/**
 * The parts of a file from a cursor on, in order; nothing if the cursor is done.
 * Throws IngestError (header errors, INGEST_EMPTY, INGEST_SOURCE_CHANGED, INGEST_CURSOR_INVALID) and the signal's reason.
 */
export async function* readParts(options: ReadOptions): AsyncGenerator<PartRead> {
  const { source, signal } = options;
  const header = options.header ?? (await readHeader(source, signal));
  let cursor = checkedCursor(options.cursor ?? startOf(source, header), source);
  while (!cursor.done) {
    const read = await readPart({ ...options, header, cursor });
    cursor = read.cursor;
    yield read;
  }
}

/** One part. Throws as readParts. */
const readPart = async (options: ReadOptions & { header: Header; cursor: IngestCursor }): Promise<PartRead> => {
  const { header, cursor, source } = options;
  // The first part takes the header's bytes along: parts tile the file.
  const startByte = cursor.nextPart === 0 ? 0 : cursor.nextByte;
  const window = openWindow(startByte, options);
  await fill(window);
  window.at = cursor.nextByte - startByte;
  const rowsPerPart = options.rowsPerPart ?? DEFAULT_ROWS_PER_PART;
  const state: PartState = { window, header, startByte, rowsPerPart, rows: [], blankLines: 0, line: cursor.nextLine };
  do await fill(window);
  while (takeRecords(state) === 'more');
  if (state.rows.length === 0) {
    throw new IngestError('INGEST_EMPTY', `${source.name} has column names but no rows: there is nothing to take in.`);
  }
  return { part: partOf(state, cursor), cursor: advance(cursor, state) };
};

interface PartState {
  window: ByteWindow;
  header: Header;
  startByte: number;
  rowsPerPart: number;
  rows: BronzeRow[];
  blankLines: number;
  /** Line number of the next record. */
  line: number;
}

/** Takes the records at hand; `more` when the part wants bytes that have not been read. */
const takeRecords = (state: PartState): 'more' | 'complete' => {
  const { window, header } = state;
  while (holdsRecord(window)) {
    const record = scanRecord(window.bytes, window.at, header.delimiter);
    const blank = record.text.trim() === '';
    if (!blank && isFull(state)) return 'complete';
    // Blank lines go with the part before them, so that a part always has a row.
    if (blank) state.blankLines += 1;
    else state.rows.push(bronzeRow(record, state.line, header));
    window.at = record.end;
    state.line += record.newlines;
  }
  return byteAt(window) < window.source.sizeBytes ? 'more' : 'complete';
};

const isFull = (state: PartState): boolean =>
  state.rows.length >= state.rowsPerPart || byteAt(state.window) - state.startByte >= MAX_PART_BYTES;

const bronzeRow = (record: ScannedRecord, line: number, header: Header): BronzeRow => {
  if (record.problem !== undefined) return { line, problem: record.problem, raw: record.text };
  const fields = splitFields(record, header.delimiter);
  return fields.length === header.columns.length
    ? { line, fields }
    : { line, problem: 'FIELD_COUNT', raw: record.text };
};

const partOf = (state: PartState, cursor: IngestCursor): BronzePart => ({
  part: cursor.nextPart,
  startByte: state.startByte,
  endByte: byteAt(state.window),
  rows: state.rows,
  blankLines: state.blankLines,
  sha256: sha256OfPassed(state.window),
});

const startOf = (source: ByteSource, header: Header): IngestCursor => ({
  v: 1,
  sizeBytes: source.sizeBytes,
  ...(source.version === undefined ? {} : { version: source.version }),
  nextByte: header.dataStartByte,
  nextLine: header.dataStartLine,
  nextPart: 0,
  rows: 0,
  done: false,
});

const advance = (cursor: IngestCursor, state: PartState): IngestCursor => {
  const nextByte = byteAt(state.window);
  return {
    ...cursor,
    nextByte,
    nextLine: state.line,
    nextPart: cursor.nextPart + 1,
    rows: cursor.rows + state.rows.length,
    done: nextByte === cursor.sizeBytes,
  };
};

const checkedCursor = (candidate: IngestCursor, source: ByteSource): IngestCursor => {
  const parsed = cursorSchema.safeParse(candidate);
  if (!parsed.success || candidate.nextByte > candidate.sizeBytes) {
    const text = JSON.stringify(candidate)?.slice(0, 200);
    throw new IngestError('INGEST_CURSOR_INVALID', `No cursor of this reader: ${text}. Start without one.`);
  }
  const cursor = parsed.data;
  if (cursor.sizeBytes === source.sizeBytes && cursor.version === source.version) return cursor;
  throw new IngestError(
    'INGEST_SOURCE_CHANGED',
    `${source.name} changed between two legs (${cursor.sizeBytes} bytes, version ${cursor.version ?? 'unknown'}; now ` +
      `${source.sizeBytes} bytes, version ${source.version ?? 'unknown'}): start again without a cursor.`,
  );
};
