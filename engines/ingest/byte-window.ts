// The bytes of a source that are at hand: refilled by range reads, hashed as they are left behind.
import { createHash } from 'node:crypto';
import { MAX_RECORD_BYTES } from '#engines/ingest/csv-records.ts';
import { readExactly } from '#engines/ingest/source.ts';
import type { ByteSource } from '#engines/ingest/source.ts';

const DEFAULT_CHUNK_BYTES = 1_048_576;

export interface ByteWindow {
  source: ByteSource;
  chunkBytes: number;
  signal: AbortSignal | undefined;
  bytes: Uint8Array;
  /** Offset in the file of bytes[0]. */
  offsetByte: number;
  /** Index of the next record in bytes. */
  at: number;
  /** Index up to which bytes went into the hash. */
  hashedTo: number;
  hash: ReturnType<typeof createHash>;
}

/** A window at a byte of the source; nothing is read yet. */
export const openWindow = (
  startByte: number,
  options: { source: ByteSource; chunkBytes?: number; signal?: AbortSignal },
): ByteWindow => ({
  source: options.source,
  chunkBytes: options.chunkBytes ?? DEFAULT_CHUNK_BYTES,
  signal: options.signal,
  bytes: new Uint8Array(0),
  offsetByte: startByte,
  at: 0,
  hashedTo: 0,
  hash: createHash('sha256'),
});

/** Offset in the file of the next record. */
export const byteAt = (window: ByteWindow): number => window.offsetByte + window.at;

/** Whether a whole record is at hand for certain: more than the longest, or all that is left. */
export const holdsRecord = (window: ByteWindow): boolean => {
  const restBytes = window.bytes.length - window.at;
  return restBytes > MAX_RECORD_BYTES || (restBytes > 0 && reachesEnd(window));
};

/** Reads on until a whole record, or the end of the file, is at hand. */
export const fill = async (window: ByteWindow): Promise<void> => {
  while (window.bytes.length - window.at <= MAX_RECORD_BYTES && !reachesEnd(window)) await readOn(window);
};

/** sha256 in hex of everything passed since the window was opened. */
export const sha256OfPassed = (window: ByteWindow): string => {
  hashPassed(window);
  return window.hash.digest('hex');
};

const reachesEnd = (window: ByteWindow): boolean => window.offsetByte + window.bytes.length >= window.source.sizeBytes;

const hashPassed = (window: ByteWindow): void => {
  window.hash.update(window.bytes.subarray(window.hashedTo, window.at));
  window.hashedTo = window.at;
};

const readOn = async (window: ByteWindow): Promise<void> => {
  const startByte = window.offsetByte + window.bytes.length;
  const endByte = Math.min(window.source.sizeBytes, startByte + window.chunkBytes);
  const fresh = await readExactly(window.source, { startByte, endByte }, window.signal);
  hashPassed(window);
  const kept = window.bytes.subarray(window.at);
  const joined = new Uint8Array(kept.length + fresh.length);
  joined.set(kept);
  joined.set(fresh, kept.length);
  Object.assign(window, { bytes: joined, offsetByte: byteAt(window), at: 0, hashedTo: 0 });
};
