import { describe, expect, it } from 'vitest';
import { engage } from '#core/halt.ts';
import { startRun } from '#gateway/start-run.ts';
import { drive } from '#test/unit/core/support.ts';
import { people, pull } from '#test/unit/gateway/support.ts';
import { mcpDoor } from './support.ts';

const backtest = { data: { dataset: 'sp500-daily' }, strategy: { name: 'sma-cross', params: { fast: 10, slow: 30 } } };

describe('a tool that starts a task', () => {
  it.each([
    ['ingest_pull', 'ingest.pull', 'ingestion', pull.payload],
    ['backtest_run', 'backtest.run', 'backtest', backtest],
  ] as const)('%s says the id of the run, whose row and message are there', async (...[name, task, queue, given]) => {
    const { call, plane } = await mcpDoor();
    const { isError, said, text } = await call('rita', name, given);
    expect(isError).toBe(false);
    expect(JSON.parse(text)).toStrictEqual(said);
    expect(said).toMatchObject({
      id: said.run.id,
      state: 'queued',
      created: true,
      next: expect.stringContaining('follow_run'),
      run: { task, queue, tenant: 'acme', actor: { kind: 'human', id: 'rita' } },
    });
    expect(await plane.ledger.read(said.id)).toMatchObject({ task, tenant: 'acme', state: 'queued' });
    expect(plane.queues.receive(queue, 10)).toHaveLength(1);
  });

  it('is audited before and after, with who asked, from where, and that it was a tool', async () => {
    const { call, plane } = await mcpDoor();
    const { said } = await call('bot', 'ingest_pull', pull.payload);
    const about = {
      effect: 'operation.start',
      subject: said.id,
      task: 'ingest.pull',
      tenant: 'acme',
      actor: { kind: 'service', id: 'bot', onBehalfOf: 'rita' },
      from: '192.0.2.7 by mcp',
      arguments: { task: 'ingest.pull', payloadBytes: expect.any(Number) },
    };
    expect(plane.audit.entries).toStrictEqual([
      expect.objectContaining(about),
      expect.objectContaining({ ...about, outcome: 'done' }),
    ]);
  });

  it('in a halt holds the run, sends nothing, and says so', async () => {
    const { call, plane } = await mcpDoor();
    await drive(plane, engage(plane, { by: 'olga', reason: 'prices are wrong' }));
    const { isError, said } = await call('rita', 'ingest_pull', pull.payload);
    expect(isError).toBe(false);
    expect(said).toMatchObject({ state: 'held', next: expect.stringMatching(/halted.*release.*get_halt/) });
    expect(plane.queues.receive('ingestion', 10)).toStrictEqual([]);
  });

  it('in a halt skips what is not held, and says so', async () => {
    const { call, plane } = await mcpDoor();
    await drive(plane, engage(plane, { by: 'olga', reason: 'prices are wrong' }));
    const { said } = await call('otto', 'runs_reap');
    expect(said).toMatchObject({ state: 'skipped', next: expect.stringContaining('skipped') });
  });

  it('while the switch cannot be read is refused, begins nothing, and says when to ask again', async () => {
    const { call, plane } = await mcpDoor();
    plane.key.down = true;
    const { isError, said, text } = await call('rita', 'ingest_pull', pull.payload);
    expect(isError).toBe(true);
    expect(said).toMatchObject({ code: 'KILL_SWITCH_UNKNOWN', status: 503, retryAfterSeconds: 5 });
    expect(text).toMatch(/^KILL_SWITCH_UNKNOWN: ingest\.pull was not enqueued.*\nTry again after 5 s\.$/s);
    expect(plane.ledger.rows.size).toBe(0);
    expect(plane.audit.entries.map(({ outcome }) => outcome)).toStrictEqual([undefined, 'denied']);
  });

  it.each([
    ['a field of another kind', { ...pull.payload, dataset: 7 }, 'arguments.dataset'],
    ['a field that is missing', { connector: 'csv', dataset: 'a' }, 'arguments.source'],
    ['a field that nobody knows', { ...pull.payload, datasett: 'x' }, 'arguments.datasett'],
    ['nothing at all', {}, 'arguments.connector'],
  ])('refuses %s by its place, and begins nothing', async (_, given, path) => {
    const { call, plane } = await mcpDoor();
    const { isError, said, text } = await call('rita', 'ingest_pull', given);
    expect(isError).toBe(true);
    expect(said).toMatchObject({ code: 'PAYLOAD_INVALID', status: 422, instance: 'urn:request:request-1' });
    expect(said.issues.map((issue: { path: string }) => issue.path)).toContain(path);
    expect(text).toMatch(/^PAYLOAD_INVALID: arguments\./);
    expect(text).toContain(`\n${path}: `);
    expect(plane.ledger.rows.size).toBe(0);
    expect(plane.audit.entries).toStrictEqual([]);
  });

  it('refuses a secret by where it stands, and says it nowhere', async () => {
    const { call, plane } = await mcpDoor();
    const key = `AKIA${'ABCDEFGH23456723'}`;
    const answer = await call('rita', 'ingest_pull', { ...pull.payload, source: { key: `${key}.csv` } });
    expect(answer).toMatchObject({
      isError: true,
      said: { code: 'SECRET_IN_PAYLOAD', issues: [{ path: 'arguments.source.key' }] },
    });
    expect(JSON.stringify([answer, plane.log.lines, plane.audit.entries])).not.toContain(key);
    expect(plane.ledger.rows.size).toBe(0);
  });
});

describe('an idempotency key', () => {
  it('makes the same call the same run, and another person’s another one', async () => {
    const { call, plane } = await mcpDoor();
    const given = { ...pull.payload, idempotencyKey: 'nightly-1' };
    const first = await call('rita', 'ingest_pull', given);
    const again = await call('rita', 'ingest_pull', given);
    expect(first.said).toMatchObject({ created: true });
    expect(again.said).toMatchObject({ created: false, id: first.said.id });
    expect((await call('bot', 'ingest_pull', given)).said.id).not.toBe(first.said.id);
    expect(plane.ledger.rows.size).toBe(2);
    expect((await plane.ledger.read(first.said.id))?.payload).toStrictEqual({
      inline: { ...pull.payload, calendar: 'auto' },
    });
  });

  it('with other arguments is refused, and so is one that cannot be part of an id', async () => {
    const { call, plane } = await mcpDoor();
    await call('rita', 'ingest_pull', { ...pull.payload, idempotencyKey: 'k' });
    const other = await call('rita', 'ingest_pull', { ...pull.payload, dataset: 'other', idempotencyKey: 'k' });
    expect(other.said).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    for (const idempotencyKey of ['', '.k', 'a/b', 'a'.repeat(65), 7, null]) {
      expect((await call('rita', 'ingest_pull', { ...pull.payload, idempotencyKey })).said).toMatchObject({
        code: 'REQUEST_INVALID',
        issues: [{ path: 'arguments.idempotencyKey' }],
      });
    }
    expect(plane.ledger.rows.size).toBe(1);
  });

  it('is the same over HTTP and as a tool: one person, one key, one run', async () => {
    const { call, ports } = await mcpDoor();
    const over = await startRun(
      ports,
      { caller: people.rita, from: 'x' },
      { ...pull, task: 'ingest.pull', where: 'b', idempotencyKey: 'k' },
    );
    expect((await call('rita', 'ingest_pull', { ...pull.payload, idempotencyKey: 'k' })).said).toMatchObject({
      created: false,
      id: over.run.id,
    });
  });
});
