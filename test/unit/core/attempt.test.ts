// One attempt on a queue whose lease is renewed: what ends it from outside, and what is left of it.
import { describe, expect, it } from 'vitest';
import { engage, narrow, release } from '#core/halt.ts';
import { Failure } from '#core/errors.ts';
import { mirrorName } from '#core/kill-switch.ts';
import { reaper } from '#core/reap.ts';
import { changeRun, type Run } from '#core/run.ts';
import { sendPointer } from '#core/enqueue.ts';
import type { AnyBody, TaskContext } from '#core/task.ts';
import type { TaskName } from '#core/catalogue/tasks.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import {
  ask,
  bound,
  deliver,
  drive,
  pullPayload,
  pullResult,
  pulls,
  rowOf,
  withContract,
  type Delivered,
} from './support.ts';

type Context = TaskContext<TaskName>;
const who = { by: 'anna', reason: 'drill' };

/** Works `forMs` in steps of 100 ms and checkpoints after each, counting from its cursor. */
const working =
  (plane: MemoryPlane, forMs: number, seen: Context[] = []): AnyBody =>
  async (_payload, context) => {
    seen.push(context);
    for (let done = Number(context.cursor ?? 0); done < forMs; done += 100) {
      await context.checkpoint(done);
      await plane.clock.sleep(100);
    }
    return pullResult;
  };
/** Sleeps, and hears nothing. */
const deaf =
  (plane: MemoryPlane, forMs: number): AnyBody =>
  async () => {
    await plane.clock.sleep(forMs);
    return pullResult;
  };

interface Started {
  readonly plane: MemoryPlane;
  readonly id: string;
  readonly end: Promise<Delivered>;
  row(): Promise<Run>;
}
/** A run whose body is under way. */
async function start(body: (plane: MemoryPlane) => AnyBody, deadlineInMs = 720_000): Promise<Started> {
  const plane = memoryPlane();
  const { run } = await ask(plane);
  const deadlineMs = plane.clock.nowMs() + deadlineInMs;
  const end = deliver(plane, 'ingestion', { bodies: pulls(body(plane)), deadlineMs });
  await plane.clock.advance(500);
  return { plane, id: run.id, end, row: () => rowOf(plane, run.id) };
}
const elapsed = async (test: Started, until: Promise<unknown>): Promise<number> => {
  const beganMs = test.plane.clock.monotonicMs();
  await drive(test.plane, until);
  return test.plane.clock.monotonicMs() - beganMs;
};

describe('the lease of work in flight', () => {
  it('is renewed every 15 s for 45 s more, and its cursor is kept with it', async () => {
    const test = await start((plane) => working(plane, 40_000));
    const beganMs = test.plane.clock.nowMs() - 500;
    expect((await test.row()).lease?.untilMs).toBe(beganMs + 45_000);
    await test.plane.clock.advance(14_600);
    expect((await test.row()).lease?.untilMs).toBe(beganMs + 60_000);
    expect((await test.row()).cursor).toBeGreaterThanOrEqual(14_900);
    await test.plane.clock.advance(15_000);
    expect((await test.row()).lease?.untilMs).toBe(beganMs + 75_000);
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'succeeded', attempt: 1 });
  });

  it('keeps a second delivery away for as long as the work goes on', async () => {
    const test = await start((plane) => working(plane, 100_000));
    await test.plane.clock.advance(90_000);
    await sendPointer(test.plane, await test.row());
    let begun = 0;
    await deliver(test.plane, 'ingestion', { bodies: pulls(async () => ((begun += 1), pullResult)) });
    expect(begun).toBe(0);
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'succeeded', starts: 1 });
  });

  it('survives a lost renewal', async () => {
    const test = await start((plane) => working(plane, 60_000));
    const replace = bound(test.plane.ledger, 'replace');
    let failures = 1;
    test.plane.ledger.replace = (...args) =>
      failures-- > 0 ? Promise.reject(new Error('throttled')) : replace(...args);
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'succeeded' });
  });

  it('that cannot be renewed ends the work before somebody else may take it; nothing is written', async () => {
    const test = await start((plane) => working(plane, 100_000));
    const before = await test.row();
    test.plane.ledger.replace = () => Promise.reject(new Error('throttled'));
    const tookMs = await elapsed(test, test.end);
    expect(tookMs + 500).toBeLessThanOrEqual(45_000);
    expect(await test.row()).toEqual(before);
    expect(await test.end).toMatchObject({ returned: [] });
  });

  it('that was taken over ends the work at its next renewal: nothing is written, no frame comes last', async () => {
    const test = await start((plane) => working(plane, 100_000));
    const taken = changeRun(await test.row(), { fence: 2, attempt: 2, lease: { owner: 'other', untilMs: 9e15 } });
    await test.plane.ledger.replace(await test.row(), taken);
    await drive(test.plane, test.end);
    expect(await test.row()).toEqual(taken);
    expect(test.plane.queues.letters('ingestion')).toEqual([]);
    expect(await test.plane.progress.read(test.id)).toEqual([]);
  });

  it('that was taken over just before the end refuses the result of the old owner', async () => {
    const test = await start((plane) => working(plane, 2000));
    const taken = changeRun(await test.row(), { fence: 2, attempt: 2, lease: { owner: 'other', untilMs: 9e15 } });
    await test.plane.ledger.replace(await test.row(), taken);
    expect(await drive(test.plane, test.end)).toMatchObject({ returned: [] });
    expect(await test.row()).toEqual(taken);
    expect(test.plane.lifecycle.events.map(({ name }) => name)).toEqual(['RunStarted']);
  });
});

describe('a halt in mid-run', () => {
  it('ends the work within about a second: held with its cursor, the attempt given back, resumed after the release', async () => {
    const seen: Context[] = [];
    const test = await start((plane) => working(plane, 60_000, seen));
    void engage(test.plane, who);
    const tookMs = await elapsed(test, test.end);
    expect(tookMs).toBeLessThanOrEqual(1200);
    const held = await test.row();
    expect(held).toMatchObject({ state: 'held', attempt: 0, starts: 1, fence: 1 });
    expect(held.lease).toBeUndefined();
    expect(held.cursor).toBeGreaterThanOrEqual(400);
    expect(seen[0]!.signal.reason).toMatchObject({ code: 'KILL_SWITCH_HALTED' });
    expect(await test.plane.queues.depth('ingestion', 'queue')).toMatchObject({ waiting: 0, inFlight: 0 });

    await test.plane.clock.advance(2000);
    await release(test.plane, who);
    await drive(test.plane, reaper(test.plane).release());
    await drive(test.plane, deliver(test.plane, 'ingestion', { bodies: pulls(working(test.plane, 2000, seen)) }));
    expect(seen[1]!.cursor).toBe(held.cursor);
    expect(await test.row()).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2, fence: 2 });
  });

  it('of its queue only ends it, too', async () => {
    const test = await start((plane) => working(plane, 60_000));
    void narrow(test.plane, { ...who, kind: 'queue', name: 'ingestion' });
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'held', attempt: 0 });
  });

  it('leaves a body that hears nothing behind after 5 s, and denies it every effect from then on', async () => {
    let put: Promise<unknown> | undefined;
    const test = await start((plane) => async (_, context) => {
      await plane.clock.sleep(60_000);
      put = (context as unknown as TaskContext<'ingest.pull'>).ports.artefacts.put('late', new Uint8Array(1), 'x');
      await put.catch(() => undefined);
      return pullResult;
    });
    void engage(test.plane, who);
    expect(await elapsed(test, test.end)).toBeLessThanOrEqual(6300);
    expect(await test.row()).toMatchObject({ state: 'held', attempt: 0 });
    await test.plane.clock.advance(2000);
    await release(test.plane, who);
    await test.plane.clock.advance(60_000);
    await expect(put).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(test.plane.artefacts.objects.size).toBe(0);
  });

  it('that the task runs through does not touch it', () =>
    withContract('ingest.pull', { whenHalted: 'run' }, async () => {
      const test = await start((plane) => working(plane, 5000));
      void engage(test.plane, who);
      await drive(test.plane, test.end);
      expect(await test.row()).toMatchObject({ state: 'succeeded' });
    }));

  it('of a task that skips ends it as skipped', () =>
    withContract('ingest.pull', { whenHalted: 'skip' }, async () => {
      const test = await start((plane) => working(plane, 60_000));
      test.plane.key.value = '0';
      await drive(test.plane, test.end);
      expect(await test.row()).toMatchObject({ state: 'skipped', outcome: { code: 'halted' }, outbox: [] });
    }));

  it('heard of through the guard holds the run as well, and its effect is not done', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    const body: AnyBody = async (_, context) => {
      plane.key.value = 'core';
      await (context as unknown as TaskContext<'ingest.pull'>).ports.artefacts.put('a', new Uint8Array(1), 'x');
      return pullResult;
    };
    await drive(plane, deliver(plane, 'ingestion', { bodies: pulls(body) }));
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'held', attempt: 0 });
    expect(plane.artefacts.objects.size).toBe(0);
  });
});

describe('a switch that cannot be read in mid-run', () => {
  it('for less than 60 s does not touch the work', async () => {
    const test = await start((plane) => working(plane, 100_000));
    test.plane.key.down = true;
    await test.plane.clock.advance(58_000);
    test.plane.key.down = false;
    await test.plane.clock.advance(2000);
    test.plane.key.down = true;
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'succeeded', attempt: 1 });
  });

  it('for 60 s ends it: handed back with its cursor, the attempt unspent', async () => {
    const test = await start((plane) => working(plane, 100_000));
    test.plane.key.down = true;
    const tookMs = await elapsed(test, test.end);
    expect(tookMs).toBeGreaterThan(59_000);
    expect(tookMs).toBeLessThan(62_000);
    expect(await test.row()).toMatchObject({ state: 'queued', attempt: 0, starts: 1 });
    expect((await test.row()).cursor).toBeGreaterThan(50_000);
    expect((await test.end).returned).toHaveLength(1);
  });

  it('but whose mirror says halted is a halt, not a doubt', async () => {
    const test = await start((plane) => working(plane, 100_000));
    test.plane.key.down = true;
    await drive(test.plane, engage(test.plane, who));
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'held' });
    expect(await test.plane.control.read(mirrorName)).toBeDefined();
  });
});

describe('the deadline', () => {
  it('ends a leg that has moved on: continued under a new message at its cursor, the attempt unspent', async () => {
    const seen: Context[] = [];
    const test = await start((plane) => working(plane, 60_000, seen), 30_000);
    await drive(test.plane, test.end);
    expect(seen[0]!.signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const between = await test.row();
    expect(between).toMatchObject({ state: 'queued', attempt: 0, send: 2, outbox: [] });
    expect((await test.end).returned).toEqual([]);
    await drive(test.plane, deliver(test.plane, 'ingestion', { bodies: pulls(working(test.plane, 60_000, seen)) }));
    expect(seen[1]!.cursor).toBe(between.cursor);
    expect(await test.row()).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2 });
  });

  it('is heard of 15 s before the end of a long invocation', async () => {
    const test = await start((plane) => working(plane, 60_000), 30_000);
    expect(await elapsed(test, test.end)).toBeLessThanOrEqual(30_000 - 15_000 - 500 + 200);
  });

  it('ends a leg that has not moved: a failed attempt, retried', async () => {
    const test = await start((plane) => deaf(plane, 100_000), 30_000);
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'queued', attempt: 1, outcome: { code: 'DEADLINE_EXCEEDED' } });
    expect((await test.end).returned).toHaveLength(1);
  });

  it('lets a body that finishes in its grace finish', async () => {
    const test = await start((plane) => deaf(plane, 16_000), 30_000);
    await drive(test.plane, test.end);
    expect(await test.row()).toMatchObject({ state: 'succeeded' });
  });

  it('that has passed before the payload was there ends the attempt without beginning the body', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane, { payload: { ...pullPayload, source: { key: `inbox/${'x'.repeat(500)}` } } });
    expect(run.payload).toHaveProperty('key');
    const read = bound(plane.artefacts, 'read');
    plane.artefacts.read = async (key) => (await plane.clock.sleep(20_000), read(key));
    let begun = 0;
    const body: AnyBody = async () => ((begun += 1), plane.clock.sleep(500_000));
    const deadlineMs = plane.clock.nowMs() + 30_000;
    await drive(plane, deliver(plane, 'ingestion', { bodies: pulls(body), deadlineMs }));
    expect(begun).toBe(0);
    expect(plane.clock.nowMs()).toBeLessThanOrEqual(deadlineMs);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'queued', attempt: 1 });
  });
});

it('whatever a body throws once it was told to end, the reason it was told is the failure', async () => {
  const test = await start((plane) => async (_, context) => {
    await plane.clock.sleep(60_000, context.signal).catch(() => {
      throw new Failure('INPUT_INVALID', 'the file was closed under me');
    });
  });
  test.plane.key.value = 'core';
  await drive(test.plane, test.end);
  expect(await test.row()).toMatchObject({ state: 'held', attempt: 0 });
});

describe('a cursor', () => {
  it('that no row can carry is refused, and says what to do', async () => {
    const test = await start(() => async (_payload, context) => {
      await context.checkpoint({ seen: 'x'.repeat(5000) });
      return pullResult;
    });
    await drive(test.plane, test.end);
    const row = await test.row();
    expect(row).toMatchObject({ state: 'failed', outcome: { code: 'RESULT_INVALID' } });
    expect(row.outcome?.message).toContain('artefacts');
    expect(row.cursor).toBeUndefined();
  });
});
