import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { Failure } from '#core/errors.ts';
import type { Artefacts } from '#core/ports.ts';

/** A bucket with a client of its own. */
export function openBucket(config: S3ClientConfig, bucket: string): { artefacts: Artefacts; close: () => void } {
  const client = new S3Client(config);
  return { artefacts: runtimeArtefacts(client, bucket), close: () => client.destroy() };
}

export function runtimeArtefacts(client: S3Client, bucket: string): Artefacts {
  const get = async (key: string, range?: string): Promise<Uint8Array> => {
    try {
      const found = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, ...(range === undefined ? {} : { Range: range }) }),
      );
      return (await found.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (cause) {
      // A range that begins at or beyond the end.
      if (cause instanceof S3ServiceException && cause.name === 'InvalidRange') return new Uint8Array();
      if (cause instanceof NoSuchKey) {
        throw new Failure(
          'INPUT_INVALID',
          `there is no object ${key} in the bucket: upload it first, or correct the key`,
          { cause },
        );
      }
      throw cause;
    }
  };
  return {
    bucket,
    read: (key) => get(key),
    // An HTTP range includes its last byte, ours does not; an empty one cannot be asked for.
    readRange: async (key, startByte, endByte) =>
      endByte <= startByte ? new Uint8Array() : get(key, `bytes=${startByte}-${endByte - 1}`),
    async stat(key) {
      try {
        const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return { sizeBytes: found.ContentLength ?? 0, ...(found.ETag === undefined ? {} : { version: found.ETag }) };
      } catch (error) {
        if (error instanceof NotFound || error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async put(key, bytes, contentType) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentType: contentType }));
    },
    async list(prefix, limit) {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: limit });
      const { Contents: found = [] } = await client.send(command);
      return found.map(({ Key: key = '', Size: sizeBytes = 0 }) => ({ key, sizeBytes }));
    },
  };
}
