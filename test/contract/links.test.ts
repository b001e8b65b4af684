import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { memoryLinks } from '#memory/gateway.ts';
import { runtimeArtefacts } from '#runtime/artefacts.ts';
import { runtimeLinks } from '#runtime/links.ts';
import { linksContract } from '#test/contract/links.contract.ts';
import { sqsAndS3 } from '#test/contract/support/aws.ts';

const servers = await sqsAndS3();

/** STS on loopback: gives what is asked for, and remembers under which policy. */
const asked: URLSearchParams[] = [];
let lifetimeMs = 900_000;
const sts = createServer((request, response) => {
  void text(request).then((body) => {
    asked.push(new URLSearchParams(body));
    const until = new Date(Date.now() + lifetimeMs).toISOString();
    response.writeHead(200, { 'content-type': 'text/xml' }).end(
      `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>SESSION${asked.length}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
      <SessionToken>token${asked.length}</SessionToken><Expiration>${until}</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  });
});
await new Promise<void>((resolve) => {
  sts.listen(0, '127.0.0.1', resolve);
});
afterAll(() => sts.close());
beforeEach(() => {
  asked.length = 0;
  lifetimeMs = 900_000;
});

const { port } = sts.address() as AddressInfo;
const settings = { region: 'us-east-1', credentials: { accessKeyId: 'CONTRACT', secretAccessKey: 'contract' } };
const linksTo = (bucket: string) =>
  runtimeLinks({
    bucket,
    role: 'arn:aws:iam::000000000000:role/links',
    s3: { ...settings, endpoint: servers.url, forcePathStyle: true },
    sts: { ...settings, endpoint: `http://127.0.0.1:${port}` },
  });
const policies = () => asked.map((one) => JSON.parse(one.get('Policy') ?? '').Statement as unknown);

linksContract('in memory', async () => ({ links: memoryLinks({ nowMs: () => 1_000 }), nowMs: () => 1_000 }));
linksContract('S3', async () => ({ links: linksTo(servers.bucket()), nowMs: Date.now }));

describe('links to S3', () => {
  const prefix = 'artifacts/acme/ingest.pull/r1/';

  it('open what they name, as something to be saved', async () => {
    const bucket = servers.bucket();
    const keys = [`${prefix}1/a b+c%20d.csv`, `${prefix}1/ümläut/日本.csv`];
    for (const key of keys)
      await runtimeArtefacts(servers.s3, bucket).put(key, new TextEncoder().encode(key), 'text/html');
    for (const [index, { href }] of (await linksTo(bucket).reading(prefix, keys)).entries()) {
      const answer = await fetch(href);
      expect(await answer.text()).toBe(keys[index]);
      expect(new URL(href).searchParams.get('response-content-disposition')).toBe('attachment');
    }
  });

  it('are signed by a session that reaches that prefix and nothing else, one for all of its keys', async () => {
    const links = linksTo('some-bucket');
    await Promise.all([links.reading(prefix, [`${prefix}1/a`]), links.reading(prefix, [`${prefix}1/b`])]);
    const [{ href } = { href: '' }] = await links.reading(prefix, [`${prefix}1/c`]);
    const object = { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::some-bucket/${prefix}*` };
    expect(policies()).toEqual([[object]]);
    const query = new URL(href).searchParams;
    expect(query.get('X-Amz-Security-Token')).toBe('token1');
    expect(Number(query.get('X-Amz-Expires'))).toBeLessThanOrEqual(300);
    await links.reading('artifacts/acme/ingest.pull/r2/', ['artifacts/acme/ingest.pull/r2/1/a']);
    expect(asked).toHaveLength(2);
  });

  it('never outlive the session behind them, which is opened anew when it has too little left', async () => {
    const links = linksTo('some-bucket');
    lifetimeMs = 120_000;
    const [short] = await links.reading(prefix, [`${prefix}1/a`]);
    expect(short?.expiresAtMs).toBeLessThanOrEqual(Date.now() + 120_000);
    expect(Number(new URL(short?.href ?? '').searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(120);
    await links.reading(prefix, [`${prefix}1/a`]);
    expect(asked).toHaveLength(2);
  });

  it('take an upload of that type and size, and of no other: both are signed', async () => {
    const bucket = servers.bucket();
    const { href, headers } = await linksTo(bucket).writing('inbox/acme/a b.csv', {
      contentType: 'text/csv',
      sizeBytes: 5,
    });
    expect(new URL(href).searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host');
    const answer = await fetch(href, { method: 'PUT', headers, body: 'a,b\n1' });
    expect(answer.status).toBe(200);
    expect(await runtimeArtefacts(servers.s3, bucket).read('inbox/acme/a b.csv')).toHaveLength(5);
    expect(href).not.toMatch(/checksum/i);
    expect(policies()).toEqual([
      [{ Effect: 'Allow', Action: 's3:PutObject', Resource: `arn:aws:s3:::${bucket}/inbox/acme/a b.csv` }],
    ]);
  });

  it('for a key with wildcards reach that key alone', async () => {
    await linksTo('some-bucket').writing('inbox/acme/*?$', { contentType: 'text/csv', sizeBytes: 5 });
    expect(policies()).toMatchObject([[{ Resource: 'arn:aws:s3:::some-bucket/inbox/acme/${*}${?}${$}' }]]);
  });
});
