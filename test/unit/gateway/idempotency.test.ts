import { describe, expect, it, vi } from 'vitest';
import { bound } from '#test/unit/core/support.ts';
import { gateway, problem, pull, type TestGateway, type Who } from './support.ts';

const hourMs = 3_600_000;
interface Over {
  readonly as?: Who;
  readonly body?: unknown;
  readonly path?: string;
}
const start = (at: TestGateway, key: string, { as = 'rita', body = pull, path = '/runs' }: Over = {}) =>
  at.ask('POST', path, { as, body, headers: { 'idempotency-key': key } });

describe('the same POST with the same key', () => {
  it('is done once, and answered the same', async () => {
    const at = gateway();
    const one = await start(at, 'order-1');
    const two = await start(at, 'order-1');
    expect(two).toMatchObject({ status: 202, text: one.text });
    expect(two.headers.get('location')).toBe(one.headers.get('location'));
    expect([one, two].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(at.plane.ledger.rows.size).toBe(1);
    expect(at.plane.queues.receive('ingestion', 10)).toHaveLength(1);
    expect(at.plane.audit.entries).toHaveLength(2);
  });

  it('is the same also where its fields come in another order', async () => {
    const at = gateway();
    const one = await start(at, 'k');
    const { task, payload } = pull;
    expect((await start(at, 'k', { body: { payload, task } })).text).toBe(one.text);
  });

  it('and another body is refused, as is another precondition', async () => {
    const at = gateway();
    await start(at, 'k');
    const other = { ...pull, payload: { ...pull.payload, dataset: 'other' } };
    expect(await start(at, 'k', { body: other })).toMatchObject(problem(422, 'IDEMPOTENCY_KEY_REUSED'));
  });

  it('is another request from another caller, of another tenant, or at another address', async () => {
    const at = gateway();
    const ids = [
      (await start(at, 'k')).body.run.id,
      (await start(at, 'k', { as: 'bot' })).body.run.id,
      (await start(at, 'k', { as: 'eve' })).body.run.id,
    ];
    expect(new Set(ids).size).toBe(3);
    // A run's id follows from its key: elsewhere it is the same run, or refused.
    expect((await start(at, 'k', { path: '/ingest', body: pull.payload })).body.run.id).toBe(ids[0]);
    const other = { ...pull.payload, dataset: 'other' };
    expect(await start(at, 'k', { path: '/ingest', body: other })).toMatchObject(
      problem(422, 'IDEMPOTENCY_KEY_REUSED'),
    );
  });

  it('at once: one is done, the others are told to ask again, and then get its answer', async () => {
    const at = gateway();
    const create = bound(at.plane.ledger, 'create');
    const gate = Promise.withResolvers<void>();
    at.plane.ledger.create = async (row) => {
      await gate.promise;
      return create(row);
    };
    const first = start(at, 'k');
    await vi.waitFor(() => expect(at.plane.audit.entries).toHaveLength(1));
    for (const waiting of await Promise.all([start(at, 'k'), start(at, 'k'), start(at, 'k')])) {
      expect(waiting).toMatchObject(problem(409, 'IN_PROGRESS'));
      expect(waiting.headers.get('retry-after')).toBe('2');
    }
    gate.resolve();
    expect((await first).status).toBe(202);
    expect((await start(at, 'k')).text).toBe((await first).text);
    expect(at.plane.ledger.rows.size).toBe(1);
  });

  it('many times in one moment is one run all the same', async () => {
    const at = gateway();
    const answers = await Promise.all(Array.from({ length: 8 }, () => start(at, 'k')));
    const ids = answers.flatMap(({ status, body }) => (status === 202 ? [body.run.id] : []));
    expect(new Set(ids).size).toBe(1);
    expect(at.plane.ledger.rows.size).toBe(1);
  });

  it('is done again when it had failed: what failed has no effect', async () => {
    const at = gateway();
    at.plane.key.down = true;
    expect(await start(at, 'k')).toMatchObject(problem(503, 'KILL_SWITCH_UNKNOWN'));
    at.plane.key.down = false;
    expect((await start(at, 'k')).status).toBe(202);
  });

  it('is taken over from a process that died in between, and makes no second run', async () => {
    const at = gateway();
    const write = bound(at.plane.control, 'write');
    at.plane.control.write = (...[name, value, rev, options]) =>
      rev === 1 && name.startsWith('idem#') ? new Promise(() => undefined) : write(name, value, rev, options);
    void start(at, 'k');
    await vi.waitFor(() => expect(at.plane.audit.entries).toHaveLength(2));
    at.plane.control.write = write;
    expect(at.plane.ledger.rows.size).toBe(1);
    expect(await start(at, 'k')).toMatchObject(problem(409, 'IN_PROGRESS'));
    await at.plane.clock.advance(36_000);
    const answer = await start(at, 'k');
    expect(answer).toMatchObject({ status: 202, body: { created: false } });
    expect(at.plane.ledger.rows.size).toBe(1);
  });

  it('is forgotten after a day', async () => {
    const at = gateway();
    await start(at, 'k');
    await at.plane.clock.advance(25 * hourMs);
    // Its record may stand for longer than that.
    expect((await start(at, 'k')).headers.get('idempotency-replayed')).toBeNull();
  });

  it('gives a link anew: it is never written down', async () => {
    const at = gateway();
    const written: unknown[] = [];
    const write = bound(at.plane.control, 'write');
    at.plane.control.write = (...[name, value, rev, options]) => {
      written.push(value);
      return write(name, value, rev, options);
    };
    const body = { path: 'a.csv', contentType: 'text/csv', sizeBytes: 5 };
    const upload = { as: 'rita', body, headers: { 'idempotency-key': 'k' } } as const;
    const [one, two] = [await at.ask('POST', '/uploads', upload), await at.ask('POST', '/uploads', upload)];
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(two.headers.get('idempotency-replayed')).toBeNull();
    expect(JSON.stringify([written, at.plane.log.lines, at.plane.audit.entries])).not.toContain('signature');
    const other = { ...upload, body: { ...body, path: 'b.csv' } };
    expect(await at.ask('POST', '/uploads', other)).toMatchObject(problem(422, 'IDEMPOTENCY_KEY_REUSED'));
  });
});

it.each(['', 'a b', 'ü', 'x'.repeat(65), '.hidden', 'a/b'])('the key %j is refused', async (key) => {
  const answer = await start(gateway(), key);
  expect(answer).toMatchObject({ status: 422, body: { issues: [{ path: 'header.idempotency-key' }] } });
});
