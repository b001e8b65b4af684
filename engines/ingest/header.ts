// The first line of an OHLCV file: which column is which.
import * as z from 'zod';
import { MAX_RECORD_BYTES, scanRecord, splitFields } from '#engines/ingest/csv-records.ts';
import type { ScannedRecord } from '#engines/ingest/csv-records.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { readExactly } from '#engines/ingest/source.ts';
import type { ByteSource } from '#engines/ingest/source.ts';

const index = z.int().nonnegative();

export const headerSchema = z.object({
  delimiter: z.string().length(1),
  /** As in the file, trimmed. */
  columns: z.array(z.string()),
  /** The same, made unique and non-empty, for Parquet. */
  bronzeColumns: z.array(z.string()),
  dataStartByte: index,
  dataStartLine: index,
  roles: z.object({
    date: index,
    /** Set when the file has a date and a time of day in two columns. */
    time: index.optional(),
    open: index,
    high: index,
    low: index,
    close: index,
    volume: index.optional(),
    adjClose: index.optional(),
    /** A symbol or ticker, if any: only to refuse a file of several instruments. */
    instrument: index.optional(),
  }),
  /** Columns without a role: kept in bronze, not in silver. */
  extraColumns: z.array(z.string()),
  notes: z.array(z.string()),
});
export type Header = z.infer<typeof headerSchema>;
type Roles = Header['roles'];

const DELIMITERS = [',', ';', '\t', '|'];

const ALIASES = {
  date: ['datetime', 'timestamp', 'date', 'time'],
  open: ['open'],
  high: ['high'],
  low: ['low'],
  close: ['close'],
  volume: ['volume', 'vol'],
  adjClose: ['adjclose', 'adjustedclose'],
  instrument: ['symbol', 'ticker', 'instrument', 'isin'],
} as const;
type Role = keyof typeof ALIASES;

/** Reads and understands the first line of a source. Throws as inspectHeader. */
export const readHeader = async (source: ByteSource, signal?: AbortSignal): Promise<Header> => {
  const endByte = Math.min(source.sizeBytes, MAX_RECORD_BYTES + 1);
  return inspectHeader(await readExactly(source, { startByte: 0, endByte }, signal));
};

/**
 * Understands the beginning of a file: its first MAX_RECORD_BYTES + 1 bytes, or all of it.
 * Throws INGEST_EMPTY, INGEST_NOT_TEXT, INGEST_HEADER_UNREADABLE, INGEST_COLUMN_MISSING, INGEST_COLUMN_AMBIGUOUS.
 */
export const inspectHeader = (bytes: Uint8Array): Header => {
  refuseNonText(bytes);
  const line = firstLine(bytes);
  const delimiter = delimiterOf(line.text);
  const columns = splitFields(scanRecord(bytes, line.start, delimiter), delimiter).map((name) => name.trim());
  const names = columns.map((name) => name.toLowerCase().replaceAll(/[\s_.-]+/g, ''));
  const { roles, notes } = rolesOf(columns, names);
  const used = new Set(Object.values(roles));
  return {
    delimiter,
    columns,
    bronzeColumns: uniqueNames(columns),
    dataStartByte: line.end,
    dataStartLine: line.nextLine,
    roles,
    extraColumns: columns.filter((_, position) => !used.has(position)),
    notes,
  };
};

const refuseNonText = (bytes: Uint8Array): void => {
  if (bytes.length === 0) {
    throw new IngestError('INGEST_EMPTY', 'The file is empty: it needs a line of column names and at least one row.');
  }
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!gzip && !bytes.subarray(0, 4096).includes(0)) return;
  const what = gzip ? 'gzip data' : 'NUL bytes (a binary file, or UTF-16 text)';
  throw new IngestError('INGEST_NOT_TEXT', `The file starts with ${what}: give plain CSV in UTF-8.`);
};

interface FirstLine {
  start: number;
  end: number;
  nextLine: number;
  text: string;
}

const firstLine = (bytes: Uint8Array): FirstLine => {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let lineNumber = 1;
  while (start < bytes.length) {
    const record = scanRecord(bytes, start, ',');
    refuseUnreadable(record, lineNumber, record.end > MAX_RECORD_BYTES);
    const nextLine = lineNumber + record.newlines;
    if (record.text.trim() !== '') return { start, end: record.end, nextLine, text: record.text };
    start = record.end;
    lineNumber = nextLine;
  }
  throw new IngestError('INGEST_EMPTY', 'The file holds blank lines only: it needs a line of column names and rows.');
};

const refuseUnreadable = (record: ScannedRecord, lineNumber: number, tooLong: boolean): void => {
  if (record.problem === undefined && !tooLong) return;
  const why = record.problem === 'QUOTE_BROKEN' ? 'its quotes do not pair' : `it goes beyond ${MAX_RECORD_BYTES} bytes`;
  throw new IngestError(
    'INGEST_HEADER_UNREADABLE',
    `Line ${lineNumber} should hold the column names, but ${why}: it begins "${record.text.slice(0, 80)}". Is this a CSV file?`,
  );
};

/** The separator that occurs most often in the line of names; a comma when none does. */
const delimiterOf = (text: string): string => {
  const counts = DELIMITERS.map((delimiter) => ({ delimiter, count: text.split(delimiter).length }));
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).delimiter;
};

const rolesOf = (columns: string[], names: string[]): { roles: Roles; notes: string[] } => {
  const find = (role: Role): number | undefined => findColumn({ role, columns, names });
  const notes: string[] = [];
  const found = {
    date: find('date') ?? unnamedDate(names, notes),
    open: find('open'),
    high: find('high'),
    low: find('low'),
    close: find('close'),
  };
  refuseMissing(found, columns);
  const optional = {
    time: timeOfDay(names),
    volume: find('volume'),
    adjClose: find('adjClose'),
    instrument: find('instrument'),
  };
  if (optional.time !== undefined) notes.push('Date and time of day are in two columns and were joined.');
  if (optional.volume === undefined) notes.push('The file has no volume column: volume is null in every row.');
  const present = Object.fromEntries(Object.entries({ ...found, ...optional }).filter(([, at]) => at !== undefined));
  return { roles: headerSchema.shape.roles.parse(present), notes };
};

const unnamedDate = (names: string[], notes: string[]): number | undefined => {
  if (names[0] !== '') return undefined;
  notes.push('No column is named date: the first column, which has no name, was taken as the date.');
  return 0;
};

// MetaTrader and others write <date>,<time>,...; a "time" beside a "datetime" is left alone.
const timeOfDay = (names: string[]): number | undefined => {
  const both = names.includes('date') && names.includes('time');
  return both && !names.includes('datetime') && !names.includes('timestamp') ? names.indexOf('time') : undefined;
};

const findColumn = (query: { role: Role; columns: string[]; names: string[] }): number | undefined => {
  const { role, columns, names } = query;
  const alias = ALIASES[role].find((each) => names.includes(each));
  if (alias === undefined) return undefined;
  const first = names.indexOf(alias);
  const second = names.indexOf(alias, first + 1);
  if (second === -1) return first;
  throw new IngestError(
    'INGEST_COLUMN_AMBIGUOUS',
    `Columns ${first + 1} ("${columns[first]}") and ${second + 1} ("${columns[second]}") both mean ${role}: rename or remove one.`,
  );
};

const refuseMissing = (found: Record<string, number | undefined>, columns: string[]): void => {
  const missing = Object.keys(found).filter((role) => found[role] === undefined);
  if (missing.length === 0) return;
  const listed = columns.slice(0, 20).map((name) => `"${name.slice(0, 40)}"`);
  throw new IngestError(
    'INGEST_COLUMN_MISSING',
    `Missing column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}; found ${listed.join(', ')}. ` +
      'The first line must name date (or datetime, timestamp, time), open, high, low and close, in any case and order.',
  );
};

// `_line`, `_problem` and `_raw` are bronze's own columns.
const uniqueNames = (columns: string[]): string[] => {
  const taken = new Set(['_line', '_problem', '_raw']);
  return columns.map((column, position) => {
    const base = column === '' ? `column_${position + 1}` : column;
    let name = base;
    for (let copy = 2; taken.has(name); copy += 1) name = `${base}_${copy}`;
    taken.add(name);
    return name;
  });
};
