import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { Redis } from 'ioredis';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { PlaneEvent } from '#local/plane-event.ts';
import { startPlane, type PlaneOptions } from '#local/plane.ts';
import { findValkey } from '#local/redis.ts';
import {
  lambda,
  mapping,
  role,
  temporaryFolder,
  writeAssembly,
  type FixtureResource,
} from '#test/local/fixtures/assembly.ts';
import { sqsClient, plane, until } from '#test/local/fixtures/plane.ts';
import { descendants, isAlive, listening } from '#test/local/fixtures/processes.ts';

// With REDIS_URL in the environment the planes of these tests use that server, and have no Valkey of their own to look at.
const ownValkey = !process.env['REDIS_URL'];
const childrenOfOneFunction = ownValkey ? 3 : 2;

const queue: FixtureResource = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'work' } };
const worker = {
  Role: role,
  Work: queue,
  Worker: lambda({ FunctionName: 'worker' }),
  Mapping: mapping('Work', 'Worker'),
};
const code = { Worker: 'export const handler = async () => {};' };

/** Tries to start a plane that cannot start; returns what it says, after checking that nothing of it is left. */
async function refusal(
  options: Partial<PlaneOptions>,
  resources: Record<string, FixtureResource> = { Work: queue },
): Promise<string> {
  const before = descendants(process.pid);
  const dataDir = join(temporaryFolder(), 'plane');
  const fixture = writeAssembly({ resources, code: 'Worker' in resources ? code : {} });
  const failed: unknown = await startPlane({ assemblyDir: fixture, dataDir, clock: 'wall', ...options }).then(
    (started) => started.stop().then(() => 'it started'),
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({ name: 'PlaneError' });
  expect(descendants(process.pid).filter((pid) => !before.includes(pid) && isAlive(pid))).toEqual([]);
  // The folder is free again.
  const next = await startPlane({ assemblyDir: writeAssembly({ resources: { Work: queue } }), dataDir, clock: 'wall' });
  await next.stop();
  return (failed as Error).message;
}

test.each([
  ['sqs', 'SQS and S3'],
  ['dynamodb', 'DynamoDB'],
  ['aws', 'The AWS front'],
  ...(ownValkey ? [['redis', 'Valkey']] : []),
])('a port that is taken is named, with what wanted it and what to do (%s)', async (name, what) => {
  const squatter = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void squatter.close());
  await once(squatter, 'listening');
  const { port } = squatter.address() as { port: number };
  expect(await refusal({ ports: { [name]: port } })).toBe(
    `${what} cannot listen on 127.0.0.1:${port}: the port is taken by another process. Stop that process, or ask for another port (0 takes any free one).`,
  );
});

test('a port that is asked for is the port that is used', async () => {
  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const { port } = spare.address() as { port: number };
  await new Promise((resolve) => spare.close(resolve));
  const running = await plane({ resources: { Work: queue } }, { ports: { sqs: port } });
  expect(running.endpoints.sqs).toBe(`http://127.0.0.1:${port}`);
});

test('without any Valkey the plane says what to install', () => {
  const empty = temporaryFolder();
  expect(() => findValkey(empty, join(empty, 'valkey-server'))).toThrow(
    'No Valkey to be had: REDIS_URL is unset, neither valkey-server nor redis-server is on PATH, and `npm run setup` fetched none. Install one: `apt install redis-server` (Debian, Ubuntu) or `brew install valkey` (macOS).',
  );
});

test('Valkey is looked for on PATH first, valkey-server before redis-server, and only what can be executed counts', () => {
  const [first, second, fetched] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  const program = (folder: string, name: string, mode = 0o755): string => {
    writeFileSync(join(folder, name), '', { mode });
    return join(folder, name);
  };
  const last = program(fetched, 'valkey-server');
  program(first, 'valkey-server', 0o644);
  expect(findValkey(`${first}:${second}`, last)).toBe(last);
  const redis = program(first, 'redis-server');
  expect(findValkey(`${first}:${second}`, last)).toBe(redis);
  const valkey = program(second, 'valkey-server');
  expect(findValkey(`${first}:${second}`, last)).toBe(valkey);
});

test('a Valkey that does not start is named with what it said', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'valkey-server'), '#!/bin/sh\necho "fatal: no memory"\nexit 1\n');
  chmodSync(join(folder, 'valkey-server'), 0o755);
  const message = await refusal({ variables: { PATH: folder } });
  expect(message).toContain(`Valkey (${join(folder, 'valkey-server')}) did not start on 127.0.0.1:`);
  expect(message).toContain('fatal: no memory');
});

test.each([
  [
    'redis://user:hunter2@redis.example.org:6379',
    /^REDIS_URL is redis:\/\/redis\.example\.org:6379, which is not on this machine/,
  ],
  ['not a url', /^REDIS_URL is not a URL, which is not on this machine/],
  ['redis://:hunter2@127.0.0.1:6379', /^REDIS_URL \(host 127\.0\.0\.1:6379\) holds more than redis:\/\/HOST:PORT/],
  ['rediss://127.0.0.1:6379', /holds more than redis:\/\/HOST:PORT/],
  ['redis://127.0.0.1:6379/3', /holds more than redis:\/\/HOST:PORT/],
])('REDIS_URL=%s is refused, and no secret is shown', async (REDIS_URL, expected) => {
  const message = await refusal({ variables: { ...process.env, REDIS_URL } });
  expect(message).toMatch(expected);
  expect(message).not.toContain('hunter2');
});

test('a loopback REDIS_URL wins: that server is used, and outlives the plane with its state', async () => {
  const own = await plane({ resources: { Work: queue } });
  const redis = new Redis(own.endpoints.redis);
  onTestFinished(() => redis.disconnect());
  await redis.set('kept', 'yes');
  const guest = await plane(
    { resources: { Work: queue } },
    { variables: { ...process.env, REDIS_URL: own.endpoints.redis } },
  );
  expect(guest.endpoints.redis).toBe(own.endpoints.redis);
  await guest.stop();
  expect(await redis.get('kept')).toBe('yes');
});

test.each([
  [
    { AWS_ENDPOINT_URL_S3: 'https://s3.eu-west-1.amazonaws.com' },
    /variable AWS_ENDPOINT_URL_S3 of the function worker is https:\/\/s3\.eu-west-1\.amazonaws\.com, which is not on this machine/,
  ],
  [{ AWS_PROFILE: 'prod' }, /variable AWS_PROFILE of the function worker would choose a real account/],
  [{ AWS_SESSION_TOKEN: 'x' }, /variable AWS_SESSION_TOKEN of the function worker would choose a real account/],
])('a template that names another AWS is refused at the start: %j', async (Variables, expected) => {
  const resources = { ...worker, Worker: lambda({ FunctionName: 'worker', Environment: { Variables } }) };
  expect(await refusal({}, resources)).toMatch(expected);
});

test('everything that the plane and its children listen on is loopback', async () => {
  const before = new Set(listening([process.pid]).map(({ port }) => port));
  const running = await plane({ resources: worker, code });
  await running.lambdas.invoke('worker', {});
  const sockets = listening([process.pid, ...descendants(process.pid)]).filter(({ port }) => !before.has(port));
  const ports = Object.values(running.endpoints)
    .flat()
    .map((url) => Number(new URL(url).port));
  expect(new Set(sockets.map(({ port }) => port))).toEqual(new Set(ports));
  // 127.0.0.1 as the kernel prints it.
  expect(new Set(sockets.map(({ address }) => address))).toEqual(new Set(['0100007F']));
});

test('a corrupt assembly is told before anything is started or any folder made', async () => {
  const dir = writeAssembly({ resources: { Work: queue } });
  writeFileSync(join(dir, 'Dev.template.json'), '{');
  const dataDir = join(temporaryFolder(), 'plane');
  await expect(startPlane({ assemblyDir: dir, dataDir, clock: 'wall' })).rejects.toThrow(
    /Dev\.template\.json is not valid JSON/,
  );
  expect(() => readFileSync(dataDir)).toThrow('ENOENT');
});

test('two planes do not share a data folder', async () => {
  const dataDir = join(temporaryFolder(), 'plane');
  const fixture = { resources: { Work: queue } };
  await plane(fixture, { dataDir });
  await expect(plane(fixture, { dataDir })).rejects.toThrow(
    `The data folder ${dataDir} belongs to a plane that runs as process ${process.pid}.`,
  );
});

test('a client that breaks off in the middle of a request does not harm the plane', async () => {
  const running = await plane({ resources: { Work: queue } });
  for (const url of [running.endpoints.dynamodb, running.endpoints.sqs, running.endpoints.aws]) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 100000\r\n\r\n{"half":',
    );
    await sleep(50);
    socket.resetAndDestroy();
  }
  await sleep(50);
  await running.send('Work', 'still here');
  expect(running.queueDepths()['work']?.visible).toBe(1);
});

test('stopping ends every child and frees every port, and may be asked twice', async () => {
  const before = descendants(process.pid);
  const running = await plane({ resources: worker, code });
  await running.lambdas.invoke('worker', {});
  const children = descendants(process.pid).filter((pid) => !before.includes(pid));
  // The guardian, one environment, and Valkey.
  expect(children).toHaveLength(childrenOfOneFunction);
  await Promise.all([running.stop(), running.stop()]);
  expect(children.filter(isAlive)).toEqual([]);
  expect(running.told('stopped')).toHaveLength(1);
  expect(running.told('error')).toEqual([]);
  for (const url of Object.values(running.endpoints).flat()) {
    const again = createServer().listen(Number(new URL(url).port), '127.0.0.1');
    await once(again, 'listening');
    await new Promise((resolve) => again.close(resolve));
  }
});

test('a plane that is killed takes its children along, frozen ones too, and the next begins afresh in its folder', async () => {
  const assemblyDir = writeAssembly({ resources: worker, code });
  const dataDir = join(temporaryFolder(), 'plane');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'run-plane.ts'), assemblyDir, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: PlaneEvent[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => events.push(JSON.parse(line) as PlaneEvent));
  await until('the plane is ready', () => events.some(({ type }) => type === 'ready'));
  const ready = events.find((event) => event.type === 'ready');
  const endpoints = ready?.type === 'ready' ? ready.endpoints : undefined;
  if (!endpoints) throw new Error('no endpoints');
  const redis = new Redis(endpoints.redis);
  onTestFinished(() => redis.disconnect());
  redis.on('error', () => {});
  await redis.set('alphaswarm:kill_switch', '1');
  await redis.bgrewriteaof();
  const sqs = sqsClient(endpoints.sqs);
  await sqs.send(new SendMessageCommand({ QueueUrl: `${endpoints.sqs}/000000000000/work`, MessageBody: 'x' }));
  await until('an environment stands frozen', () => events.some(({ type }) => type === 'invocation-ended'));

  await expect(startPlane({ assemblyDir, dataDir, clock: 'wall' })).rejects.toThrow(
    `The data folder ${dataDir} belongs to a plane that runs as process ${child.pid}. Stop that one, or start this one with another data folder.`,
  );

  const children = descendants(child.pid ?? -1);
  expect(children).toHaveLength(childrenOfOneFunction);
  child.kill('SIGKILL');
  await until('every child has ended', () => children.every((pid) => !isAlive(pid)), 10_000);
  await until('the plane has ended', () => child.signalCode !== null);

  const next = await plane({ resources: worker, code }, { dataDir });
  const fresh = new Redis(next.endpoints.redis);
  onTestFinished(() => fresh.disconnect());
  if (ownValkey) expect(await fresh.dbsize()).toBe(0);
  expect(next.queueDepths()).toEqual({ work: { visible: 0, delayed: 0, inFlight: 0 } });
});

test('a lock left by a process that no longer exists, or by none, does not keep a plane from starting', async () => {
  for (const left of [
    '{"pid":4194300,"startedAt":"1"}',
    `{"pid":${process.pid},"startedAt":"another start"}`,
    'garbage',
    '',
  ]) {
    const dataDir = join(temporaryFolder(), 'plane');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'plane.lock'), left);
    const running = await plane({ resources: { Work: queue } }, { dataDir });
    await running.stop();
  }
});
