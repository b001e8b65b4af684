// Where bytes come from: a port, so that a file, an S3 object by range reads, or a buffer serve alike.
import { IngestError } from '#engines/ingest/errors.ts';

export interface ByteSource {
  /** Said in messages and in the manifest: a file name or a key. */
  name: string;
  sizeBytes: number;
  /** ETag, sha256 or modification time; when given, a leg refuses to go on in a file that has changed. */
  version?: string;
  /** The bytes [startByte, endByte); all of them, never fewer. */
  readRange: (startByte: number, endByte: number, signal?: AbortSignal) => Promise<Uint8Array>;
}

/** A source over bytes that are already in memory. */
export const bytesSource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  sizeBytes: bytes.length,
  readRange: (startByte, endByte) => Promise.resolve(bytes.subarray(startByte, endByte)),
});

/** Reads a range and insists on its length. Throws INGEST_SOURCE_SHORT, and what the port throws. */
export const readExactly = async (
  source: ByteSource,
  range: { startByte: number; endByte: number },
  signal?: AbortSignal,
): Promise<Uint8Array> => {
  signal?.throwIfAborted();
  const bytes = await source.readRange(range.startByte, range.endByte, signal);
  signal?.throwIfAborted();
  if (bytes.length === range.endByte - range.startByte) return bytes;
  throw new IngestError(
    'INGEST_SOURCE_SHORT',
    `${source.name} gave ${bytes.length} bytes for the range ${range.startByte} to ${range.endByte}: it changed while being read; start again.`,
  );
};
