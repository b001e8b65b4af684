import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3ServiceException,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { AnchorStore } from '#core/ports.ts';

const prefix = 'anchors/';
const keyOf = (hour: string): string => `${prefix}${hour}.json`;
const hourOfKey = (key: string): string => key.slice(prefix.length).replace(/\.json$/, '');

/** The anchors of the audit, one object an hour. The bucket's Object Lock keeps each version; ours is the first. */
export function runtimeAnchors(client: S3Client, bucket: string): AnchorStore {
  const stands = async (hour: string): Promise<boolean> => {
    try {
      await client.send(new HeadObjectCommand({ Bucket: bucket, Key: keyOf(hour) }));
      return true;
    } catch (error) {
      if (error instanceof NotFound || error instanceof NoSuchKey) return false;
      throw error;
    }
  };
  return {
    async read(hour) {
      try {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(hour) }));
        return await found.Body?.transformToString('utf-8');
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async write(hour, text) {
      // Also asked for first, since not every store that speaks S3 heeds the condition.
      if (await stands(hour)) return 'exists';
      try {
        const body = { Body: text, ContentType: 'application/json', IfNoneMatch: '*' };
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(hour), ...body }));
        return 'written';
      } catch (error) {
        if (error instanceof S3ServiceException && error.name === 'PreconditionFailed') return 'exists';
        throw error;
      }
    },
    hours: (after) => listHours(client, bucket, after),
  };
}

async function listHours(client: S3Client, bucket: string, after?: string): Promise<string[]> {
  const hours: string[] = [];
  let start = after === undefined ? undefined : keyOf(after);
  for (let more = true; more;) {
    const answer = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(start === undefined ? {} : { StartAfter: start }),
      }),
    );
    const keys = (answer.Contents ?? []).flatMap(({ Key: key }) => key ?? []);
    hours.push(...keys.map(hourOfKey));
    start = keys.at(-1);
    more = answer.IsTruncated === true && start !== undefined;
  }
  return hours;
}
