import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { memoryArtefacts } from '#memory/artefacts.ts';
import { runtimeArtefacts } from '#runtime/artefacts.ts';
import { artefactsContract } from '#test/contract/artefacts.contract.ts';
import { sqsAndS3 } from '#test/contract/support/aws.ts';

const { s3, bucket } = await sqsAndS3();

artefactsContract('in memory', async () => memoryArtefacts());
artefactsContract('S3', async () => runtimeArtefacts(s3, bucket()));

it('S3 is told the content type: the status page is opened in a browser', async () => {
  const name = bucket();
  await runtimeArtefacts(s3, name).put('status/index.html', new Uint8Array([60]), 'text/html; charset=utf-8');
  const head = await s3.send(new HeadObjectCommand({ Bucket: name, Key: 'status/index.html' }));
  expect(head.ContentType).toBe('text/html; charset=utf-8');
});

it('a bucket that is not there is no missing object: that is a fault of the plane, to be tried again', async () => {
  const artefacts = runtimeArtefacts(s3, 'no-such-bucket');
  await expect(artefacts.read('a')).rejects.toThrow(/bucket/i);
  await expect(artefacts.read('a')).rejects.not.toHaveProperty('code', 'INPUT_INVALID');
});
