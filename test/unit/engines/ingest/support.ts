// Whole ingestions in a line, for tests.
import { readFileSync } from 'node:fs';
import { parquetReadObjects } from 'hyparquet';
import { asyncBuffer } from '#engines/ingest/bronze.ts';
import { readHeader } from '#engines/ingest/header.ts';
import type { Header } from '#engines/ingest/header.ts';
import { readParts } from '#engines/ingest/read.ts';
import type { BronzePart, IngestCursor, ReadOptions } from '#engines/ingest/read.ts';
import { toSilver } from '#engines/ingest/silver.ts';
import type { Silver, SilverOptions } from '#engines/ingest/silver.ts';
import { bytesSource } from '#engines/ingest/source.ts';
import type { ByteSource } from '#engines/ingest/source.ts';

export const csvSource = (text: string): ByteSource => bytesSource('test.csv', new TextEncoder().encode(text));

export const fileSource = (name: string): ByteSource =>
  bytesSource(name, readFileSync(new URL(`../../../data/${name}`, import.meta.url)));

export const sp500Source = (): ByteSource =>
  bytesSource(
    'sp500-2000.csv',
    readFileSync(new URL('../../../../node_modules/vega-datasets/data/sp500-2000.csv', import.meta.url)),
  );

export interface Bronze {
  header: Header;
  parts: BronzePart[];
  cursors: IngestCursor[];
}

export const readAll = async (source: ByteSource, options: Omit<ReadOptions, 'source'> = {}): Promise<Bronze> => {
  const bronze: Bronze = { header: await readHeader(source), parts: [], cursors: [] };
  for await (const { part, cursor } of readParts({ source, ...options })) {
    bronze.parts.push(part);
    bronze.cursors.push(cursor);
  }
  return bronze;
};

type Options = Omit<SilverOptions, 'header' | 'parts'>;

export const silverOf = async (source: ByteSource, options: Options = {}): Promise<Silver> => {
  const { header, parts } = await readAll(source);
  return toSilver({ header, parts: () => parts, ...options });
};

const HEADER = 'Date,Open,High,Low,Close,Volume';

/** A CSV of rows below the usual header. */
export const csv = (...rows: string[]): string => [HEADER, ...rows, ''].join('\n');

/** Good daily rows, so that a few bad ones stay a minority. */
export const goodRows = (count = 20): string[] =>
  Array.from({ length: count }, (_, at) => `${isoDay(at)},10,12,9,11,${1000 + at}`);

const isoDay = (at: number): string => new Date(Date.UTC(2001, 0, 2 + at)).toISOString().slice(0, 10);

export const readTable = async (bytes: Uint8Array): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: asyncBuffer(bytes) });
