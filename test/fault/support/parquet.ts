import { parquetMetadataAsync } from 'hyparquet';

/** Rows of a Parquet file, counted by a reader that had no part in writing it. Throws for what is no whole Parquet file. */
export async function parquetRows(bytes: Uint8Array): Promise<number> {
  const copy = new Uint8Array(bytes);
  const slice = (start: number, end?: number): ArrayBuffer => copy.slice(start, end).buffer;
  return Number((await parquetMetadataAsync({ byteLength: copy.length, slice })).num_rows);
}
