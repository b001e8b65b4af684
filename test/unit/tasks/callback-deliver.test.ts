import { describe, expect, it } from 'vitest';
import { cancel } from '#core/cancel.ts';
import { enqueue } from '#core/enqueue.ts';
import { engage } from '#core/halt.ts';
import { outboxId } from '#core/ids.ts';
import { retry } from '#core/again.ts';
import { Failure } from '#core/errors.ts';
import type { Run } from '#core/run.ts';
import { drain } from '#core/settle.ts';
import { anyBodies } from '#core/task.ts';
import { memoryPlane } from '#memory/plane.ts';
import { memoryWebhooks } from '#memory/webhooks.ts';
import { defaultTasks } from '#tasks/default/index.ts';
import { anna, ask, deliver, drive, pullResult, rowOf } from '#test/unit/core/support.ts';

const callback = { url: 'https://hooks.example/runs?x=1', secret: 'webhooks/acme' };
const bodies = anyBodies(defaultTasks);
type Answers = Parameters<typeof memoryWebhooks>[0];
const withReceiver = (answers?: Answers) => ({ ...memoryPlane(), webhooks: memoryWebhooks(answers) });
type On = ReturnType<typeof withReceiver>;

const callbackOf = (on: On, run: Run) => rowOf(on, outboxId(on.ids, run, 'callback'));
const work = (on: On, end: () => unknown = () => pullResult) =>
  drive(on, deliver(on, 'ingestion', { bodies: { 'ingest.pull': async () => end() } }));
const call = (on: On) => drive(on, deliver(on, 'default', { bodies }));
const eventsOf = (on: On) =>
  on.webhooks.told.map(({ body }) => JSON.parse(body) as { type: string; data: Record<string, unknown> });
/** A run that has ended well and waits to be told of. */
async function ended(on: On, end?: () => unknown): Promise<Run> {
  const { run } = await ask(on, { callback });
  await work(on, end);
  return rowOf(on, run.id);
}

describe('a run that has ended', () => {
  it('is told of, once, by a run of its own for the same actor and tenant', async () => {
    const on = withReceiver();
    const run = await ended(on);
    expect(run).toMatchObject({ state: 'succeeded', outbox: [] });
    await call(on);
    const told = await callbackOf(on, run);
    expect(told).toMatchObject({
      task: 'callback.deliver',
      state: 'succeeded',
      tenant: run.tenant,
      actor: anna,
      hops: 1,
      traceparent: run.traceparent,
      outcome: { result: { inline: { status: 204, attempts: 1 } } },
    });
    // Signed by the tenant's own secret of that name, whatever others call theirs.
    const signed = { ...callback, secret: 'webhooks/acme/acme' };
    expect(on.webhooks.told).toEqual([{ id: told.id, ...signed, body: expect.any(String) }]);
    expect(JSON.parse(on.webhooks.told[0]!.body)).toEqual({
      type: 'run.succeeded',
      timestamp: new Date(run.settledMs!).toISOString(),
      data: {
        run: run.id,
        task: 'ingest.pull',
        queue: 'ingestion',
        tenant: 'acme',
        state: 'succeeded',
        generation: 1,
        starts: 1,
        createdAt: new Date(run.createdMs).toISOString(),
        settledAt: new Date(run.settledMs!).toISOString(),
      },
    });
    expect(on.audit.entries.filter(({ effect }) => effect === 'webhooks.deliver')).toMatchObject([
      { subject: told.id, actor: anna },
      { subject: told.id, outcome: 'done' },
    ]);
    // Whoever drains the same row again makes no second run.
    await drain(on, { ...run, outbox: ['callback'] });
    await call(on);
    expect(on.webhooks.told).toHaveLength(1);
  });

  it('is told of however it ended', async () => {
    const on = withReceiver();
    const failed = await ended(on, () => {
      throw new Failure('INPUT_INVALID', 'no such file; password=hunter2');
    });
    const { run: queued } = await ask(on, { callback });
    await cancel(on, queued.id, { by: 'anna', reason: 'a mistake' });
    await call(on);
    const events = eventsOf(on);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['run.cancelled', 'run.failed']));
    expect(events.find(({ type }) => type === 'run.failed')!.data).toMatchObject({
      run: failed.id,
      code: 'INPUT_INVALID',
      message: 'no such file; password=[redacted]',
    });
  });

  it('is told of again when it was begun again', async () => {
    const on = withReceiver();
    const first = await ended(on, () => {
      throw new Failure('INPUT_INVALID', 'no such file');
    });
    await retry(on, first.id, { by: 'anna', reason: 'it is there now' });
    await work(on);
    await call(on);
    expect(new Set(eventsOf(on).map(({ type }) => type))).toEqual(new Set(['run.failed', 'run.succeeded']));
    expect(new Set(on.webhooks.told.map(({ id }) => id)).size).toBe(2);
  });

  it('that was skipped at birth is told of by whoever drains it', async () => {
    const on = withReceiver();
    await drive(on, engage(on, { by: 'anna', reason: 'drill' }));
    const { run } = await enqueue(on, {
      task: 'runs.reap',
      payload: {},
      tenant: 'acme',
      actor: anna,
      as: 'operator',
      callback,
    });
    expect(run).toMatchObject({ state: 'skipped', outbox: ['callback'] });
    expect(await drain(on, run)).toBe('drained');
    expect(await callbackOf(on, run)).toMatchObject({ state: 'held' });
  });

  it('without a callback tells nobody, and one in flight has told nobody yet', async () => {
    const on = withReceiver();
    await ask(on, {});
    await ask(on, { callback, idempotencyKey: 'later' });
    expect(on.queues.receive('default', 10, 1000)).toEqual([]);
    await work(on);
    expect(on.queues.receive('default', 10, 1000)).toHaveLength(1);
  });

  it('at the end of the longest chain is told of all the same', async () => {
    const on = withReceiver();
    const { run } = await ask(on, { callback, parent: { hops: 31, traceparent: on.ids.traceparent() } });
    await work(on);
    expect(await callbackOf(on, await rowOf(on, run.id))).toMatchObject({ hops: 32 });
  });
});

describe('a receiver', () => {
  it('that is silent, ill or busy is tried again with the same id, eight times in all', async () => {
    const on = withReceiver(['silent', 500, 503, 429, 408, 425, 'silent', 502]);
    const run = await ended(on);
    for (let attempt = 0; attempt < 8; attempt += 1) {
      await call(on);
      await on.clock.advance(1_800_000);
    }
    const told = await callbackOf(on, run);
    expect(told).toMatchObject({ state: 'dead', attempt: 8, outcome: { code: 'DEPENDENCY_UNAVAILABLE' } });
    expect(new Set(on.webhooks.told.map(({ id, body }) => id + body)).size).toBe(1);
    expect(on.webhooks.told).toHaveLength(8);
    expect(told.outcome!.message).toContain('hooks.example answered 502');
  });

  it.each([410, 404, 400, 401, 301, 307, 304])('that answers %d is not tried again', async (status) => {
    const on = withReceiver([status]);
    const run = await ended(on);
    await call(on);
    expect(await callbackOf(on, run)).toMatchObject({ state: 'failed', outcome: { code: 'CALLBACK_REFUSED' } });
  });

  it('is told nothing in a halt, and what waits is kept', async () => {
    const on = withReceiver();
    const run = await ended(on);
    await drive(on, engage(on, { by: 'anna', reason: 'drill' }));
    await call(on);
    expect(on.webhooks.told).toEqual([]);
    expect(await callbackOf(on, run)).toMatchObject({ state: 'held' });
  });

  it('is not reached from where nothing may call out', async () => {
    const on = memoryPlane();
    const { run } = await ask(on, { callback });
    await drive(on, deliver(on, 'ingestion', { bodies: { 'ingest.pull': async () => pullResult } }));
    await drive(on, deliver(on, 'default', { bodies }));
    const id = outboxId(on.ids, await rowOf(on, run.id), 'callback');
    expect(await rowOf(on, id)).toMatchObject({ state: 'failed', outcome: { code: 'CONFIGURATION_INVALID' } });
  });
});

describe('a callback', () => {
  it.each([
    ['http://example.com/', 'webhooks/acme'],
    ['ftp://127.0.0.1/', 'webhooks/acme'],
    ['https://user@example.com/', 'webhooks/acme'],
    ['nonsense', 'webhooks/acme'],
    ['https://example.com/', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['https://example.com/', 'other/acme'],
  ])('to %s signed by %s is refused', async (url, secret) => {
    const event = { type: 'run.succeeded', timestamp: '2026-01-01T00:00:00Z', data: {} };
    const wanted = { task: 'callback.deliver', payload: { url, secret, event }, tenant: 'acme', actor: anna } as const;
    await expect(enqueue(memoryPlane(), { ...wanted, as: 'service' })).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:PAYLOAD_INVALID|SECRET_IN_PAYLOAD)$/),
    });
  });

  it('whose address holds a secret is refused before the run is made', async () => {
    const on = memoryPlane();
    const refusal = ask(on, { callback: { ...callback, url: 'https://hooks.example/?token=hunter2' } });
    await expect(refusal).rejects.toMatchObject({
      code: 'SECRET_IN_PAYLOAD',
      message: expect.stringContaining('$.url'),
    });
    await expect(refusal).rejects.not.toThrow(/hunter2/);
    expect(on.ledger.rows.size).toBe(0);
  });
});
