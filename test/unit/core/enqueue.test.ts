import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseMessage } from '#core/envelope.ts';
import { limits } from '#core/catalogue/limits.ts';
import { engage, narrow, release } from '#core/halt.ts';
import { unfold } from '#core/fold.ts';
import { reaper } from '#core/reap.ts';
import type { PayloadInputOf } from '#core/catalogue/tasks.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import {
  ask,
  bound,
  deliver,
  drive,
  pullPayload,
  pullResult,
  pulls,
  rejection,
  rowOf,
  withContract,
} from './support.ts';

const who = { by: 'anna', reason: 'drill' };
const ok = pulls(async () => pullResult);
const bodies = (plane: MemoryPlane) => plane.queues.receive('ingestion', 10).map((message) => message.body);
/** A payload of more than 512 bytes. */
const large = (name: string): PayloadInputOf<'ingest.pull'> => ({
  ...pullPayload,
  source: { key: `inbox/${name}-${'x'.repeat(490)}` },
});

describe('a request', () => {
  it('is a row, then a pointer to it, and nothing of its payload is in the message', async () => {
    const plane = memoryPlane();
    const { run, created, sent } = await ask(plane);
    expect([created, sent]).toEqual([true, true]);
    expect(await rowOf(plane, run.id)).toMatchObject({
      state: 'queued',
      queue: 'ingestion',
      tenant: 'acme',
      cell: 'test',
      actor: { id: 'user-anna' },
      generation: 1,
      send: 1,
      hops: 0,
      payload: { inline: { ...pullPayload, calendar: 'auto' } },
    });
    const [body] = bodies(plane);
    expect(body).not.toContain('sp500');
    expect(parseMessage(body!, 'ingestion')).toMatchObject({
      kind: 'pointer',
      pointer: { run: run.id, generation: 1, send: 1, traceparent: run.traceparent },
    });
  });

  it('stands before its message is sent', async () => {
    const plane = memoryPlane();
    const send = bound(plane.queues, 'send');
    const rows: number[] = [];
    plane.queues.send = (...args) => (rows.push(plane.ledger.rows.size), send(...args));
    await ask(plane);
    expect(rows).toEqual([1]);
  });

  it('that does not fit its contract leaves no row, and names the field', async () => {
    const plane = memoryPlane();
    const failure = await rejection(ask(plane, { payload: { ...pullPayload, dataset: 'S&P 500' } }));
    expect(failure).toMatchObject({ code: 'PAYLOAD_INVALID' });
    expect(failure.message).toMatch(/payload of ingest\.pull .* dataset: is not a data set name such as sp500-daily/);
    expect(plane.ledger.rows.size).toBe(0);
  });

  it.each(['schedule'] as const)('as %s, who may not start it, is refused with who may', async (as) => {
    const plane = memoryPlane();
    const failure = await rejection(ask(plane, { as }));
    expect(failure).toMatchObject({ code: 'CONFIGURATION_INVALID' });
    expect(failure.message).toBe(
      'ingest.pull may be started by researcher, service, operator; user-anna asked as schedule',
    );
    expect(plane.ledger.rows.size).toBe(0);
  });

  it('whose message cannot be sent stands all the same, and the reaper sends it within two minutes', async () => {
    const plane = memoryPlane();
    const send = bound(plane.queues, 'send');
    plane.queues.send = () => Promise.reject(new Error('throttled'));
    const { run, sent } = await ask(plane);
    expect([sent, run.state]).toEqual([false, 'queued']);
    plane.queues.send = send;
    await plane.clock.advance(60_000);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    await deliver(plane, 'ingestion', { bodies: ok });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', send: 2 });
  });
});

describe('an idempotency key', () => {
  it('makes asking twice one run and one message', async () => {
    const plane = memoryPlane();
    const first = await ask(plane, { idempotencyKey: 'k1' });
    const again = await ask(plane, { idempotencyKey: 'k1' });
    expect(again).toEqual({ run: first.run, created: false, sent: false });
    expect(bodies(plane)).toHaveLength(1);
  });

  it('makes ten at once one run', async () => {
    const plane = memoryPlane();
    const all = await Promise.all(Array.from({ length: 10 }, () => ask(plane, { idempotencyKey: 'k1' })));
    expect(all.filter((one) => one.created)).toHaveLength(1);
    expect(new Set(all.map((one) => one.run.id)).size).toBe(1);
  });

  it('belongs to its tenant and actor', async () => {
    const plane = memoryPlane();
    const ids = [
      await ask(plane, { idempotencyKey: 'k1' }),
      await ask(plane, { idempotencyKey: 'k2' }),
      await ask(plane, { idempotencyKey: 'k1', tenant: 'other' }),
      await ask(plane, { idempotencyKey: 'k1', actor: { kind: 'human', id: 'user-bert' } }),
    ].map((one) => one.run.id);
    expect(new Set(ids).size).toBe(4);
  });

  it('takes a payload that says the same in other words', async () => {
    const plane = memoryPlane();
    await ask(plane, { idempotencyKey: 'k1' });
    const { source, connector, dataset } = pullPayload;
    const again = await ask(plane, {
      idempotencyKey: 'k1',
      payload: { calendar: 'auto', source, dataset, connector },
    });
    expect(again.created).toBe(false);
  });

  it('with another payload is a conflict, and the first payload stands, also when it lies in the bucket', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane, { idempotencyKey: 'k1', payload: large('first') });
    expect(run.payload).toHaveProperty('key');
    const failure = await rejection(ask(plane, { idempotencyKey: 'k1', payload: large('second') }));
    expect(failure).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    expect(failure.message).toContain('use a new idempotency key');
    expect(await unfold(plane.artefacts, run.payload)).toEqual({ ...large('first'), calendar: 'auto' });
  });
});

describe('a payload', () => {
  it('of more than 512 bytes lies in the bucket, and the body is given it all the same', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane, { payload: large('a') });
    expect(JSON.stringify(run).length).toBeLessThan(1400);
    const seen: unknown[] = [];
    await deliver(plane, 'ingestion', { bodies: pulls(async (payload) => (seen.push(payload), pullResult)) });
    expect(seen).toEqual([{ ...large('a'), calendar: 'auto' }]);
  });

  it('of more than 4 MiB is refused before a row is written', () =>
    withContract('ingest.pull', { payload: z.string() }, async () => {
      const plane = memoryPlane();
      const failure = await rejection(ask(plane, { payload: 'x'.repeat(limits.payloadBytes) as never }));
      expect(failure).toMatchObject({ code: 'PAYLOAD_INVALID' });
      expect(failure.message).toMatch(/has 4194306 bytes, more than the 4194304 allowed: put the data into the bucket/);
      expect([plane.ledger.rows.size, plane.artefacts.objects.size]).toEqual([0, 0]);
    }));
});

describe('a run that another run asks for', () => {
  it('is one hop further, on the same trace', async () => {
    const plane = memoryPlane();
    const { run: parent } = await ask(plane);
    const { run } = await ask(plane, { parent });
    expect(run).toMatchObject({ hops: 1, traceparent: parent.traceparent });
  });

  it('is refused beyond 32 hops', async () => {
    const plane = memoryPlane();
    const { run: parent } = await ask(plane);
    expect((await ask(plane, { parent: { ...parent, hops: 31 } })).run.hops).toBe(32);
    const failure = await rejection(ask(plane, { parent: { ...parent, hops: 32 } }));
    expect(failure).toMatchObject({ code: 'HOPS_EXCEEDED' });
    expect(failure.message).toContain('hop 33 of a chain, more than the 32 allowed');
  });
});

describe('the switch', () => {
  it('halted: the row is held, nothing is sent, and the release lets it go', async () => {
    const plane = memoryPlane();
    await drive(plane, engage(plane, who));
    const { run, sent } = await ask(plane);
    expect([run.state, sent]).toEqual(['held', false]);
    expect(bodies(plane)).toEqual([]);
    await release(plane, who);
    expect(await drive(plane, reaper(plane).release())).toEqual({ count: 1, more: false });
    await deliver(plane, 'ingestion', { bodies: ok });
    expect((await rowOf(plane, run.id)).state).toBe('succeeded');
  });

  it('halted for this queue or task only: held; for another: queued', async () => {
    const plane = memoryPlane();
    await drive(plane, narrow(plane, { ...who, kind: 'queue', name: 'system' }));
    expect((await ask(plane)).run.state).toBe('queued');
    await drive(plane, narrow(plane, { ...who, kind: 'task', name: 'ingest.pull' }));
    expect((await ask(plane)).run.state).toBe('held');
  });

  it.each([
    ['skip', 'skipped'],
    ['run', 'queued'],
  ] as const)('halted: a task that is to %s is %s', (whenHalted, state) =>
    withContract('ingest.pull', { whenHalted }, async () => {
      const plane = memoryPlane();
      plane.key.value = '0';
      const { run, sent } = await ask(plane);
      expect([run.state, sent]).toEqual([state, state === 'queued']);
      if (state === 'skipped') expect(run).toMatchObject({ outcome: { code: 'halted' }, settledMs: run.createdMs });
    }),
  );

  it('unknown: nothing is written, neither row nor payload, and the caller is told to ask again', async () => {
    const plane = memoryPlane();
    plane.key.down = true;
    const failure = await rejection(ask(plane, { payload: large('a') }));
    expect(failure).toMatchObject({ code: 'KILL_SWITCH_UNKNOWN', disposition: 'retry' });
    expect(failure.message).toMatch(/was not enqueued: .*Nothing was written; ask again$/);
    expect([plane.ledger.rows.size, plane.artefacts.objects.size, bodies(plane).length]).toEqual([0, 0, 0]);
  });
});

describe('a run for later', () => {
  const later = (plane: MemoryPlane) => plane.clock.nowMs() + 3_600_000;

  it('is not sent now; the reaper sends it when its time has come, not before', async () => {
    const plane = memoryPlane();
    const { run, sent } = await ask(plane, { notBeforeMs: later(plane) });
    expect(sent).toBe(false);
    await plane.clock.advance(3_599_999);
    expect(await reaper(plane).resend()).toEqual({ count: 0, more: false });
    await plane.clock.advance(1);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    await deliver(plane, 'ingestion', { bodies: ok });
    expect((await rowOf(plane, run.id)).state).toBe('succeeded');
  });

  it('that was asked for in a halt is released for its own time, not for now', async () => {
    const plane = memoryPlane();
    await drive(plane, engage(plane, who));
    const { run } = await ask(plane, { notBeforeMs: later(plane) });
    expect(run.state).toBe('held');
    await release(plane, who);
    await drive(plane, reaper(plane).release());
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'queued', notBeforeMs: run.notBeforeMs });
    expect(bodies(plane)).toEqual([]);
    await plane.clock.advance(3_600_000);
    await reaper(plane).resend();
    await deliver(plane, 'ingestion', { bodies: ok });
    expect((await rowOf(plane, run.id)).state).toBe('succeeded');
  });
});
