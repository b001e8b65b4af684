import { describe, expect, it } from 'vitest';
import { runRow } from '#test/unit/core/support.ts';
import { gateway, problem, pull } from './support.ts';

describe('starting a run', () => {
  it('answers 202 with the run and where it is, and its row and message are there', async () => {
    const { post, get, plane } = gateway();
    const answer = await post('/runs', 'rita', pull);
    expect(answer).toMatchObject({
      status: 202,
      body: { created: true, run: { task: 'ingest.pull', queue: 'ingestion', state: 'queued', tenant: 'acme' } },
    });
    const { id } = answer.body.run;
    expect(answer.headers.get('location')).toBe(`/runs/${id}`);
    expect(await get(`/runs/${id}`)).toMatchObject({ status: 200, body: { id, payload: { dataset: 'sp500-daily' } } });
    expect(plane.queues.receive('ingestion', 10)).toHaveLength(1);
  });

  it('is audited before and after, under the id of the run, with who asked from where', async () => {
    const { post, plane } = gateway();
    const { body } = await post('/runs', 'bot', pull);
    const about = {
      effect: 'operation.start',
      subject: body.run.id,
      task: 'ingest.pull',
      tenant: 'acme',
      actor: { kind: 'service', id: 'bot', onBehalfOf: 'rita' },
      from: '192.0.2.7',
      arguments: { task: 'ingest.pull', payloadBytes: expect.any(Number) },
    };
    expect(plane.audit.entries).toEqual([
      expect.objectContaining(about),
      expect.objectContaining({ ...about, outcome: 'done' }),
    ]);
    expect(body.run.actor).toEqual({ kind: 'service', id: 'bot', onBehalfOf: 'rita' });
  });

  it('by its shortcut takes the payload alone', async () => {
    const { post } = gateway();
    expect(await post('/ingest', 'rita', pull.payload)).toMatchObject({
      status: 202,
      body: { run: { task: 'ingest.pull' } },
    });
    expect(await post('/ingest', 'rita', { ...pull.payload, datasett: 'x' })).toMatchObject({
      status: 422,
      body: { code: 'PAYLOAD_INVALID', issues: [{ path: 'body.datasett', message: 'is not known here' }] },
    });
  });

  it.each([
    ['vera', pull, 403, 'ROLE_INSUFFICIENT'],
    ['rita', { task: 'status.sync' }, 403, 'ROLE_INSUFFICIENT'],
    ['rita', { task: 'ingest.push' }, 422, 'TASK_UNKNOWN'],
    ['rita', { task: 'toString' }, 422, 'TASK_UNKNOWN'],
    ['rita', {}, 422, 'REQUEST_INVALID'],
    ['rita', [], 422, 'REQUEST_INVALID'],
    ['rita', undefined, 422, 'REQUEST_INVALID'],
    ['rita', { ...pull, priority: 1 }, 422, 'REQUEST_INVALID'],
    ['rita', { ...pull, payloadPath: 'a.json' }, 422, 'REQUEST_INVALID'],
    ['rita', { ...pull, notBefore: 'tomorrow' }, 422, 'REQUEST_INVALID'],
    ['rita', { ...pull, notBefore: '2036-01-01T00:00:00Z' }, 422, 'REQUEST_INVALID'],
    ['rita', { task: 'ingest.pull' }, 422, 'PAYLOAD_INVALID'],
    ['rita', { ...pull, payload: { ...pull.payload, dataset: 7 } }, 422, 'PAYLOAD_INVALID'],
    ['olga', { task: 'status.sync', payload: null }, 422, 'PAYLOAD_INVALID'],
    ['rita', { task: 'ingest.pull', payloadPath: '../other/a.json' }, 422, 'REQUEST_INVALID'],
    ['rita', { task: 'ingest.pull', payloadPath: 'none.json' }, 422, 'INPUT_INVALID'],
    ['rita', { ...pull, callback: { url: 'http://example.com', secret: 'webhooks/a' } }, 422, 'REQUEST_INVALID'],
  ] as const)('refuses what %s asks with %j: %i %s, and nothing is begun', async (...[who, body, status, code]) => {
    const { post, plane } = gateway();
    expect(await post('/runs', who, body)).toMatchObject(problem(status, code));
    expect(plane.ledger.rows.size).toBe(0);
  });

  it.each([
    ['https://example.com/hook?a=b#c', 202],
    ['https://203.0.113.7:8443', 202],
    ['http://localhost:8080/hook', 202],
    ['http://127.0.0.1', 202],
    ['http://[::1]:80/', 202],
    ['http://localhost.example.com/', 422],
    ['http://127.0.0.1.example.com/', 422],
    ['http://example.com/', 422],
    ['https://user@example.com/', 422],
    ['https://user:word@example.com/', 422],
    ['https://example.com\\@localhost/', 422],
    ['https:/user@example.com/', 422],
    ['https:///user@example.com/', 422],
    ['https://', 422],
    ['ftp://example.com/', 422],
  ])('is called back at %j: %i', async (url, status) => {
    const answer = await gateway().post('/runs', 'rita', { ...pull, callback: { url, secret: 'webhooks/a' } });
    expect(answer.status).toBe(status);
  });

  it('takes numbers that no row can hold', async () => {
    const { post, plane } = gateway();
    const payload = { data: { dataset: 'a' }, strategy: { name: 'sma-cross' }, broker: { margin: 5e-324 } };
    const { status, body } = await post('/runs', 'rita', { task: 'backtest.run', payload });
    expect(status).toBe(202);
    expect((await plane.ledger.read(body.run.id))?.payload).toEqual({ key: expect.stringContaining(body.run.id) });
  });

  it('writes down before and after who opened a link for which file', async () => {
    const at = gateway();
    const body = { path: 'prices.csv', contentType: 'text/csv', sizeBytes: 5 };
    expect(await at.post('/uploads', 'rita', { ...body, sizeBytes: 0 })).toMatchObject({
      ...problem(422, 'REQUEST_INVALID'),
      text: expect.stringContaining('an empty file is not taken'),
    });
    expect(await at.post('/uploads', 'rita', body)).toMatchObject({ status: 200 });
    const row = { effect: 'operation.upload', subject: 'inbox#prices.csv', actor: { id: 'rita' }, arguments: body };
    expect(at.plane.audit.entries).toMatchObject([row, { ...row, outcome: 'done' }]);
  });

  it('takes an uploaded payload by its path, from the inbox of the own tenant alone', async () => {
    const { post, plane } = gateway();
    await plane.artefacts.put('inbox/acme/jobs/a.json', new TextEncoder().encode(JSON.stringify(pull.payload)), 'x');
    const asked = { task: 'ingest.pull', payloadPath: 'jobs/a.json' };
    expect((await post('/runs', 'rita', asked)).status).toBe(202);
    expect(await post('/runs', 'eve', asked)).toMatchObject(problem(422, 'INPUT_INVALID'));
  });

  it('reads no more of an uploaded payload than it has looked at, though a larger file lies there by now', async () => {
    const { plane, post } = gateway();
    const key = 'inbox/acme/a.json';
    await plane.artefacts.put(key, new TextEncoder().encode(JSON.stringify(pull.payload)), 'application/json');
    const stat = plane.artefacts.stat.bind(plane.artefacts);
    plane.artefacts.stat = async (asked) => {
      const found = await stat(asked);
      await plane.artefacts.put(key, new TextEncoder().encode(' '.repeat(5_000_000)), 'application/json');
      return found;
    };
    plane.artefacts.read = () => Promise.reject(new Error('read whole'));
    const answer = await post('/runs', 'rita', { task: 'ingest.pull', payloadPath: 'a.json' });
    expect(answer).toMatchObject(problem(422, 'REQUEST_INVALID'));
  });

  it('takes an uploaded payload that no request could carry; its message stays small, and it is not shown whole', async () => {
    const { plane, post, get } = gateway();
    const event = {
      type: 'run.succeeded',
      timestamp: '2026-01-05T12:00:00.000Z',
      data: { text: 'x'.repeat(2 * 1024 ** 2) },
    };
    const large = JSON.stringify({ url: 'https://hooks.example/x', secret: 'webhooks/orders', event });
    await plane.artefacts.put('inbox/acme/large.json', new TextEncoder().encode(large), 'application/json');
    const answer = await post('/runs', 'bot', { task: 'callback.deliver', payloadPath: 'large.json' });
    expect(answer.status).toBe(202);
    const [message] = plane.queues.receive('default', 1);
    expect(message!.body.length).toBeLessThan(1000);
    expect(JSON.stringify(plane.ledger.rows.get(answer.body.run.id)).length).toBeLessThan(1500);
    const shown = await get(`/runs/${answer.body.run.id}`);
    expect(shown.status).toBe(200);
    expect(shown.body).not.toHaveProperty('payload');
  });

  it('refuses a payload that holds a secret by where it stands, and says it nowhere', async () => {
    const { post, plane } = gateway();
    const key = `AKIA${'ABCDEFGH23456723'}`;
    const payload = { ...pull.payload, source: { key: `${key}.csv` } };
    const answer = await post('/runs', 'rita', { ...pull, payload });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'SECRET_IN_PAYLOAD', issues: [{ path: 'body.payload.source.key' }] },
    });
    expect(answer.text + JSON.stringify([plane.log.lines, plane.audit.entries])).not.toContain(key);
  });

  it('is held in a halt, and refused while the switch cannot be read', async () => {
    const { post, plane } = gateway();
    plane.key.value = '1';
    expect(await post('/runs', 'rita', pull)).toMatchObject({ status: 202, body: { run: { state: 'held' } } });
    plane.key.down = true;
    plane.key.value = '';
    await plane.control.write(
      'kill-switch',
      { ...((await plane.control.read('kill-switch'))?.value as object), phase: 'clear' },
      1,
    );
    const answer = await post('/runs', 'rita', pull);
    expect(answer).toMatchObject(problem(503, 'KILL_SWITCH_UNKNOWN'));
    expect(answer.headers.get('retry-after')).toBe('5');
  });

  it('begins no earlier than it is asked to', async () => {
    const { post, plane } = gateway();
    const notBefore = new Date(plane.clock.nowMs() + 3_600_000).toISOString();
    const { body } = await post('/runs', 'rita', { ...pull, notBefore });
    expect(body.run.notBefore).toBe(notBefore);
    expect(plane.queues.receive('ingestion', 10)).toEqual([]);
  });
});

describe('one run', () => {
  it('is unknown to another tenant, and so is an id that is none: 404 in the same words', async () => {
    const { post, get } = gateway();
    const { body } = await post('/runs', 'rita', pull);
    for (const id of [body.run.id, '00000000-0000-4000-8000-000000000000', 'nonsense', 'a'.repeat(150)])
      expect(await get(`/runs/${id}`, 'eve')).toMatchObject(problem(404, 'RUN_UNKNOWN'));
  });
});

it('a run whose links cannot be signed just now is shown with its artefacts all the same', async () => {
  const links = { reading: () => Promise.reject(new Error('STS is away')), writing: () => Promise.reject(new Error()) };
  const { plane, get } = gateway({ ports: { links } });
  const row = runRow({ state: 'succeeded', fence: 1, outcome: { result: { inline: {} } } }, plane);
  await plane.ledger.create(row);
  await plane.artefacts.put(`artifacts/acme/ingest.pull/${row.id}/1/silver.parquet`, new Uint8Array(7), 'x');
  const { status, body } = await get(`/runs/${row.id}`);
  expect(status).toBe(200);
  expect(body.artefacts).toEqual([{ name: 'silver.parquet', key: expect.any(String), sizeBytes: 7 }]);
});
