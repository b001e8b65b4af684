// `alphaswarm up` as a process: what it says first, how it ends, and how it refuses to start.
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { functionNames } from '#core/catalogue/entry-points.ts';
import { scheduleKeys } from '#core/catalogue/schedules.ts';
import type { PlaneEvent } from '#local/plane-event.ts';
import { foreign } from '#test/fault/support/foreign.ts';
import { measured } from '#test/fault/support/measured.ts';
import { sqsClient, until } from '#test/local/fixtures/plane.ts';
import { descendants, isAlive, listening } from '#test/local/fixtures/processes.ts';
import { leftovers, startNode, type Ended, type Running } from './support/child.ts';
import { copyTree, root } from './support/copy.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alphaswarm-up-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = join(root, 'bin', 'alphaswarm.ts');
const dataDir = (): string => mkdtempSync(join(folder, 'data-'));

interface Up extends Running {
  events(): PlaneEvent[];
}

/** `alphaswarm up --json` on the assembly of this run; whatever a test does, the process ends with it. */
function up(options: { data?: string; args?: string[]; assembly?: string } = {}): Up {
  const { data = dataDir(), args = [], assembly = inject('assemblyDir') } = options;
  const running = startNode([program, 'up', '--json', '--assembly', assembly, '--data', data, ...args]);
  onTestFinished(() => void running.process.kill('SIGKILL'));
  const events = () =>
    running
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as PlaneEvent);
  return { ...running, events };
}

type Ready = Extract<PlaneEvent, { type: 'ready' }>;
async function readyOf(running: Up): Promise<Ready> {
  await until('the first line', () => running.events().length > 0 || running.process.exitCode !== null, 60_000);
  const [first] = running.events();
  if (first?.type === 'ready') return first;
  throw new Error(`the first line is ${JSON.stringify(first)}; stderr: ${running.stderr()}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('the first line of --json names every endpoint, each answers, and every further line is an event', async () => {
  const startedMs = performance.now();
  const running = up();
  const ready = await readyOf(running);
  measured('alphaswarm up --json, from start to ready', (performance.now() - startedMs) / 1000, 's');
  const names = ['aws', 'dynamodb', 'gateway', 'issuers', 'redis', 's3', 'sockets', 'sqs'];
  expect(Object.keys(ready.endpoints).toSorted()).toEqual(names);
  for (const url of Object.values(ready.endpoints).flat()) {
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  }
  expect(ready.queues).toContain('alphaswarm-dev-ingestion');
  expect(ready.functions.toSorted()).toEqual(functionNames.map((name) => `alphaswarm-dev-${name}`).toSorted());
  expect(ready.schedules.toSorted()).toEqual(scheduleKeys.toSorted());
  expect(await foreign(ready.endpoints.redis, 'GET alphaswarm:kill_switch')).toBe('$-1\r\n');
  running.process.kill('SIGINT');
  await running.ended;
  for (const event of running.events())
    expect(event).toMatchObject({ type: expect.any(String), atMs: expect.any(Number) });
  expect(running.events().at(-1)).toMatchObject({ type: 'stopped' });
});

/** The slot of this minute, so that nobody waits for the next. */
async function sendTick(endpoint: string): Promise<void> {
  const slot = `${new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString().slice(0, 19)}Z`;
  const MessageBody = JSON.stringify({ v: 1, schedule: 'status-sync', slot });
  const QueueUrl = `${endpoint}/000000000000/alphaswarm-dev-system`;
  await sqsClient(endpoint).send(new SendMessageCommand({ QueueUrl, MessageBody }));
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s while functions run ends every child and frees every port',
  async (signal) => {
    const ports = { sqs: await freePort(), redis: await freePort() };
    const running = up({ args: ['--sqs-port', String(ports.sqs), '--redis-port', String(ports.redis)] });
    const { endpoints } = await readyOf(running);
    expect([endpoints.sqs, endpoints.redis]).toEqual([
      `http://127.0.0.1:${ports.sqs}`,
      `redis://127.0.0.1:${ports.redis}`,
    ]);
    await sendTick(endpoints.sqs);
    await until('a run is begun', () => running.stdout().includes('run started'), 60_000);
    const environments = running.events().flatMap((event) => (event.type === 'environment-started' ? [event.pid] : []));
    expect(descendants(running.pid)).toEqual(expect.arrayContaining(environments));
    running.process.kill(signal);
    const ended = await running.ended;
    expect(ended).toMatchObject({ status: 0, signal: null, stderr: '' });
    expect(ended.pids.length).toBeGreaterThanOrEqual(3);
    expect(ended.ports).toEqual(expect.arrayContaining(Object.values(ports)));
    expect(leftovers(ended)).toEqual({ pids: [], ports: [] });
  },
);

test('one Ctrl-C that arrives three times, as through npm and the set-up script, still ends in order', async () => {
  const data = dataDir();
  const running = up({ data });
  const ready = await readyOf(running);
  for (let times = 0; times < 3; times += 1) {
    running.process.kill('SIGINT');
    await sleep(20);
  }
  // The last may meet the process on its way out, when nothing is left to end: what counts is that all was ended before.
  await running.ended;
  expect(running.events().at(-1)).toMatchObject({ type: 'stopped' });
  expect(readdirSync(data)).not.toContain('plane.lock');
  expect(ready.queues.length).toBeGreaterThan(0);
});

test('killed with SIGKILL its children die with it, and the next start in the same folder is cleanly fresh', async () => {
  const data = dataDir();
  const first = up({ data });
  const { endpoints } = await readyOf(first);
  expect(await foreign(endpoints.redis, 'SET alphaswarm:kill_switch 1')).toBe('+OK\r\n');
  const children = descendants(first.pid);
  const ports = listening([first.pid, ...children]).map(({ port }) => port);
  expect(children.length).toBeGreaterThanOrEqual(2);
  process.kill(first.pid, 'SIGKILL');
  await first.ended;
  await until('its children are gone', () => !children.some(isAlive));
  expect(leftovers({ pids: children, ports: [] }).pids).toEqual([]);
  // A free port may be anybody's again, another test's too, for as long as that runs.
  await until('its ports are free', () => leftovers({ pids: [], ports }).ports.length === 0, 60_000);

  const second = up({ data });
  const next = await readyOf(second);
  expect(await foreign(next.endpoints.redis, 'GET alphaswarm:kill_switch')).toBe('$-1\r\n');
  second.process.kill('SIGINT');
  expect(await second.ended).toMatchObject({ status: 0, stderr: '' });
});

/** What it said of its end: with --json that is JSON as well. */
function saidBy({ stderr }: Ended): string {
  if (!stderr.startsWith('{')) return stderr;
  return `alphaswarm: ${(JSON.parse(stderr) as { error: { message: string } }).error.message}`;
}

/** It ended with this status and said why in one line, without a stack, and nothing of it is left. */
function expectRefused(ended: Ended, message: RegExp, status = 1): void {
  expect(ended).toMatchObject({ status, signal: null });
  expect(saidBy(ended)).toMatch(message);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  expect(ended.stdout).not.toContain('"ready"');
  expect(leftovers(ended)).toEqual({ pids: [], ports: [] });
}

test('a second one in the same folder is refused, and the first runs on', async () => {
  const data = dataDir();
  const first = up({ data });
  const { endpoints } = await readyOf(first);
  const second = await up({ data }).ended;
  expectRefused(
    second,
    new RegExp(`^alphaswarm: The data folder .* belongs to a plane that runs as process ${first.pid}\\.`),
  );
  expect(await foreign(endpoints.redis, 'PING')).toBe('+PONG\r\n');
  first.process.kill('SIGINT');
  await first.ended;
});

test('a port that is taken is named, with what wanted it and what to do', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void squatter.close());
  await once(squatter, 'listening');
  const { port } = squatter.address() as { port: number };
  const ended = await up({ args: ['--redis-port', String(port)] }).ended;
  expectRefused(ended, new RegExp(`^alphaswarm: Valkey cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken`));
});

test.each<[string, (dir: string) => void, RegExp]>([
  ['that is not there', (dir) => rmSync(dir, { recursive: true }), /^alphaswarm: .*cdk\.out.*/],
  ['whose template is cut short', (dir) => cutTemplate(dir), /^alphaswarm: .*AlphaSwarm-dev\.template\.json.*/],
  [
    'whose manifest is no JSON',
    (dir) => writeFileSync(join(dir, 'manifest.json'), '{"version"'),
    /^alphaswarm: .*manifest\.json.*/,
  ],
  ['without its bundles', (dir) => removeBundles(dir), /^alphaswarm: .*asset.*/],
])('an assembly %s is refused with the file and what to do', async (_, spoil, message) => {
  const assembly = join(mkdtempSync(join(folder, 'assembly-')), 'cdk.out');
  cpSync(inject('assemblyDir'), assembly, { recursive: true });
  spoil(assembly);
  const ended = await up({ assembly }).ended;
  expectRefused(ended, message);
  expect(ended.stderr).toMatch(/synth|Run|run/);
});

const cutTemplate = (dir: string): void =>
  writeFileSync(join(dir, 'AlphaSwarm-dev.template.json'), '{"Resources": {"Queue": {"Type": "AWS::SQS');
function removeBundles(dir: string): void {
  for (const name of readdirSync(dir)) if (name.startsWith('asset.')) rmSync(join(dir, name), { recursive: true });
}

test('without any Valkey it says what to install', async () => {
  // A tree where none was fetched, and a PATH where none is installed.
  const copy = copyTree();
  onTestFinished(copy.remove);
  rmSync(join(copy.dir, '.cache'), { force: true });
  expect(existsSync(join(copy.dir, '.cache'))).toBe(false);
  const bare = join(folder, 'bare-path');
  mkdirSync(bare);
  const args = [join(copy.dir, 'bin', 'alphaswarm.ts'), 'up', '--assembly', inject('assemblyDir'), '--data', dataDir()];
  const ended = await startNode(args, { cwd: copy.dir, env: { PATH: bare } }).ended;
  expectRefused(ended, /^alphaswarm: No Valkey to be had: .*`apt install redis-server` .* or `brew install valkey`/);
});

test.each([
  [['up', '--port', '1'], /^alphaswarm: unknown option '--port'/],
  [['donw'], /^alphaswarm: unknown command 'donw'\n\(Did you mean down\?\)\n/],
  [['up', '--sqs-port', '70000'], /^alphaswarm: option '--sqs-port <n>' .* whole number from 0 to 65535/],
])('%j is refused with what to do', async (args, message) => {
  expectRefused(await startNode([program, ...args]).ended, message, 2);
});
