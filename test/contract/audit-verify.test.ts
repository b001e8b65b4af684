import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KMSClient } from '@aws-sdk/client-kms';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from 'vitest';
import { anchorHash, anchorText, parseAnchor, signedBytes, toHex } from '#core/audit-anchor.ts';
import { anchoring } from '#core/audit-anchoring.ts';
import { rowHash } from '#core/audit-chain.ts';
import { verifyAudit, type Finding } from '#core/audit-verify.ts';
import { auditWriter } from '#core/audit-writer.ts';
import type { AnchorStore, AuditRow, Signer, Verifier } from '#core/ports.ts';
import { startAwsApi } from '#local/aws-api.ts';
import { memoryAnchors } from '#memory/anchors.ts';
import { memoryClock } from '#memory/clock.ts';
import { memoryLog } from '#memory/observed.ts';
import { memorySigner } from '#memory/signer.ts';
import { runtimeAnchors } from '#runtime/anchors.ts';
import { runtimeAuditLog } from '#runtime/audit-log.ts';
import { sha256 } from '#runtime/hash.ts';
import { runtimeSigner, runtimeVerifier } from '#runtime/signer.ts';
import { auditEntry } from '#test/contract/audit.contract.ts';
import { dynamodb, sqsAndS3 } from '#test/contract/support/aws.ts';

const { client, fresh } = await dynamodb();
const { s3, bucket } = await sqsAndS3();
const keys = mkdtempSync(join(tmpdir(), 'audit-keys-'));
const front = await startAwsApi(undefined, () => undefined);
const spec = (id: string) => ({
  id,
  arn: `arn:aws:kms:us-east-1:000000000000:key/${id}`,
  aliases: [],
  spec: 'ECC_NIST_P256',
});
front.serve({ kms: { keys: [spec('audit'), spec('another')], dir: keys } });
const kms = new KMSClient({
  region: 'us-east-1',
  credentials: { accessKeyId: 'CONTRACT', secretAccessKey: 'contract' },
  endpoint: front.url,
});
afterAll(async () => {
  kms.destroy();
  await front.stop();
  rmSync(keys, { recursive: true });
});

describe.each<[string, () => AnchorStore]>([
  ['in memory', memoryAnchors],
  ['S3', () => runtimeAnchors(s3, bucket())],
])('anchors: %s', (_, make) => {
  it('are written once, and listed oldest first', async () => {
    const store = make();
    expect(await store.read('2026-01-05T12')).toBeUndefined();
    expect(await store.hours()).toEqual([]);
    for (const hour of ['2026-01-05T13', '2026-01-05T12', '2026-01-06T00']) {
      expect(await store.write(hour, `of ${hour}`)).toBe('written');
    }
    expect(await store.write('2026-01-05T12', 'another')).toBe('exists');
    expect(await store.read('2026-01-05T12')).toBe('of 2026-01-05T12');
    expect(await store.hours()).toEqual(['2026-01-05T12', '2026-01-05T13', '2026-01-06T00']);
    expect(await store.hours('2026-01-05T12')).toEqual(['2026-01-05T13', '2026-01-06T00']);
  });
});

const kmsKey = (id: string): Signer & Verifier => ({ ...runtimeSigner(kms, id), ...runtimeVerifier(kms, id) });
describe.each<[string, () => [Signer & Verifier, Signer & Verifier]]>([
  ['in memory', () => [memorySigner(), memorySigner()]],
  ['KMS', () => [kmsKey('audit'), kmsKey('another')]],
])('signatures: %s', (_, make) => {
  it('hold for what was signed, by the key that signed it, and for nothing else', async () => {
    const [ours, another] = make();
    const message = new TextEncoder().encode('the hour');
    const signature = await ours.sign(message);
    expect(await ours.verify(message, signature)).toBe(true);
    expect(await ours.verify(new TextEncoder().encode('the houR'), signature)).toBe(false);
    expect(await another.verify(message, signature)).toBe(false);
    expect(await ours.verify(message, new Uint8Array([1, 2, 3]))).toBe(false);
  });
});

const [first, second, open] = ['2026-01-05T12', '2026-01-05T13', '2026-01-05T14'];
const range = { fromHour: first, toHour: open };

/** Three hours of two writers in DynamoDB; two of them anchored in S3, signed by KMS; the third is open. */
async function trail() {
  const table = await fresh('audit');
  const anchorBucket = bucket();
  const clock = memoryClock(Date.UTC(2026, 0, 5, 12));
  const auditLog = runtimeAuditLog(client, table);
  const log = memoryLog();
  const ports = { auditLog, anchors: runtimeAnchors(s3, anchorBucket), hash: sha256, clock, log, cell: 'test' };
  const job = anchoring({ ...ports, signer: runtimeSigner(kms, 'audit') });
  const writers = ['one', 'two'].map((owner) => auditWriter({ log: auditLog, clock, hash: sha256, owner }));
  const work = async () => {
    for (const writer of writers) {
      for (let count = 0; count < 3; count += 1) {
        const entry = auditEntry({ atMs: clock.nowMs() });
        await writer.intent(entry);
        await writer.outcome({ ...entry, outcome: 'done' });
      }
    }
    await clock.advance(3_600_000);
  };
  await work();
  await work();
  await work();
  // 15:00: the hour 14 is over, but not for long enough.
  const pending = await job.pending();
  for (const hour of pending) await job.anchorHour(hour);
  const key = (hour: string, writer: string, seq: number) => ({ chain: `${hour}#${writer}`, seq });
  const verify = () => verifyAudit({ ...ports, verifier: runtimeVerifier(kms, 'audit') }, range);
  return {
    ports,
    job,
    pending,
    log,
    verify,
    found: async (): Promise<readonly Finding[]> => (await verify()).findings,
    item: async (hour: string, writer: string, seq: number) =>
      (await client.send(new GetCommand({ TableName: table, Key: key(hour, writer, seq) }))).Item ?? {},
    put: (item: Record<string, unknown>) => client.send(new PutCommand({ TableName: table, Item: item })),
    remove: (hour: string, writer: string, seq: number) =>
      client.send(new DeleteCommand({ TableName: table, Key: key(hour, writer, seq) })),
    anchor: async (hour: string) => parseAnchor((await ports.anchors.read(hour)) ?? '')!,
    putAnchor: (hour: string, body: string) =>
      s3.send(new PutObjectCommand({ Bucket: anchorBucket, Key: `anchors/${hour}.json`, Body: body })),
    removeAnchor: (hour: string) =>
      s3.send(new DeleteObjectCommand({ Bucket: anchorBucket, Key: `anchors/${hour}.json` })),
  };
}

describe('the audit', () => {
  it('that nobody touched is intact, and says which hours are not anchored yet', async () => {
    const { verify, pending, anchor, job } = await trail();
    expect(pending).toEqual([first, second]);
    const report = await verify();
    expect(report).toMatchObject({ intact: true, findings: [], anchors: 2, chains: 6, rows: 36, notAnchored: [open] });
    expect((await anchor(first)).counts).toEqual([
      { tenant: 'acme', actor: 'human', effect: 'artefacts.put', outcome: 'done', count: 6 },
      { tenant: 'acme', actor: 'human', effect: 'artefacts.put', outcome: 'intent', count: 6 },
    ]);
    const before = await anchor(second);
    expect(await job.anchorHour(second)).toMatchObject({ anchored: false });
    expect(await job.pending()).toEqual([]);
    expect(await anchor(second)).toEqual(before);
    await expect(job.anchorHour(open)).rejects.toThrow('not over for 5 minutes');
  });

  it('catches up on every hour that is over, those without a row as well', async () => {
    const { ports, job, verify } = await trail();
    await ports.clock.advance(5 * 3_600_000);
    const pending = await job.pending();
    expect(pending).toEqual([open, '2026-01-05T15', '2026-01-05T16', '2026-01-05T17', '2026-01-05T18']);
    await expect(job.anchorHour('2026-01-05T16')).rejects.toThrow('hours are anchored in order');
    for (const hour of pending) await job.anchorHour(hour);
    expect(await verify()).toMatchObject({ intact: true, anchors: 3, notAnchored: [] });
  });

  it('names hour and row of one altered byte, in an anchored hour and in an open one', async () => {
    for (const hour of [first, open]) {
      const { item, put, found } = await trail();
      await put({ ...(await item(hour, 'two', 3)), tenant: 'acmf' });
      expect(await found()).toEqual([{ hour, writer: 'two', seq: 3, what: 'altered' }]);
    }
  });

  it('names a removed row, also the last of its chain, and a reordered pair', async () => {
    const { item, put, remove, found } = await trail();
    await remove(first, 'one', 6);
    await remove(second, 'one', 2);
    const [three, four] = [await item(second, 'two', 3), await item(second, 'two', 4)];
    await put({ ...three, seq: 4 });
    await put({ ...four, seq: 3 });
    expect(await found()).toEqual([
      { hour: first, writer: 'one', seq: 6, what: 'removed' },
      { hour: second, writer: 'one', seq: 2, what: 'removed' },
      { hour: second, writer: 'two', seq: 3, what: 'reordered' },
      { hour: second, writer: 'two', seq: 4, what: 'reordered' },
    ]);
  });

  it('names the chain that was dropped whole, the one that was put beside, and the row that was rewritten', async () => {
    const { ports, item, put, remove, found } = await trail();
    for (let seq = 1; seq <= 6; seq += 1) await remove(first, 'one', seq);
    await auditWriter({
      log: ports.auditLog,
      clock: memoryClock(Date.UTC(2026, 0, 5, 13)),
      hash: sha256,
      owner: 'late',
    }).intent(auditEntry());
    const rows = await ports.auditLog.chain(second, 'one');
    const forged = { ...rows[1]!, tenant: 'nobody' } as AuditRow;
    await put({ ...(await item(second, 'one', 2)), tenant: 'nobody', hash: rowHash(sha256, forged) });
    expect(await found()).toEqual([
      { hour: first, writer: 'one', what: 'removed' },
      { hour: second, writer: 'late', what: 'added' },
      { hour: second, writer: 'one', seq: 2, what: 'altered' },
    ]);
  });

  it('names an anchor that was altered, that another key signed, that was taken away, or that hangs on another', async () => {
    const altered = await trail();
    const honest = await altered.anchor(second);
    await altered.putAnchor(second, anchorText({ ...honest, atMs: honest.atMs + 1 }));
    expect(await altered.found()).toEqual([{ hour: second, what: 'anchor-altered' }]);

    const forged = await trail();
    const body = { ...(await forged.anchor(second)), atMs: 1 };
    const own = { ...body, hash: anchorHash(sha256, body) };
    const signature = toHex(await runtimeSigner(kms, 'another').sign(signedBytes(own)));
    await forged.putAnchor(second, anchorText({ ...own, signature }));
    expect(await forged.found()).toEqual([{ hour: second, what: 'anchor-forged' }]);

    const missing = await trail();
    await missing.ports.clock.advance(3_600_000);
    await missing.job.anchorHour(open);
    await missing.removeAnchor(second);
    expect(await missing.found()).toContainEqual({ hour: second, what: 'anchor-missing' });

    const unchained = await trail();
    const other = { ...(await unchained.anchor(first)), atMs: 1 };
    const resigned = { ...other, hash: anchorHash(sha256, other) };
    const by = toHex(await runtimeSigner(kms, 'audit').sign(signedBytes(resigned)));
    await unchained.putAnchor(first, anchorText({ ...resigned, signature: by }));
    expect(await unchained.found()).toEqual([{ hour: second, what: 'anchor-unchained' }]);
  });

  it('anchors an hour whose rows do not hold as it stands, and says where', async () => {
    const { ports, job, item, put, anchor, log, found } = await trail();
    const { actor: _actor, ...spoiled } = await item(open, 'one', 2);
    await put(spoiled);
    await ports.clock.advance(3_600_000);
    expect(await job.anchorHour(open)).toMatchObject({ anchored: true, breaks: 1 });
    expect((await anchor(open)).breaks).toEqual([{ writer: 'one', seq: 2, what: 'altered' }]);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(await found()).toEqual([{ hour: open, writer: 'one', seq: 2, what: 'altered' }]);
  });

  it('refuses hours that are none, or in the wrong order', async () => {
    const { ports } = await trail();
    const ask = (fromHour: string, toHour: string) =>
      verifyAudit({ ...ports, verifier: runtimeVerifier(kms, 'audit') }, { fromHour, toHour });
    await expect(ask('2026-01-05', open)).rejects.toThrow('is no hour');
    await expect(ask('2026-13-05T12', open)).rejects.toThrow('is no hour');
    await expect(ask(open, first)).rejects.toThrow('is before');
  });
});
