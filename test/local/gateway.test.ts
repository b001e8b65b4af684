// The doors as whoever uses them finds them: the synthesised plane, tokens of its issuers over HTTP, the client's own calls.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Client } from '#client/client.ts';
import type { AuditEntry } from '#core/ports.ts';
import { defaultCsv } from '#bin/demo/csv-file.ts';
import { localToken } from '#local/identity/token.ts';
import { startPlane, type Plane } from '#local/plane.ts';
import { listenOnLoopback } from '#local/loopback.ts';
import { temporaryFolder } from '#test/local/fixtures/assembly.ts';
import { synthesise } from '#test/local/fixtures/synth.ts';

let plane: Plane;
const said: string[] = [];
/** Functions that were invoked, by their entry points. */
const invoked = new Set<string>();
const secret = `whsec_${Buffer.from('a secret of thirty-two bytes....').toString('base64')}`;
const callbacks: { headers: Record<string, unknown>; body: string }[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    callbacks.push({ headers: request.headers, body });
    response.writeHead(204).end();
  });
});
let receiverPort = 0;

beforeAll(async () => {
  const dataDir = join(temporaryFolder(), 'plane');
  plane = await startPlane({
    assemblyDir: synthesise(),
    dataDir,
    clock: 'wall',
    onEvent(event) {
      if (event.type === 'log') said.push(event.line);
      if (event.type === 'invocation-ended') invoked.add(event.function.replace(/^.*-/, ''));
    },
  });
  writeFileSync(join(dataDir, 'secrets.json'), JSON.stringify({ 'webhooks/local/orders': { current: secret } }), {
    mode: 0o600,
  });
  receiverPort = await listenOnLoopback(receiver, { what: 'The receiver', port: undefined });
}, 120_000);
afterAll(async () => {
  await plane.stop();
  receiver.close();
});

const issuer = (): string => plane.endpoints.issuers[0] ?? '';
const as = (user: string, role: string, over: { tenant?: string } = {}): Client =>
  createClient({
    baseUrl: plane.endpoints.gateway,
    socketsUrl: plane.endpoints.sockets,
    token: ({ stepUp }) => localToken({ issuer: issuer(), user, role, acr: stepUp ? 'high' : 'low', ...over }),
  });
const ended = async (client: Client, id: string) => {
  for await (const told of client.follow(id)) if (told.type === 'ended') return told.run;
  throw new Error(`run ${id} did not end`);
};

describe('a run of three levels: asked for at the gateway, pulled by a light function, backtested by an executor', () => {
  let [pulled, tested] = ['', ''];
  it('is done, followed over a WebSocket frame by frame, told to whoever is to be called back', async () => {
    const rita = as('rita', 'researcher');
    await rita.upload('sp500.csv', readFileSync(defaultCsv()), 'text/csv');
    const { run } = await rita.start({
      task: 'ingest.pull',
      payload: {
        connector: 'csv',
        dataset: 'sp500-daily',
        source: { key: 'sp500.csv' },
        next: { backtest: { strategy: { name: 'sma-cross', params: { fast: 10, slow: 20 } } } },
      },
      callback: { url: `http://127.0.0.1:${receiverPort}/runs`, secret: 'webhooks/orders' },
    });
    pulled = run.id;
    const seqs: string[] = [];
    for await (const told of rita.follow(run.id)) {
      if (told.type === 'frame') seqs.push(`${told.frame.fence}.${told.frame.seq}`);
      if (told.type === 'gap') seqs.push('gap');
      if (told.type === 'ended') expect(told.run.state).toBe('succeeded');
    }
    expect(seqs).toEqual(seqs.map((_, at) => `1.${at + 1}`));
    // Not by the long poll, to which a client falls back. What the relay has posted is here before its invocation is over.
    await expect.poll(() => [...invoked], { timeout: 10_000 }).toEqual(expect.arrayContaining(['sockets', 'relay']));
    const detail = await rita.run(run.id);
    tested = (detail.result as { started: string }).started;
    const backtest = await ended(rita, tested);
    expect(backtest).toMatchObject({
      state: 'succeeded',
      task: 'backtest.run',
      actor: { kind: 'human', id: run.actor.id },
    });
    const report = backtest.artefacts.find(({ name }) => name === 'report.html');
    expect(new TextDecoder().decode(await rita.download(report!.href))).toContain('<html');
  }, 90_000);

  it('calls back, signed by the secret of the tenant', async () => {
    await expect.poll(() => callbacks.length, { timeout: 20_000 }).toBeGreaterThan(0);
    const { headers, body } = callbacks[0]!;
    expect(JSON.parse(body)).toMatchObject({ type: 'run.succeeded', data: { run: pulled, tenant: 'local' } });
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const wanted = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    expect(headers['webhook-signature']).toBe(wanted);
  });

  it('is reconstructed from the audit alone: who, on what, in which order, with which outcome', async () => {
    const vera = as('vera', 'viewer');
    // Read by subject alone, beginning with the first id that is known: the second is found in a row of the first.
    const rowsOf = async (subject: string) => (await vera.audit({ subject, limit: 100 })).rows.toReversed();
    const first = await rowsOf(pulled);
    const startOf = (effect: AuditEntry['effect']) =>
      first.find((row) => row.effect === effect && row.outcome === 'done');
    const start = startOf('operation.start');
    expect(start).toMatchObject({
      actor: { kind: 'human' },
      tenant: 'local',
      from: '127.0.0.1',
      arguments: { task: 'ingest.pull' },
    });
    const further = startOf('runs.start')?.arguments as { run: string; task: string };
    expect(further).toEqual({ run: tested, task: 'backtest.run' });
    const second = await rowsOf(further.run);
    const story = [...first, ...second].map(
      ({ effect, outcome = 'intent', actor }) => `${actor.kind} ${effect} ${outcome}`,
    );
    // Each effect once before and once after; nothing is done by anybody else.
    expect(new Set([...first, ...second].map(({ actor }) => actor.id))).toEqual(new Set([start!.actor.id]));
    const counted = (ending: string) => story.filter((line) => line.endsWith(ending)).length;
    expect(counted('intent')).toBe(counted('done'));
    expect(story.slice(0, 2)).toEqual(['human operation.start intent', 'human operation.start done']);
    expect(story).toContain('human datasets.publish done');
    expect(second.map(({ effect }) => effect)).toContain('artefacts.put');
    // An intent stands before its outcome, in the order of the chain that both are in.
    for (const rows of [first, second])
      for (const [at, row] of rows.entries())
        if (row.outcome) expect(rows.slice(0, at).some((one) => !one.outcome && one.effect === row.effect)).toBe(true);
  });

  it("is nobody's of another tenant", async () => {
    const eve = as('eve', 'operator', { tenant: 'umbrella' });
    await expect(eve.run(pulled)).rejects.toMatchObject({ status: 404, code: 'RUN_UNKNOWN' });
    expect((await eve.audit({ subject: pulled })).rows).toEqual([]);
    expect((await eve.list()).runs).toEqual([]);
  });
});

it('ends a WebSocket whose token has expired, with the next reaping, though nothing is posted to it', async () => {
  const token = await localToken({ issuer: issuer(), user: 'vera', role: 'viewer', expiresInSeconds: 2 });
  const socket = new WebSocket(plane.endpoints.sockets, ['alphaswarm.v1', `bearer.${token}`]);
  const [opened, closed] = ['open', 'close'].map(
    (type) => new Promise((resolve) => socket.addEventListener(type, resolve)),
  );
  await opened;
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await plane.scheduler.deliver(
    plane.scheduler.schedules().find(({ name }) => name.endsWith('runs-reap'))?.name ?? '',
    Math.floor(plane.clock.now() / 60_000) * 60_000,
  );
  await closed;
  expect(socket.readyState).toBe(WebSocket.CLOSED);
}, 20_000);

it('is a server of tools to a client of the Model Context Protocol, under the same identity and audit', async () => {
  const token = await localToken({ issuer: issuer(), client: 'alphaswarm-core', onBehalfOf: 'rita', role: 'service' });
  const transport = new StreamableHTTPClientTransport(new URL(`${plane.endpoints.gateway}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  const mcp = new McpClient({ name: 'test', version: '1' });
  await mcp.connect(transport);
  expect((await mcp.listTools()).tools.map(({ name }) => name)).toContain('backtest_run');
  const asked = {
    name: 'backtest_run',
    arguments: { data: { dataset: 'sp500-daily' }, strategy: { name: 'sma-cross' } },
  };
  const { structuredContent } = await mcp.callTool(asked);
  const { run } = structuredContent as { run: { id: string } };
  expect((await ended(as('vera', 'viewer'), run.id)).actor).toMatchObject({
    kind: 'service',
    onBehalfOf: expect.any(String),
  });
  const { rows } = await as('vera', 'viewer').audit({ subject: run.id });
  expect(rows.at(-1)).toMatchObject({ effect: 'operation.start', from: '127.0.0.1 by mcp' });
  await mcp.close();
}, 30_000);

it('halts with a strong token, refuses what begins, releases by epoch, and verifies', async () => {
  const [olga, rita] = [as('olga', 'operator'), as('rita', 'researcher')];
  await expect(rita.halt('mine')).rejects.toMatchObject({ status: 403 });
  const { halt } = await olga.halt('a drill');
  expect(halt.state).toBe('halted');
  const { run } = await rita.start({
    task: 'backtest.run',
    payload: { data: { dataset: 'sp500-daily' }, strategy: { name: 'sma-cross' } },
  });
  expect(run.state).toBe('held');
  expect((await rita.cancel(run.id, 'not now')).did).toBe('cancelled');
  expect(await olga.release('over', { epoch: halt.epoch })).toMatchObject({ did: 'released' });
  expect((await olga.haltHistory()).entries.length).toBeGreaterThan(1);
  expect(await olga.verifyAudit()).toMatchObject({ intact: true, findings: [] });
});

it('says that it is ready, and leaves no secret and no token in any log line', async () => {
  const nobody = as('nobody', 'viewer');
  expect(await nobody.readiness()).toMatchObject({ status: 'ready' });
  const text = said.join('\n');
  expect(text).not.toContain(secret);
  expect(text).not.toMatch(/eyJ[\w-]{20,}\.[\w-]{20,}/);
});
