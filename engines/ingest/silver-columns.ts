// Silver back from its Parquet, or straight from a small CSV, as the columns that a calculation wants.
import { parquetReadObjects } from 'hyparquet';
import * as z from 'zod';
import { asyncBuffer } from '#engines/ingest/bronze.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { readHeader } from '#engines/ingest/header.ts';
import { DEFAULT_ROWS_PER_PART, readParts, type BronzePart } from '#engines/ingest/read.ts';
import { toSilver } from '#engines/ingest/silver.ts';
import { bytesSource } from '#engines/ingest/source.ts';

/** Parallel columns, oldest first; times in milliseconds since 1970 UTC; volume NaN where the source has none. */
export interface SilverColumns {
  tsMs: Float64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
  /** Rows that did not become silver, where that is known. */
  quarantined: number;
}

const rowSchema = z.object({
  ts: z.date(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number().nullish(),
});

/** Throws INGEST_BRONZE_INVALID for what is not a silver Parquet of this plane. */
export async function readSilver(name: string, bytes: Uint8Array): Promise<SilverColumns> {
  const rows = await parquetReadObjects({ file: asyncBuffer(bytes) })
    .then((objects) => objects.map((row) => rowSchema.parse(row)))
    .catch((cause: unknown) => {
      const message = `${name} is not OHLCV Parquet with the columns ts, open, high, low, close, volume: ingest the file first.`;
      throw new IngestError('INGEST_BRONZE_INVALID', message, { cause });
    });
  const column = (valueOf: (row: z.infer<typeof rowSchema>) => number) => Float64Array.from(rows, valueOf);
  return {
    tsMs: column((row) => row.ts.getTime()),
    open: column((row) => row.open),
    high: column((row) => row.high),
    low: column((row) => row.low),
    close: column((row) => row.close),
    volume: column((row) => row.volume ?? Number.NaN),
    quarantined: 0,
  };
}

/** The silver that ingesting this CSV would give. Throws what ingesting it would throw. */
export async function silverOfCsv(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<SilverColumns> {
  const source = bytesSource(name, bytes);
  const header = await readHeader(source, signal);
  const parts: BronzePart[] = [];
  const reading = { source, header, rowsPerPart: DEFAULT_ROWS_PER_PART, ...(signal ? { signal } : {}) };
  for await (const { part } of readParts(reading)) parts.push(part);
  const silver = await toSilver({
    header,
    parts: async function* () {
      yield* parts;
    },
    ...(signal ? { signal } : {}),
  });
  const { tsMs, open, high, low, close, volume } = silver.series;
  return { tsMs, open, high, low, close, volume, quarantined: silver.report.rowsQuarantined };
}
