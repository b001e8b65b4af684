import { createHash } from 'node:crypto';
import { Failure } from '#core/errors.ts';
import type { Artefacts } from '#core/ports.ts';

/** A bucket in a map. */
export function memoryArtefacts(): Artefacts & { readonly objects: ReadonlyMap<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>();
  const read = async (key: string): Promise<Uint8Array> => {
    const bytes = objects.get(key);
    if (bytes) return bytes.slice();
    throw new Failure('INPUT_INVALID', `there is no object ${key} in the bucket: upload it first, or correct the key`);
  };
  return {
    bucket: 'memory',
    objects,
    read,
    readRange: async (key, startByte, endByte) =>
      endByte <= startByte ? new Uint8Array() : (await read(key)).slice(startByte, endByte),
    async stat(key) {
      const bytes = objects.get(key);
      return bytes && { sizeBytes: bytes.length, version: createHash('md5').update(bytes).digest('hex') };
    },
    async put(key, bytes) {
      objects.set(key, bytes.slice());
    },
    async list(prefix, limit) {
      const found = [...objects].filter(([key]) => key.startsWith(prefix));
      return found
        .map(([key, bytes]) => ({ key, sizeBytes: bytes.length }))
        .toSorted((one, other) => (one.key < other.key ? -1 : 1))
        .slice(0, limit);
    },
  };
}
