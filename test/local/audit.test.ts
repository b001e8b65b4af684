// The audit of a real plane, an hour of it signed by its own schedule; then somebody with a key to the table alters it.
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { profileOf } from '#bin/up/profile.ts';
import { writePrivate } from '#client/private-file.ts';
import { startPlane, type Plane } from '#local/plane.ts';
import { temporaryFolder } from '#test/local/fixtures/assembly.ts';
import { synthesise } from '#test/local/fixtures/synth.ts';
import { alphaswarm } from '#test/unit/bin/cli/support.ts';

const noon = Date.UTC(2026, 10, 30, 12);
const hour = '2026-11-30T12';
const minuteMs = 60_000;

interface Row {
  readonly chain: string;
  readonly seq: number;
  readonly hour: string;
  readonly writer: string;
  readonly subject: string;
  readonly [field: string]: unknown;
}

let plane: Plane;
let dataDir = '';
let documents: DynamoDBDocumentClient;
let table = '';
/** A chain of the hour with three rows at least, in order. */
let rows: Row[] = [];

beforeAll(async () => {
  dataDir = join(temporaryFolder(), 'plane');
  plane = await startPlane({ assemblyDir: synthesise(), dataDir, clock: 'driven', startAtMs: noon + 50 * minuteMs });
  writePrivate(join(dataDir, 'profile.json'), profileOf(plane));
  const credentials = { accessKeyId: 'thief', secretAccessKey: 'thief' };
  const client = new DynamoDBClient({ region: 'us-east-1', endpoint: plane.endpoints.dynamodb, credentials });
  documents = DynamoDBDocumentClient.from(client);
  table = plane.resources.tables.find(({ name }) => name.endsWith('audit_events'))?.name ?? '';
}, 120_000);
afterAll(async () => {
  documents.destroy();
  await plane.stop();
});

const put = (row: Row) => documents.send(new PutCommand({ TableName: table, Item: row }));
async function verify() {
  const { status, stdout } = await alphaswarm(
    ['audit', 'verify', '--from', hour, '--to', hour, '--json', '--data', dataDir],
    {},
  );
  return {
    status,
    report: JSON.parse(stdout) as { intact: boolean; anchors: number; rows: number; findings: object[] },
  };
}

it('is signed by the hour, and found as it was written', async () => {
  const halted = await alphaswarm(['halt', '--reason', 'a drill', '--yes', '--json', '--data', dataDir], {});
  const released = await alphaswarm(['release', '--reason', 'over', '--yes', '--json', '--data', dataDir], {});
  expect([halted.status, released.status]).toEqual([0, 0]);
  // Past twelve minutes beyond the hour, when its schedule signs it.
  await plane.clock.advanceTo(noon + 73 * minuteMs);
  await plane.idle(AbortSignal.timeout(20_000));
  const { status, report } = await verify();
  expect(status).toBe(0);
  expect(report).toMatchObject({ intact: true, anchors: 1, findings: [], notAnchored: [] });
  const { Items: items = [] } = await documents.send(new ScanCommand({ TableName: table }));
  const ofHour = (items as Row[]).filter((row) => row.hour === hour);
  expect(report.rows).toBe(ofHour.length);
  const chain = [...Map.groupBy(ofHour, (row) => row.chain).values()].find((one) => one.length >= 3) ?? [];
  rows = chain.toSorted((one, other) => one.seq - other.seq);
  expect(rows.length).toBeGreaterThanOrEqual(3);
}, 60_000);

it('names hour, writer and row of one altered byte', async () => {
  const row = rows[1]!;
  const { subject, writer, seq } = row;
  await put({ ...row, subject: `${String.fromCharCode(subject.charCodeAt(0) ^ 1)}${subject.slice(1)}` });
  const { status, report } = await verify();
  await put(row);
  expect(status).toBe(1);
  expect(report).toMatchObject({ intact: false, findings: [{ hour, writer, seq, what: 'altered' }] });
});

it('names a row that was removed, also the last of its chain', async () => {
  for (const row of [rows[1]!, rows.at(-1)!]) {
    await documents.send(new DeleteCommand({ TableName: table, Key: { chain: row.chain, seq: row.seq } }));
    const { status, report } = await verify();
    await put(row);
    expect(status).toBe(1);
    expect(report.findings).toEqual([{ hour, writer: row.writer, seq: row.seq, what: 'removed' }]);
  }
});

it('names a pair that was exchanged', async () => {
  const [first, second] = [rows[1]!, rows[2]!];
  await put({ ...second, seq: first.seq });
  await put({ ...first, seq: second.seq });
  const { status, report } = await verify();
  await put(first);
  await put(second);
  expect(status).toBe(1);
  const places = [first, second].map(({ writer, seq }) => ({ hour, writer, seq, what: 'reordered' }));
  expect(report.findings).toEqual(places);
  expect((await verify()).report.intact).toBe(true);
});
