import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { addressedBy, environmentNames, dlqUrlVariable, queueUrlVariable } from '#core/catalogue/entry-environment.ts';
import { consume } from '#core/consume.ts';
import { enqueue } from '#core/enqueue.ts';
import { engage, release } from '#core/halt.ts';
import { slotName, tickRunId } from '#core/ids.ts';
import { anyBodies } from '#core/task.ts';
import { parseEnvironment } from '#runtime/environment.ts';
import { queueHandler } from '#runtime/lambda.ts';
import { services, type Services } from '#runtime/services.ts';
import { dynamodb, eventBus, sqsAndS3 } from '#test/contract/support/aws.ts';
import { timed } from '#test/contract/support/redis.ts';
import { tcpServer } from '#test/contract/support/tcp.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';
import { said } from '#test/unit/runtime/support.ts';
import { systemTasks } from '#tasks/system/index.ts';

const tables = await dynamodb();
const servers = await sqsAndS3();
const bus = await eventBus();
let valkey: Valkey;
beforeAll(async () => void (valkey = await startValkey()));
afterAll(() => valkey.stop());

const secrets = { AWS_SECRET_ACCESS_KEY: 'hunter2/secret+key', AWS_SESSION_TOKEN: 'hunter3/session+token' };
beforeEach(() => {
  for (const [name, value] of Object.entries({ AWS_ACCESS_KEY_ID: 'AKIDLOCAL', ...secrets })) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
});

async function variables(over: Record<string, string> = {}): Promise<Record<string, string>> {
  const urls = addressedBy('system').map((queue) => [queue, servers.queue(queue)] as const);
  const redis = `${valkey.host}:${valkey.port}`;
  return {
    STAGE: 'dev',
    CELL: 'test',
    LEDGER_TABLE: await tables.fresh('runs'),
    LEDGER_SHARDS: '4',
    CONTROL_TABLE: await tables.fresh('control'),
    AUDIT_TABLE: await tables.fresh('audit'),
    AUDIT_BUCKET: servers.bucket(),
    AUDIT_KEY: 'alias/test',
    CONNECTIONS_TABLE: await tables.fresh('connections'),
    SOCKETS_CALLBACK: 'http://127.0.0.1:1',
    BUCKET: servers.bucket(),
    EVENT_BUS: 'lifecycle',
    STATE_REDIS: redis,
    CACHE_REDIS: redis,
    REDIS_NAME: 'state',
    REDIS_USER: 'plane',
    LOG_LEVEL: 'INFO',
    ...Object.fromEntries(
      urls.flatMap(([queue, { queue: url, deadLetters }]) => [
        [queueUrlVariable(queue), url],
        [dlqUrlVariable(queue), deadLetters],
      ]),
    ),
    ALPHASWARM_LOCAL: '1',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: bus.url,
    AWS_ENDPOINT_URL_SQS: servers.url,
    AWS_ENDPOINT_URL_S3: servers.url,
    AWS_ENDPOINT_URL_DYNAMODB: tables.url,
    ...over,
  };
}
async function composed(over: Record<string, string> = {}): Promise<Services> {
  const plane = services(parseEnvironment('system', await variables(over)));
  onTestFinished(() => plane.close());
  return plane;
}

describe('the composed services', () => {
  it('take a tick through the pipeline on real servers, once, however often it comes', async () => {
    const plane = await composed();
    const slotMs = Math.floor(plane.clock.nowMs() / 60_000) * 60_000;
    const body = JSON.stringify({ v: 1, schedule: 'killswitch-heartbeat', slot: slotName(slotMs) });
    const messages = [1, 2, 3].map((number) => ({ id: `m${number}`, body, receipt: `r${number}`, receives: 1 }));
    const options = { queue: 'system', bodies: anyBodies(systemTasks), deadlineMs: Date.now() + 50_000 } as const;
    const before = bus.buses.recorded().length;
    const { emf } = await said(async () => expect(await consume(plane, messages, options)).toEqual([]));
    const row = await plane.ledger.read(tickRunId(plane.ids, 'test', { schedule: 'killswitch-heartbeat', slotMs }));
    expect(row).toMatchObject({ state: 'succeeded', starts: 1, outbox: [] });
    expect(row?.outcome?.result).toMatchObject({ inline: { state: 'clear', evictionPolicy: 'noeviction' } });
    const { rows } = await plane.auditLog.page({ of: { subject: row?.id ?? '' }, limit: 100 });
    expect(rows.map(({ effect, outcome = 'intent' }) => `${effect} ${outcome}`).toReversed()).toEqual([
      'killSwitch.repair intent',
      'killSwitch.repair done',
      'killSwitch.canary intent',
      'killSwitch.canary done',
    ]);
    expect(
      bus.buses
        .recorded()
        .slice(before)
        .map(({ detailType }) => detailType),
    ).toEqual(['RunStarted', 'RunSucceeded']);
    expect((await plane.progress.read(row?.id ?? '')).map(({ state }) => state)).toEqual(['succeeded']);
    expect(emf.filter((line) => 'SlotCompleted' in line)).toHaveLength(1);
  });

  it('hold a request through a halt that was engaged by the key and the mirror, and know when it is over', async () => {
    const plane = await composed();
    const request = { by: 'ada', reason: 'a drill' };
    const pull = (key: string) =>
      enqueue(plane, {
        task: 'ingest.pull',
        payload: { connector: 'csv', dataset: 'd', source: { key: 'inbox.csv' } },
        tenant: 'acme',
        actor: { kind: 'human', id: 'ada' },
        as: 'operator',
        idempotencyKey: key,
      });
    await said(async () => {
      expect(await engage(plane, request)).toMatchObject({ key: 'set', replicas: 0 });
      expect(await pull('a')).toMatchObject({ run: { state: 'held' }, sent: false });
      expect(await release(plane, request)).toMatchObject({ state: 'clear' });
      expect(await pull('b')).toMatchObject({ run: { state: 'queued' }, sent: true });
    });
    expect(await plane.queues.depth('ingestion', 'queue')).toMatchObject({ waiting: 1 });
  });

  it('go to the endpoints of local mode, whatever the developer’s own settings say', async () => {
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true');
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', 'http://127.0.0.1:1');
    const plane = await composed();
    expect(await plane.control.write('a', 1, 0)).toBe('written');
    await plane.artefacts.put('status/a', new Uint8Array([1]), 'text/plain');
    await plane.lifecycle.emit({ id: 'e', name: 'HaltReleased', detail: {} });
    expect(await plane.queues.depth('system', 'queue')).toMatchObject({ waiting: 0 });
  });

  it('end a request to a server that never answers, and try it once more', async () => {
    const silent = await tcpServer((socket) => socket.resume());
    const plane = await composed({ AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${silent.port}` });
    const { error, ms } = await timed(plane.ledger.read('x'));
    expect(error?.name).toBe('TimeoutError');
    expect(ms).toBeGreaterThan(9000);
    expect(ms).toBeLessThan(12_000);
    expect(silent.accepted()).toBe(2);
  });

  it('say no secret when a server refuses, whoever looks at the error', async () => {
    const refusing = await tcpServer((socket) => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\n{}'));
    const endpoint = `http://127.0.0.1:${refusing.port}`;
    const plane = await composed({
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_SQS: endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    });
    const errors: unknown[] = [];
    const { text } = await said(async () => {
      const attempts = [
        () => plane.ledger.read('x'),
        () => plane.artefacts.read('x'),
        () => plane.queues.depth('system', 'queue'),
        () => plane.lifecycle.emit({ id: 'e', name: 'RunDead', detail: {} }),
      ];
      for (const attempt of attempts) errors.push((await timed<unknown>(attempt())).error);
      for (const error of errors) plane.log.warn('outbox left for the reaper', { error, reason: String(error) });
    });
    expect(errors.every((error) => error instanceof Error)).toBe(true);
    // The SDK hangs the raw answer on its errors, session token and all, but hidden from whoever prints or logs them.
    const told = text + inspect(errors, { depth: Number.POSITIVE_INFINITY }) + JSON.stringify(errors);
    for (const secret of Object.values(secrets)) expect(told).not.toContain(secret);
  });

  it('answer a batch of Lambda with the messages that must come back, and only those', async () => {
    for (const [name, value] of Object.entries(await variables())) vi.stubEnv(name, value);
    const handler = queueHandler('system', anyBodies(systemTasks));
    const slot = slotName(Math.floor(Date.now() / 60_000) * 60_000);
    const bodies = {
      good: JSON.stringify({ v: 1, schedule: 'killswitch-heartbeat', slot }),
      garbage: 'no JSON',
      newer: JSON.stringify({ v: 99 }),
    };
    const Records = Object.entries(bodies).map(([messageId, body]) => ({
      messageId,
      body,
      receiptHandle: messageId,
      attributes: { ApproximateReceiveCount: '1' },
    }));
    let answer: unknown;
    const { log } = await said(async () => {
      answer = await handler({ Records } as never, { getRemainingTimeInMillis: () => 50_000 } as never);
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'newer' }] });
    expect(log.filter(({ message }) => message === 'message rejected')).toMatchObject([{ code: 'MESSAGE_MALFORMED' }]);
  });

  it('are given no variable that the catalogue does not list', async () => {
    const given = Object.keys(await variables()).filter((name) => !/^(AWS_|ALPHASWARM_)/.test(name));
    expect(given.toSorted()).toEqual(environmentNames('system').toSorted());
  });
});
