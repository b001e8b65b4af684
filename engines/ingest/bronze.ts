// A part of the file as it was: text, line numbers, and the records that have no fields. Written by one leg, read by
// the conversion, perhaps in another: the footer carries all that the reader needs.
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { AsyncBuffer } from 'hyparquet';
import * as z from 'zod';
import { RECORD_PROBLEMS } from '#engines/ingest/csv-records.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { headerSchema } from '#engines/ingest/header.ts';
import type { Header } from '#engines/ingest/header.ts';
import type { ParquetColumn, ParquetTable } from '#engines/ingest/parquet.ts';
import type { BronzePart, BronzeRow } from '#engines/ingest/read.ts';

const METADATA_KEY = 'alphaswarm.bronze';

const count = z.int().nonnegative();
const footerSchema = z.object({
  v: z.literal(1),
  header: headerSchema,
  part: count,
  startByte: count,
  endByte: count,
  blankLines: count,
  sha256: z.string(),
});

const rowSchema = z.object({
  _line: count,
  _problem: z.enum(RECORD_PROBLEMS).nullish(),
  _raw: z.string().nullish(),
});

/** One column a CSV column (text, null in broken records), then `_line`, `_problem` and `_raw`. */
export const bronzeTable = (header: Header, part: BronzePart): ParquetTable => {
  const { rows, ...facts } = part;
  const text = (name: string, valueOf: (row: BronzeRow) => string | null): ParquetColumn => ({
    name,
    type: 'STRING',
    nullable: true,
    values: (start, end) => rows.slice(start, end).map(valueOf),
  });
  return {
    rows: rows.length,
    columns: [
      ...header.bronzeColumns.map((name, at) =>
        text(name, (row) => ('fields' in row ? (row.fields[at] ?? null) : null)),
      ),
      lineColumn((start, end) => rows.slice(start, end).map((row) => row.line)),
      text('_problem', (row) => ('fields' in row ? null : row.problem)),
      text('_raw', (row) => ('fields' in row ? null : row.raw)),
    ],
    metadata: { [METADATA_KEY]: JSON.stringify({ v: 1, header, ...facts }) },
  };
};

const lineColumn = (values: (start: number, end: number) => number[]): ParquetColumn => ({
  name: '_line',
  type: 'INT32',
  nullable: false,
  values,
});

/** A bronze part back from its Parquet bytes. Throws INGEST_BRONZE_INVALID. */
export const readBronze = async (bytes: Uint8Array): Promise<{ header: Header; part: BronzePart }> => {
  try {
    const file = asyncBuffer(bytes);
    const metadata = await parquetMetadataAsync(file);
    const entry = metadata.key_value_metadata?.find(({ key }) => key === METADATA_KEY);
    const { header, v: _, ...facts } = footerSchema.parse(JSON.parse(entry?.value ?? 'null'));
    const objects: unknown[] = await parquetReadObjects({ file, metadata });
    return { header, part: { ...facts, rows: objects.map((row) => bronzeRow(row, header)) } };
  } catch (cause) {
    const message =
      'A bronze part cannot be read back: it is no Parquet of this plane, or damaged. Ingest the file again.';
    throw new IngestError('INGEST_BRONZE_INVALID', message, { cause });
  }
};

const bronzeRow = (object: unknown, header: Header): BronzeRow => {
  const { _line: line, _problem: problem, _raw: raw } = rowSchema.parse(object);
  if (problem !== null && problem !== undefined) return { line, problem, raw: raw ?? '' };
  const fields = object as Record<string, string>;
  return { line, fields: header.bronzeColumns.map((name) => fields[name] ?? '') };
};

/** Bytes in memory as hyparquet reads them. */
export const asyncBuffer = (bytes: Uint8Array): AsyncBuffer => ({
  byteLength: bytes.length,
  slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer,
});
