// The command line against a real plane: every step is a process, as a person or a script would run it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profileOf } from '#bin/up/profile.ts';
import { writePrivate } from '#client/private-file.ts';
import { startPlane, type Plane } from '#local/plane.ts';
import { synthesise } from '#test/local/fixtures/synth.ts';
import { browser } from '#test/local/fixtures/browser.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { alphaswarm, errorOf, home, type Ended } from '#test/unit/bin/cli/support.ts';
import { json, serving } from '#test/unit/client/support.ts';

let folder = '';
let plane: Plane;
let assemblyDir = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'alphaswarm-cli-'));
  const dataDir = join(folder, 'up');
  assemblyDir = synthesise();
  plane = await startPlane({ assemblyDir, dataDir, clock: 'wall' });
  writePrivate(join(dataDir, 'profile.json'), profileOf(plane));
});
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<Ended> =>
  alphaswarm([...args, '--data', join(folder, 'up')], { XDG_CONFIG_HOME: join(folder, 'config') });

/** What it answered, as JSON; it must have ended well. */
async function answer<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const ended = await run(...args, '--json');
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(ended.stdout) as T;
}
const linesOf = ({ stdout }: Ended) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; run: { id: string; state: string } });

const csv = 'Date,Open,High,Low,Close,Volume\n2026-01-05,1,2,1,2,10\n2026-01-06,2,3,1,2,10\n2026-01-07,2,3,1,2,10\n';
const pull = ['run', 'ingest.pull', '--dataset', 'prices', '--source.key', 'prices.csv'];
let pulled = '';

test('status, catalogue, queues, schedules and who one is are there for the asking', async () => {
  const [status, catalogue, queues, letters, schedule, token] = await Promise.all([
    answer('status'),
    run('catalogue', 'ingest.pull'),
    answer('queues'),
    answer('queues', 'ingestion'),
    answer('schedules', 'status-sync'),
    run('token', '--role', 'viewer', '--user', 'victor'),
  ]);
  expect(status).toMatchObject({
    health: { version: '1.0' },
    readiness: { status: 'ready' },
    halt: { state: 'clear' },
    me: { tenant: 'local', roles: ['operator'] },
  });
  expect(catalogue.stdout).toContain('--source.key <string>');
  expect(queues).toMatchObject({ queues: expect.arrayContaining([expect.objectContaining({ name: 'ingestion' })]) });
  expect(letters).toMatchObject({ queue: { name: 'ingestion' }, letters: [] });
  expect(schedule).toMatchObject({ key: 'status-sync', scheduler: { state: 'ENABLED' } });
  expect(token.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
});

test('a file is uploaded, pulled and followed to its end, shown, and its artefacts fetched whole', async () => {
  writeFileSync(join(folder, 'prices.csv'), csv);
  expect(await answer('upload', join(folder, 'prices.csv'))).toMatchObject({ path: 'prices.csv' });
  const ended = await run(...pull, '--follow', '--json');
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  const events = linesOf(ended);
  expect(events[0]).toMatchObject({ type: 'started', run: { task: 'ingest.pull' } });
  expect(events.at(-1)).toMatchObject({ type: 'ended', run: { state: 'succeeded', result: { rowsIn: 3 } } });
  pulled = events[0]?.run.id ?? '';
  expect(await answer('show', pulled)).toMatchObject({ id: pulled, state: 'succeeded', moreArtefacts: false });
  expect(await answer('runs', '--task', 'ingest.pull')).toMatchObject({ runs: [{ id: pulled }] });
  const to = join(folder, 'fetched');
  const { files } = await answer<{ files: { name: string; file: string; sha256: string }[] }>(
    'fetch',
    pulled,
    '--to',
    to,
  );
  expect(files.map(({ name }) => name).toSorted()).toEqual(readdirSync(to).toSorted());
  for (const { file, sha256 } of files) {
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
  }
  expect(await run('fetch', pulled, 'manifest.json', '--to', to)).toMatchObject({ status: 1 });
});

test('a run that fails ends the following with 1, and a run that is not there with 2', async () => {
  const ended = await run('run', 'ingest.pull', '--dataset', 'none', '--source.key', 'none.csv', '--follow');
  expect(ended.status).toBe(1);
  expect(ended.stderr).toContain('INPUT_INVALID');
  expect(ended.stderr).not.toContain('\u001b');
  expect(await run('show', '5f9cbe1c-6a63-5b1e-9b8e-0f3f2f6c9d11')).toMatchObject({ status: 2 });
});

test('what wants a stepped-up login gets one on this machine; a weak token is told how to become strong', async () => {
  expect(await answer('schedules', 'pause', 'status-sync', '--reason', 'drill')).toMatchObject({ did: 'paused' });
  expect(await answer('schedules', 'resume', 'status-sync', '--reason', 'drill')).toMatchObject({ did: 'resumed' });
  const weak = (await run('token', '--role', 'operator')).stdout.trim();
  const args = ['schedules', 'pause', 'status-sync', '--reason', 'drill', '--data', join(folder, 'up'), '--json'];
  const refused = await alphaswarm(args, { ALPHASWARM_TOKEN: weak });
  expect(refused).toMatchObject({ status: 4, stdout: '' });
  expect(errorOf(refused)).toMatchObject({ code: 'STEP_UP_REQUIRED', next: expect.stringContaining('--acr high') });
});

test('a login by code is kept for its owner alone, is whose name is used from then on, and is forgotten', async () => {
  const config = join(folder, 'person');
  const own = (...args: string[]) =>
    alphaswarm([...args, '--data', join(folder, 'up'), '--json'], { XDG_CONFIG_HOME: config });
  const { open, submit } = browser();
  const login = alphaswarm(
    ['login', '--acr', 'high', '--data', join(folder, 'up'), '--json'],
    { XDG_CONFIG_HOME: config },
    { onLine: (line) => void signIn(JSON.parse(line) as { completeAddress?: string }) },
  );
  async function signIn({ completeAddress }: { completeAddress?: string }) {
    if (completeAddress === undefined) return;
    const signing = await submit(await submit(await open(completeAddress)));
    const page = await submit(signing, [
      ['user', 'olga'],
      ['roles', 'operator'],
    ]);
    await submit(page, [['factor', 'shown']]);
  }
  expect(await login).toMatchObject({ status: 0, stderr: '' });
  const session = join(config, 'alphaswarm', 'sessions', 'local.json');
  expect(statSync(session).mode & 0o777).toBe(0o600);
  expect(JSON.parse((await own('me')).stdout)).toMatchObject({
    actor: { id: 'olga' },
    steppedUpAt: expect.any(String),
  });
  expect(await own('schedules', 'resume', 'status-sync', '--reason', 'as olga')).toMatchObject({ status: 0 });
  expect(JSON.parse((await own('logout')).stdout)).toEqual({ did: 'logged-out' });
  expect(statSync(session, { throwIfNoEntry: false })).toBeUndefined();
});

test('a halt is one command; what is started then is held and ends with 3; its epoch is released', async () => {
  const halted = await answer<{ halt: { epoch: number } }>('halt', '--reason', 'drill', '--yes');
  expect(halted).toMatchObject({ did: 'engaged', key: 'set', halt: { state: 'halted', reason: 'drill' } });
  expect(await run('status')).toMatchObject({ status: 3 });
  const held = await run(...pull, '--json');
  expect(held.status).toBe(3);
  expect(errorOf(held)).toMatchObject({ code: 'RUN_HELD', exit: 3 });
  expect(await run(...pull, '--follow')).toMatchObject({ status: 3 });
  expect(await run('run', 'runs.reap')).toMatchObject({ status: 3 });
  const before = String(halted.halt.epoch - 1);
  expect(await run('release', '--reason', 'over', '--epoch', before)).toMatchObject({ status: 4 });
  expect(await answer('release', '--reason', 'over', '--yes')).toMatchObject({ did: 'released' });
  expect(await answer('release', '--reason', 'over', '--yes')).toMatchObject({ did: 'nothing' });
  const { run: one } = JSON.parse(held.stdout) as { run: { id: string } };
  expect(await answer('cancel', one.id, '--reason', 'the drill is over')).toMatchObject({ run: { id: one.id } });
});

test('the audit names who did what, and a narrowed halt is one of its own', async () => {
  expect(await answer('halt', '--queue', 'paper', '--reason', 'narrow', '--yes')).toMatchObject({ did: 'narrowed' });
  expect(await run('status')).toMatchObject({ status: 0 });
  expect(await answer('release', '--queue', 'paper', '--reason', 'wide', '--yes')).toMatchObject({ did: 'widened' });
  const rows = linesOf(await run('audit', 'tail', '--subject', 'kill-switch', '--json'));
  expect(rows.at(-1)).toMatchObject({ effect: 'operation.widen', outcome: 'done', reason: 'wide', tenant: 'local' });
  expect(await answer('audit', 'verify')).toMatchObject({ intact: true, findings: [] });
  expect(await answer('halt', 'history')).toMatchObject({ entries: [{ did: 'widen' }, { did: 'narrow' }, {}, {}] });
});

test('with every issuer down nobody gets in, and the break-glass way halts all the same, audited', async () => {
  for (const issuer of ['entra', 'auth0'] as const) await plane.identity?.stopIssuer(issuer);
  const refused = await run('halt', '--reason', 'issuers down', '--yes', '--json');
  expect(refused).toMatchObject({ status: 5, stdout: '' });
  expect(errorOf(refused).message).toContain('No local issuer answers');
  expect(await answer('halt', '--direct', '--reason', 'issuers down', '--yes')).toMatchObject({
    did: 'engaged',
    key: 'set',
    audited: true,
    epoch: 2,
  });
  const key = plane.events().findLast(({ detailType }) => detailType === 'HaltEngaged');
  expect(JSON.stringify(key?.detail)).toContain('break-glass: issuers down');
  // What a developer has set for real AWS is not looked at.
  const own = { AWS_PROFILE: 'nobody', AWS_ENDPOINT_URL_DYNAMODB: 'https://dynamodb.us-east-1.amazonaws.com' };
  const args = ['halt', '--direct', '--task', 'ingest.pull', '--reason', 'too', '--yes', '--json'];
  const narrowed = await alphaswarm([...args, '--data', join(folder, 'up')], own);
  expect(narrowed).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(narrowed.stdout)).toMatchObject({ did: 'narrowed', audited: true });
});

test('of a deployed cell the function says where the plane is, and IAM in whose name it is halted', async () => {
  const arn = 'arn:aws:iam::000000000000:user/olga';
  const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${arn}</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`;
  const aws = await serving(({ method }, response) => {
    if (method === 'GET') json(response, 200, { Environment: { Variables: plane.environment('alphaswarm-dev-halt') } });
    else response.writeHead(200, { 'content-type': 'text/xml' }).end(identity);
  });
  const variables = {
    ...home({ gateway: 'https://gateway.example', issuers: [], cell: 'dev', region: 'us-east-1' }),
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_ENDPOINT_URL: aws.url,
  };
  const args = ['halt', '--direct', '--queue', 'hft', '--reason', 'deployed', '--yes', '--json'];
  const ended = await alphaswarm(args, variables);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(ended.stdout)).toEqual({ did: 'narrowed', by: arn, audited: true });
  expect(aws.heard.map(({ url }) => url).toSorted()).toEqual([
    '/',
    '/2015-03-31/functions/alphaswarm-dev-halt/configuration',
  ]);
});

test('up writes its profile for its owner alone, and down ends it; then nobody is reached', async () => {
  const data = join(folder, 'second');
  const up = alphaswarm(['up', '--json', '--assembly', assemblyDir, '--data', data]);
  const profile = join(data, 'profile.json');
  await until('the profile is there', () => statSync(profile, { throwIfNoEntry: false }) !== undefined, 30_000);
  expect(statSync(profile).mode & 0o777).toBe(0o600);
  expect(await alphaswarm(['queues', '--data', data])).toMatchObject({ status: 0 });
  expect(await alphaswarm(['down', '--data', data, '--json'])).toMatchObject({ status: 0, stderr: '' });
  expect(await up).toMatchObject({ status: 0, stderr: '' });
  expect(statSync(profile, { throwIfNoEntry: false })).toBeUndefined();
  expect(await alphaswarm(['down', '--data', data])).toMatchObject({ status: 0 });
  const nobody = await alphaswarm(['status', '--data', data]);
  expect(nobody.status).toBe(5);
  expect(nobody.stderr).toContain('npx alphaswarm up');
});
