// The command line against gateways that are down, slow, of another version, odd, or say no.
import { spawn, spawnSync } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { json, nobody, serving } from '#test/unit/client/support.ts';
import { alphaswarm, errorOf, home, temporary } from './support.ts';

const at = (gateway: string, also: object = {}) => home({ gateway, issuers: [], ...also });
const problem = (status: number, code: string, detail: string) => ({
  type: 'about:blank',
  title: code,
  status,
  code,
  detail,
  instance: 'urn:x',
});
const clear = { state: 'clear', why: 'key and mirror are clear', phase: 'clear', epoch: 3, narrowed: [] };

test('a gateway that is down ends with 5, and says where nobody was', async () => {
  const url = await nobody();
  const ended = await alphaswarm(['queues', '--json'], at(url));
  expect(ended).toMatchObject({ status: 5, stdout: '' });
  expect(errorOf(ended)).toMatchObject({ code: 'UNREACHABLE', exit: 5, message: expect.stringContaining(url) });
});

test('a gateway that does not answer ends with 5 after the time that was given', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => silent.closeAllConnections());
  onTestFinished(() => void silent.close());
  const url = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
  const ended = await alphaswarm(['halt', '--reason', 'x', '--yes', '--timeout', '0.3'], at(url));
  expect(ended.status).toBe(5);
  expect(ended.stderr).toContain('did not answer within 0.3 s. What was asked for may have been done all the same');
});

test('a gateway of another major version ends with 5, and says which of the two to change', async () => {
  const { url } = await serving((_, response) =>
    json(response, { status: 200, headers: { 'alphaswarm-version': '2.3' } }, { queues: [] }),
  );
  const ended = await alphaswarm(['queues'], at(url));
  expect(ended.status).toBe(5);
  expect(ended.stderr).toMatch(
    /speaks version 2\.3 of its interface, and this client version 1\. Update this checkout/,
  );
});

test('fields of a later minor version are passed over', async () => {
  const { url } = await serving((_, response) =>
    json(
      response,
      { status: 200, headers: { 'alphaswarm-version': '1.9' } },
      { ...clear, mood: 'calm', schedules: [] },
    ),
  );
  expect(await alphaswarm(['release', '--reason', 'x', '--yes'], at(url))).toMatchObject({ status: 0, stderr: '' });
});

test.each([
  ['a page', (response: ServerResponse) => void response.end('<html>It works!</html>')],
  ['other JSON', (response: ServerResponse) => json(response, 200, { hello: 'world' })],
  ['no such page', (response: ServerResponse) => json(response, 404, { message: 'Not Found' })],
])('something else than a gateway, which answers with %s, ends with 5', async (_, answer) => {
  const { url } = await serving((_heard, response) => answer(response));
  expect(await alphaswarm(['queues'], at(url))).toMatchObject({ status: 5, stdout: '' });
});

test('not ready is shown with what is missing, and ends with 5', async () => {
  const checks = [
    { name: 'ledger', ok: true, ms: 1 },
    { name: 'redis', ok: false, ms: 1000 },
  ];
  const answers: Record<string, [number, unknown]> = {
    '/healthz': [200, { status: 'ok', door: 'gateway', version: '1.0' }],
    '/readyz': [503, { status: 'not-ready', checks }],
    '/halt': [200, clear],
    '/queues': [200, { queues: [] }],
    '/me': [
      200,
      {
        actor: { kind: 'human', id: 'olga' },
        tenant: 't',
        roles: ['operator'],
        issuer: 'entra',
        tokenExpiresAt: '2026-01-05T00:00:00Z',
        mayStart: [],
        mayCall: [],
      },
    ],
  };
  const { url, heard } = await serving(({ url: path }, response) => json(response, ...(answers[path] ?? [404, {}])));
  const ended = await alphaswarm(['status', '--json'], at(url));
  expect(ended.status).toBe(5);
  expect(errorOf(ended)).toMatchObject({ code: 'NOT_READY', message: expect.stringContaining('redis') });
  expect(JSON.parse(ended.stdout)).toMatchObject({ readiness: { status: 'not-ready', checks } });
  // It is an answer, and not one to be asked for again.
  expect(heard.filter((one) => one.url === '/readyz')).toHaveLength(1);
});

test('a challenge to step up ends with 4, and names the command that does', async () => {
  const { url } = await serving((_, response) =>
    json(response, 401, problem(401, 'STEP_UP_REQUIRED', 'A stronger authentication is needed here')),
  );
  const ended = await alphaswarm(['schedules', 'pause', 'status-sync', '--reason', 'x'], at(url));
  expect(ended).toMatchObject({ status: 4, stdout: '' });
  expect(ended.stderr).toContain('npx alphaswarm login --acr high');
});

test('without a token and without a login it ends with 4, and nothing is sent', async () => {
  const { url, heard } = await serving((_, response) => json(response, 200, {}));
  const { ALPHASWARM_TOKEN: _, ...variables } = at(url) as Record<string, string>;
  const ended = await alphaswarm(['queues'], variables);
  expect(ended.status).toBe(4);
  expect(ended.stderr).toContain('You are not logged in: run `alphaswarm login`');
  expect(heard).toEqual([]);
});

test('a start that the halt refuses ends with 3', async () => {
  const { url } = await serving((_, response) =>
    json(response, 423, problem(423, 'KILL_SWITCH_HALTED', 'nothing begins in a halt')),
  );
  expect(await alphaswarm(['run', 'status.sync'], at(url))).toMatchObject({ status: 3 });
});

test('what does not fit a payload is said of its flags', async () => {
  const issues = [{ path: 'body.payload.source', message: 'is missing' }];
  const { url, heard } = await serving((_, response) =>
    json(response, 422, { ...problem(422, 'PAYLOAD_INVALID', 'it does not fit'), issues }),
  );
  const ended = await alphaswarm(['run', 'ingest.pull', '--payload', '-', '--dataset', 'b'], at(url), {
    stdin: '{"dataset":"a"}',
  });
  expect(ended).toMatchObject({ status: 2, stdout: '' });
  expect(ended.stderr).toContain('--source.key: is missing');
  expect(JSON.parse(heard[0]?.body ?? '')).toEqual({
    task: 'ingest.pull',
    payload: { dataset: 'b', connector: 'csv' },
  });
});

test('of a token four characters are shown where that is asked for, and none otherwise', async () => {
  const { url } = await serving((_, response) => json(response, 200, { queues: [] }));
  const variables = at(url) as Record<string, string>;
  expect((await alphaswarm(['queues'], variables)).stderr).toBe('');
  const { stdout, stderr } = await alphaswarm(['queues', '--unsafe-print-token-prefixes'], variables);
  expect(stderr).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/queues 200 in \d+ ms, token eyJh\.\.\.\n$/);
  expect(`${stdout}${stderr}`).not.toContain(variables['ALPHASWARM_TOKEN']?.slice(0, 5));
});

test('a token of a few characters is not given away by its prefix', async () => {
  const { url } = await serving((_, response) => json(response, 200, { queues: [] }));
  const { stderr } = await alphaswarm(['queues', '--unsafe-print-token-prefixes'], {
    ...at(url),
    ALPHASWARM_TOKEN: 'abcd',
  });
  expect(stderr).toContain('token a...');
});

test('an audit is verified to its last hour, and one that is not intact ends with 1', async () => {
  const parts = [
    {
      intact: true,
      findings: [],
      anchors: 2,
      chains: 3,
      rows: 40,
      notAnchored: [],
      expired: [],
      nextHour: '2026-01-05T02',
    },
    {
      intact: false,
      findings: [{ hour: '2026-01-05T02', what: 'altered', writer: 'w', seq: 7 }],
      anchors: 1,
      chains: 1,
      rows: 9,
      notAnchored: ['2026-01-05T03'],
      expired: [],
    },
  ];
  const { url, heard } = await serving((_, response, nth) => json(response, 200, parts[nth - 1]));
  const ended = await alphaswarm(
    ['audit', 'verify', '--from', '2026-01-05T00', '--to', '2026-01-05T03', '--json'],
    at(url),
  );
  expect(ended.status).toBe(1);
  expect(errorOf(ended)).toMatchObject({ code: 'AUDIT_BROKEN' });
  expect(JSON.parse(ended.stdout)).toEqual({ ...parts[1], anchors: 3, chains: 4, rows: 49 });
  expect(heard.map((one) => one.url)).toEqual([
    '/audit/verify?from=2026-01-05T00&to=2026-01-05T03',
    '/audit/verify?from=2026-01-05T02&to=2026-01-05T03',
  ]);
});

test('the tail of an audit is oldest first, and goes on with what comes, each row once', async () => {
  const row = (seq: number) => ({
    at: `2026-01-05T00:00:0${seq}Z`,
    effect: 'operation.start',
    subject: 's',
    tenant: 't',
    actor: { kind: 'human', id: 'anna' },
    hour: '2026-01-05T00',
    writer: 'w',
    seq,
    hash: 'h',
  });
  const pages = [
    [row(3), row(2), row(1)],
    [row(4), row(3), row(2), row(1)],
  ];
  const { url } = await serving((_, response, nth) => json(response, 200, { rows: pages[nth - 1] ?? pages[1] }));
  const over = new AbortController();
  const seen: number[] = [];
  await alphaswarm(['audit', 'tail', '--follow', '--limit', '2', '--json'], at(url), {
    signal: over.signal,
    onLine: (line) => {
      const { seq } = JSON.parse(line) as { seq: number };
      seen.push(seq);
      if (seq === 4) over.abort();
    },
  });
  expect(seen).toEqual([2, 3, 4]);
});

test('halting wants a yes, which nobody can say where there is no terminal', async () => {
  const { url, heard } = await serving((_, response) => json(response, 200, {}));
  const ended = await alphaswarm(['halt', '--reason', 'x'], at(url));
  expect(ended).toMatchObject({ status: 2, stdout: '' });
  expect(ended.stderr).toContain('--yes');
  expect(heard).toEqual([]);
});

test('a release names the halt that was seen, and none when nothing is halted', async () => {
  const halted = { ...clear, state: 'halted', phase: 'engaged', epoch: 4, origin: 'ours', by: 'anna', reason: 'drill' };
  const one = { queue: 'ingestion', by: 'ben', reason: 'a bad source', at: '2026-01-05T12:00:00.000Z' };
  const { url, heard } = await serving(({ method }, response) =>
    json(response, 200, method === 'GET' ? halted : { did: 'released', halt: { ...clear, narrowed: [one] } }),
  );
  const ended = await alphaswarm(['release', '--reason', 'over', '--yes'], at(url));
  expect(ended.status).toBe(0);
  expect(ended.stderr).toContain('drill');
  expect(ended.stderr).toMatch(/Still halted: queue ingestion by ben since .*: a bad source/);
  expect(JSON.parse(heard[1]?.body ?? '')).toEqual({ reason: 'over', epoch: 4 });
  await alphaswarm(['release', '--reason', 'over', '--epoch', '2'], at(url));
  expect(JSON.parse(heard[2]?.body ?? '')).toEqual({ reason: 'over', epoch: 2 });
});

test('a release of a queue names since when it has been halted, as it was shown', async () => {
  const one = { queue: 'ingestion', by: 'anna', reason: 'a bad source', at: '2026-01-05T12:00:00.000Z' };
  const { url, heard } = await serving(({ method }, response) =>
    json(response, 200, method === 'GET' ? { ...clear, narrowed: [one] } : { did: 'widened', halt: clear }),
  );
  const ended = await alphaswarm(['release', '--queue', 'ingestion', '--reason', 'over', '--yes'], at(url));
  expect(ended.status).toBe(0);
  expect(JSON.parse(heard[1]?.body ?? '')).toEqual({ reason: 'over', queue: 'ingestion', at: one.at });
});

test('the audit is verified from an hour or a day on, through as many requests as it takes', async () => {
  const part = { intact: true, findings: [], anchors: 1, chains: 1, rows: 2, notAnchored: [], expired: [] };
  const { url, heard } = await serving(({ url: asked }, response) =>
    json(response, 200, asked.includes('from=2026-01-05T00') ? { ...part, nextHour: '2026-02-06T00' } : part),
  );
  const ended = await alphaswarm(['audit', 'verify', '--from', '2026-01-05', '--to', '2026-02-06', '--json'], at(url));
  expect(ended.status).toBe(0);
  expect(JSON.parse(ended.stdout)).toMatchObject({ anchors: 2, rows: 4 });
  expect(heard.map(({ url: asked }) => asked.replace(/^.*\?/, ''))).toEqual([
    'from=2026-01-05T00&to=2026-02-06T23',
    'from=2026-02-06T00&to=2026-02-06T23',
  ]);
  const wrong = await alphaswarm(['audit', 'verify', '--from', 'monday'], at(url));
  expect(wrong).toMatchObject({ status: 2, stderr: expect.stringMatching(/--from.*as 2026-01-05T12, or a day/s) });
});

test('profiles that others may read are refused', async () => {
  const folder = temporary();
  mkdirSync(join(folder, 'alphaswarm'));
  const file = join(folder, 'alphaswarm', 'profiles.json');
  writeFileSync(file, '{}');
  chmodSync(file, 0o644);
  const ended = await alphaswarm(['status', '--profile', 'prod'], { XDG_CONFIG_HOME: folder });
  expect(ended.status).toBe(2);
  expect(ended.stderr).toContain('chmod 600');
});

test('the break-glass way of a deployed profile wants its cell and region', async () => {
  const ended = await alphaswarm(['halt', '--direct', '--reason', 'x', '--yes'], at('https://gateway.example'));
  expect(ended.status).toBe(2);
  expect(ended.stderr).toContain('names no cell and region');
});

test('a file is laid into the inbox by the link that the gateway gives, and no token goes to the bucket', async () => {
  const bucket = await serving((_, response) => response.end());
  const link = {
    method: 'PUT',
    href: `${bucket.url}/key?signed`,
    headers: { 'content-type': 'text/csv' },
    path: 'a.csv',
    expiresAt: '2026-01-05T00:00:00Z',
  };
  const { url } = await serving((_, response) => json(response, 200, link));
  const file = join(temporary(), 'a.csv');
  writeFileSync(file, 'Date\n');
  const ended = await alphaswarm(['upload', file, '--json'], at(url));
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(ended.stdout)).toMatchObject({
    path: 'a.csv',
    sizeBytes: 5,
    sha256: expect.stringMatching(/^[\da-f]{64}$/),
  });
  expect(bucket.heard[0]).toMatchObject({ method: 'PUT', body: readFileSync(file, 'utf8') });
  expect(bucket.heard[0]?.headers).not.toHaveProperty('authorization');
  expect(statSync(file).size).toBe(5);
});

test('what IAM forbids on the break-glass way ends with 4, and the page that lists what it must allow is named', async () => {
  const { url, heard } = await serving((_, response) =>
    json(
      response,
      { status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } },
      { message: 'not authorized to perform: lambda:GetFunctionConfiguration' },
    ),
  );
  const ended = await alphaswarm(['halt', '--direct', '--reason', 'x', '--yes'], {
    ...at('https://gateway.example', { cell: 'prod', region: 'eu-central-1' }),
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_ENDPOINT_URL: url,
  });
  expect(ended).toMatchObject({ status: 4, stdout: '' });
  expect(ended.stderr).toMatch(/lambda:GetFunctionConfiguration\ndocs\/cli\.md/);
  expect(heard.map((one) => one.url)).toContain('/2015-03-31/functions/alphaswarm-prod-halt/configuration');
});

test('without credentials of AWS the break-glass way ends with 4', async () => {
  const ended = await alphaswarm(['halt', '--direct', '--reason', 'x', '--yes'], {
    ...at('https://gateway.example', { cell: 'prod', region: 'eu-central-1' }),
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  expect(ended).toMatchObject({ status: 4, stdout: '' });
  expect(ended.stderr).toContain('AWS_PROFILE');
});

/** util-linux's `script` gives the command a terminal. */
const hasTerminal = spawnSync('script', ['--version']).status === 0;

test.runIf(hasTerminal).each([
  ['y', 0, 1],
  ['n', 2, 0],
  ['', 2, 0],
])('at a terminal %j to the one question ends with %d', async (typed, status, sent) => {
  const halted = { did: 'engaged', key: 'set', halt: { ...clear, state: 'halted' } };
  const { url, heard } = await serving((_, response) => json(response, 200, halted));
  const program = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'alphaswarm.ts');
  const command = `"${process.execPath}" "${program}" halt --reason drill`;
  const env = { PATH: process.env['PATH'] ?? '', ...at(url) };
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('[y/N]') && child.stdin.writable) child.stdin.end(`${typed}\n`);
  });
  const [exitCode] = (await once(child, 'exit')) as [number];
  expect([exitCode, heard.length]).toEqual([status, sent]);
  expect(said).toContain('Halt the whole plane of prod? Nothing begins until it is released.');
});
