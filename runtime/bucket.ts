import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { Artefacts } from '#core/ports.ts';
import { once } from './once.ts';

/**
 * The bucket, with its client loaded by the first call: S3's is the largest of all clients, and most of what a door or a
 * relay does needs none. `close` ends the client where there is one.
 */
export function lazyArtefacts(config: S3ClientConfig, bucket: string): Artefacts & { readonly close: () => void } {
  let close = () => {};
  const loaded = once(async () => {
    const opened = (await import('./artefacts.ts')).openBucket(config, bucket);
    ({ close } = opened);
    return opened.artefacts;
  });
  return {
    bucket,
    read: async (key) => (await loaded()).read(key),
    readRange: async (key, startByte, endByte) => (await loaded()).readRange(key, startByte, endByte),
    stat: async (key) => (await loaded()).stat(key),
    put: async (key, bytes, contentType) => (await loaded()).put(key, bytes, contentType),
    list: async (prefix, limit) => (await loaded()).list(prefix, limit),
    close: () => close(),
  };
}
