import { limits } from '#core/catalogue/limits.ts';
import { describe, expect, it } from 'vitest';
import { engage, release } from '#core/halt.ts';
import { execute, type Delivery } from '#core/execute.ts';
import type { Outcome } from '#core/outcome.ts';
import { pointerBody } from '#core/envelope.ts';
import { Failure } from '#core/errors.ts';
import { readSwitch } from '#core/kill-switch.ts';
import { sendPointer } from '#core/enqueue.ts';
import { reaper } from '#core/reap.ts';
import { terminalFrame } from '#core/progress.ts';
import type { Run } from '#core/run.ts';
import type { AnyBodies } from '#core/task.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import {
  ask,
  beats,
  bound,
  deliver,
  drive,
  heartbeatResult,
  place,
  pullPayload,
  pullResult,
  pulls,
  rowOf,
  tickBody,
  withContract,
} from './support.ts';

const ok = pulls(async () => pullResult);
const failing = (failure: unknown): AnyBodies => pulls(() => Promise.reject(failure));
const away = new Failure('DEPENDENCY_UNAVAILABLE', 'the source is away: try again');

/** One message through the pipeline, with a reading of the switch as it is now. */
async function through(plane: MemoryPlane, bodies: AnyBodies, over: Partial<Delivery> = {}): Promise<Outcome> {
  const [message] = over.body === undefined ? plane.queues.receive(over.queue ?? 'ingestion', 1) : [];
  const reading = await readSwitch(plane);
  const delivery: Delivery = { queue: 'ingestion', body: message?.body ?? '', receives: 1, ...over };
  return execute(plane, delivery, { reading, deadlineMs: plane.clock.nowMs() + 720_000, bodies });
}
/** A run that has been asked for, and its first delivery. */
async function first(
  bodies: AnyBodies,
  plane = memoryPlane(),
): Promise<{ plane: MemoryPlane; outcome: Outcome; row: Run }> {
  const { run } = await ask(plane);
  const outcome = await through(plane, bodies);
  return { plane, outcome, row: await rowOf(plane, run.id) };
}
/** What was told of runs, but for their starts: each attempt has one. */
const endings = (plane: MemoryPlane): string[] =>
  plane.lifecycle.events.map((event) => event.name).filter((name) => name !== 'RunStarted');
const counted = (plane: MemoryPlane): string[] => plane.metrics.records.map((record) => record.name);

describe('a run that ends well', () => {
  it('is done: succeeded, drained, with its result on the row', async () => {
    const { outcome, row } = await first(ok);
    expect(outcome).toEqual({ kind: 'done' });
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1, fence: 1, outbox: [] });
    expect(row.outcome).toEqual({ result: { inline: pullResult } });
    expect(row.lease).toBeUndefined();
  });

  it('leaves one terminal frame, one event, and its metrics', async () => {
    const { plane, row } = await first(ok);
    expect(await plane.progress.read(row.id)).toEqual([{ ...terminalFrame(row), seq: 1, pct: 100 }]);
    expect(plane.lifecycle.events).toMatchObject([
      { name: 'RunStarted', detail: { run: row.id, attempt: 1 } },
      { name: 'RunSucceeded', detail: { run: row.id, attempt: 1 } },
    ]);
    expect(counted(plane)).toEqual(['RunSucceeded', 'RunDuration']);
    expect(plane.queues.letters('ingestion')).toEqual([]);
  });

  it('puts a large result into the bucket, under its fence', async () => {
    const { plane, row } = await first(pulls(async () => ({ ...pullResult, manifestKey: 'x'.repeat(600) })));
    const key = `artifacts/acme/ingest.pull/${row.id}/1/result.json`;
    expect(row.outcome).toEqual({ result: { key } });
    expect(JSON.parse(new TextDecoder().decode(await plane.artefacts.read(key)))).toMatchObject({ rowsIn: 10 });
  });

  it('is given its payload as its contract reads it, and the ports of its contract only', async () => {
    const seen: unknown[] = [];
    await first(
      pulls(async (payload, context) => {
        seen.push(payload, Object.keys(context.ports), context.run.attempt, context.run.fence);
        return pullResult;
      }),
    );
    expect(seen).toEqual([{ ...pullPayload, calendar: 'auto' }, ['artefacts', 'datasets', 'runs'], 1, 1]);
  });
});

describe('a run that fails', () => {
  it('is retried within its backoff, the attempt spent, the reason on the row', async () => {
    const { outcome, row, plane } = await first(failing(away));
    expect(outcome.kind).toBe('retry');
    const afterMs = (outcome as Extract<Outcome, { kind: 'retry' }>).afterMs;
    expect(afterMs).toBeGreaterThanOrEqual(0);
    expect(afterMs).toBeLessThan(2000);
    expect(row).toMatchObject({ state: 'queued', attempt: 1, notBeforeMs: plane.clock.nowMs() + afterMs });
    expect(row.outcome).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    expect(counted(plane)).toContain('RunRetried');
    expect(await plane.progress.read(row.id)).toEqual([]);
  });

  it('is dead after its last attempt, with one letter, one frame and one event', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    let begun = 0;
    const bodies = pulls(() => ((begun += 1), Promise.reject(away)));
    for (let delivery = 0; delivery < 12; delivery += 1) {
      await deliver(plane, 'ingestion', { bodies });
      await plane.clock.advance(60_000);
    }
    expect(begun).toBe(5);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'dead', attempt: 5, outbox: [] });
    expect(plane.queues.letters('ingestion')).toMatchObject([{ code: 'DEPENDENCY_UNAVAILABLE', reason: away.message }]);
    expect(JSON.parse(plane.queues.letters('ingestion')[0]!.body)).toMatchObject({ run: run.id, task: 'ingest.pull' });
    expect((await plane.progress.read(run.id)).map((frame) => frame.state)).toEqual(['dead']);
    expect(endings(plane)).toEqual(['RunDead']);
    expect(await plane.queues.depth('ingestion', 'queue')).toMatchObject({ waiting: 0, inFlight: 0 });
  });

  it.each([
    ['an input that no attempt can mend', new Failure('INPUT_INVALID', 'the file has no column close')],
    ['a payload that the contract has left behind', new Failure('PAYLOAD_INVALID', 'x')],
  ])('for good (%s) fails at once, with a letter', async (_, failure) => {
    const { plane, outcome, row } = await first(failing(failure));
    expect(outcome).toEqual({ kind: 'done' });
    expect(row).toMatchObject({ state: 'failed', attempt: 1, outcome: { code: failure.code } });
    expect(plane.queues.letters('ingestion')).toMatchObject([{ code: failure.code, reason: failure.message }]);
    expect(endings(plane)).toEqual(['RunFailed']);
  });

  it('with what its task calls non-retryable fails at once', () =>
    withContract(
      'ingest.pull',
      { retry: { firstWait: 1 as never, longestWait: 1 as never, nonRetryable: ['DEPENDENCY_UNAVAILABLE'] } },
      async () => expect((await first(failing(away))).row.state).toBe('failed'),
    ));

  it.each([
    ['an error', new TypeError('x is not a function'), /TypeError: x is not a function/],
    ['a word', 'boom', /boom/],
  ])('by throwing %s is retried as INTERNAL', async (_, thrown, words) => {
    const { row } = await first(failing(thrown));
    expect(row).toMatchObject({
      state: 'queued',
      outcome: { code: 'INTERNAL', message: expect.stringMatching(words) },
    });
  });

  it('before it returns a promise is a failure like any other', async () => {
    const { row } = await first(
      pulls(() => {
        throw away;
      }),
    );
    expect(row.state).toBe('queued');
  });

  it('keeps an endless reason short, and ends it with a whole character', async () => {
    const { row } = await first(failing(new Failure('INPUT_INVALID', `x${'😀'.repeat(400)}`)));
    expect(row.outcome!.message!.length).toBeLessThanOrEqual(300);
    expect(row.outcome!.message!.isWellFormed()).toBe(true);
  });
});

describe('what does not fit its contract', () => {
  it('a payload on the row: failed with a letter, and the body never begins', async () => {
    const plane = memoryPlane();
    const row = await place(plane, { payload: { inline: { connector: 'xls' } } });
    let begun = 0;
    expect(
      await through(
        plane,
        pulls(async () => (begun += 1)),
      ),
    ).toEqual({ kind: 'done' });
    expect(begun).toBe(0);
    expect(await rowOf(plane, row.id)).toMatchObject({ state: 'failed', outcome: { code: 'PAYLOAD_INVALID' } });
    expect(plane.queues.letters('ingestion')).toMatchObject([{ code: 'PAYLOAD_INVALID' }]);
    expect(plane.queues.letters('ingestion')[0]!.reason).toMatch(/payload of ingest\.pull does not fit .*connector/);
  });

  it('a result: failed, with a letter that says which field', async () => {
    const { plane, row } = await first(pulls(async () => ({ ...pullResult, rowsIn: -1 })));
    expect(row).toMatchObject({ state: 'failed', outcome: { code: 'RESULT_INVALID' } });
    expect(plane.queues.letters('ingestion')[0]!.reason).toMatch(/does not promise: rowsIn/);
  });

  it('a result that is too large for the bucket: failed at once, not run again and again', async () => {
    const { plane, outcome, row } = await first(
      pulls(async () => ({ ...pullResult, manifestKey: 'x'.repeat(limits.payloadBytes) })),
    );
    expect(outcome).toEqual({ kind: 'done' });
    expect(row).toMatchObject({ state: 'failed', outbox: [] });
    expect(plane.queues.letters('ingestion')).toHaveLength(1);
  });

  it('a function without a body for the task: failed with a letter, no claim left behind', async () => {
    const { plane, outcome, row } = await first({});
    expect(outcome).toEqual({ kind: 'done' });
    expect(row).toMatchObject({ state: 'failed', outcome: { code: 'CONFIGURATION_INVALID' } });
    expect(plane.queues.letters('ingestion')[0]!.reason).toContain('no body for ingest.pull');
  });
});

describe('a message', () => {
  it('that is not one of ours is rejected', async () => {
    const outcome = await through(memoryPlane(), ok, { body: 'hello' });
    expect(outcome).toMatchObject({ kind: 'rejected', failure: { code: 'MESSAGE_MALFORMED' } });
  });

  it('of a newer release comes back, later each time', async () => {
    const waits: number[] = [];
    for (const receives of [1, 2, 3, 4, 5, 900]) {
      const outcome = await through(memoryPlane(), ok, { body: '{"v":2}', receives });
      waits.push((outcome as Extract<Outcome, { kind: 'retry' }>).afterMs);
    }
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('about a run that has no row is rejected', async () => {
    const plane = memoryPlane();
    const { run } = await ask(memoryPlane());
    await sendPointer(plane, run);
    expect(await through(plane, ok)).toMatchObject({ kind: 'rejected', failure: { code: 'RUN_UNKNOWN' } });
  });

  it('delivered three times, side by side, begins its run once', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    await sendPointer(plane, run);
    await sendPointer(plane, run);
    let begun = 0;
    await deliver(plane, 'ingestion', { bodies: pulls(async () => ((begun += 1), pullResult)) });
    expect(begun).toBe(1);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', starts: 1 });
  });

  it('delivered after the end drains what a crash between settle and drain has left', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    await sendPointer(plane, run);
    const emit = bound(plane.lifecycle, 'emit');
    plane.lifecycle.emit = () => Promise.reject(new Error('cut off'));
    await through(plane, ok);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', outbox: ['frame', 'event'] });
    plane.lifecycle.emit = emit;
    expect(await through(plane, failing(away))).toEqual({ kind: 'done' });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', outbox: [], starts: 1 });
    expect(plane.lifecycle.events).toHaveLength(1);
  });

  it('comes back when the ledger is away', async () => {
    const plane = memoryPlane();
    await ask(plane);
    plane.ledger.read = () => Promise.reject(new Error('throttled'));
    expect(await through(plane, ok, { receives: 2 })).toEqual({ kind: 'retry', afterMs: 10_000 });
  });

  it('comes back when its row is changed under every claim', async () => {
    const plane = memoryPlane();
    await ask(plane);
    plane.ledger.replace = async () => 'conflict';
    expect(await through(plane, ok)).toEqual({ kind: 'retry', afterMs: 5000 });
  });

  it('that is not due comes back after what remains', async () => {
    const plane = memoryPlane();
    // Redelivered although it was delayed: SQS promises no more than that it comes at least once.
    const run = await place(plane, { notBeforeMs: plane.clock.nowMs() + 30_000 });
    const outcome = await through(plane, ok, { body: bodyOf(run) });
    expect(outcome).toMatchObject({ kind: 'retry' });
    expect((outcome as { afterMs: number }).afterMs).toBeGreaterThanOrEqual(30_000);
  });
});

describe('the switch at the claim', () => {
  it('unknown: the message comes back after 5 s, doubling to 60 s, and no row is written', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    plane.key.down = true;
    const waits: unknown[] = [];
    for (const receives of [1, 2, 3, 4, 5, 6])
      waits.push(await through(plane, ok, { receives, ...(await sent(plane, run)) }));
    expect(waits).toEqual(
      [5000, 10_000, 20_000, 40_000, 60_000, 60_000].map((afterMs) => ({ kind: 'retry', afterMs })),
    );
    expect(await rowOf(plane, run.id)).toEqual(run);
    expect(counted(plane)).toContain('SwitchUnknown');
  });

  it('unknown: a tick writes no row, either', async () => {
    const plane = memoryPlane();
    plane.key.down = true;
    const body = tickBody('killswitch-heartbeat', plane.clock.nowMs());
    const outcome = await through(
      plane,
      beats(async () => heartbeatResult),
      { queue: 'system', body },
    );
    expect(outcome).toEqual({ kind: 'retry', afterMs: 5000 });
    expect(plane.ledger.rows.size).toBe(0);
  });

  it('halted: a run that holds is held, acknowledged, and done after the release', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    await drive(plane, engage(plane, { by: 'anna', reason: 'drill' }));
    expect(await through(plane, ok)).toEqual({ kind: 'held' });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'held', attempt: 0, starts: 0 });
    expect(counted(plane)).toContain('RunHeld');
    await release(plane, { by: 'anna', reason: 'done' });
    await drive(plane, reaper(plane).release());
    expect(await through(plane, ok)).toEqual({ kind: 'done' });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', attempt: 1, send: 2 });
  });

  it('halted: a run that skips is skipped, with frame and event', () =>
    withContract('ingest.pull', { whenHalted: 'skip' }, async () => {
      const plane = memoryPlane();
      const { run } = await ask(plane);
      plane.key.value = '0';
      expect(await through(plane, ok)).toEqual({ kind: 'done' });
      expect(await rowOf(plane, run.id)).toMatchObject({ state: 'skipped', outcome: { code: 'halted' }, outbox: [] });
      expect(plane.lifecycle.events.map((event) => event.name)).toEqual(['HaltEngaged', 'RunSkipped']);
      expect(counted(plane)).toContain('RunSkipped');
    }));

  it('halted: a run that runs in a halt runs', async () => {
    const plane = memoryPlane();
    plane.key.value = '0';
    const body = tickBody('killswitch-heartbeat', plane.clock.nowMs());
    const outcome = await through(
      plane,
      beats(async () => heartbeatResult),
      { queue: 'system', body },
    );
    expect(outcome).toEqual({ kind: 'done' });
    expect(counted(plane)).toEqual(expect.arrayContaining(['RunSucceeded', 'SlotCompleted', 'SlotLateness']));
  });
});

/** The body of a run's pointer, as it was sent. */
const bodyOf = ({ id: run, generation, send, tenant, cell, queue, task, traceparent, hops }: Run): string =>
  pointerBody({ v: 1, run, generation, send, tenant, cell, queue, task, traceparent, hops });

async function sent(plane: MemoryPlane, run: Run): Promise<{ body: string }> {
  await sendPointer(plane, run);
  const messages = plane.queues.receive('ingestion', 10);
  return { body: messages.at(-1)!.body };
}
