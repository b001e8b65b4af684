// Tables to Parquet bytes, by hyparquet-writer: no native code, small enough for a Lambda bundle.
// The same table gives the same bytes: one thread, a fixed row group size, no time stamp in the footer.
import type { DecodedArray, SchemaElement } from 'hyparquet';
// Not from 'hyparquet-writer' itself: its Node entry pulls in the file system, which engines do not touch.
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { ParquetWriter } from 'hyparquet-writer/src/parquet-writer.js';
import { breathe } from '#engines/ingest/collect.ts';

export interface ParquetColumn {
  name: string;
  /** TIMESTAMP: milliseconds since 1970 UTC, as numbers. */
  type: 'INT32' | 'DOUBLE' | 'STRING' | 'TIMESTAMP';
  nullable: boolean;
  /** The values of rows [start, end); null only where nullable. Asked for once a row group, so that few are alive. */
  values: (start: number, end: number) => DecodedArray;
}

export interface ParquetTable {
  rows: number;
  columns: readonly ParquetColumn[];
  /** Key-value metadata of the footer. */
  metadata?: Readonly<Record<string, string>>;
}

/** The port: another writer (DuckDB in executors) takes the same tables. */
type WriteParquet = (table: ParquetTable, signal?: AbortSignal) => Promise<Uint8Array>;

// Large enough to compress well, small enough that a reader of a few columns skips most of a file.
const ROW_GROUP_ROWS = 50_000;

/** Snappy, row groups of 50,000 rows, statistics a column. Throws the signal's reason. */
export const writeParquet: WriteParquet = async (table, signal) => {
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(table),
    codec: 'SNAPPY',
    createdBy: 'alphaswarm',
    kvMetadata: Object.entries(table.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
  for (let start = 0; start < table.rows; start += ROW_GROUP_ROWS) {
    const end = Math.min(table.rows, start + ROW_GROUP_ROWS);
    const columnData = table.columns.map(({ name, values }) => ({ name, data: values(start, end) }));
    await writer.write({ columnData, rowGroupSize: ROW_GROUP_ROWS });
    await breathe(signal);
  }
  await writer.finish();
  return bytes.getBytes();
};

const schemaOf = (table: ParquetTable): SchemaElement[] => [
  { name: 'root', num_children: table.columns.length },
  ...table.columns.map(elementOf),
];

const elementOf = (column: ParquetColumn): SchemaElement => ({
  name: column.name,
  repetition_type: column.nullable ? 'OPTIONAL' : 'REQUIRED',
  ...PHYSICAL[column.type],
});

const PHYSICAL: Record<ParquetColumn['type'], Omit<SchemaElement, 'name'>> = {
  INT32: { type: 'INT32' },
  DOUBLE: { type: 'DOUBLE' },
  STRING: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  TIMESTAMP: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
};
