import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { backOffMinutes, dispatch, launchCount, type DispatchPlane } from '#core/dispatch.ts';
import { engage, narrow } from '#core/halt.ts';
import { consumeKicks } from '#core/consume-kicks.ts';
import { changeFamily, isWorthALook, readFamily, slotRecordName, type SlotRecord } from '#core/family.ts';
import { parseKick, type Kick } from '#core/kick.ts';
import { changeRun, type Run } from '#core/run.ts';
import { memoryExecutors } from '#memory/executors.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { drive, failureOf, place, rejection, rowOf } from '#test/unit/core/support.ts';

const minuteMs = 60_000;
let plane: MemoryPlane;
let executors: ReturnType<typeof memoryExecutors>;
let dispatcher: DispatchPlane;

beforeEach(() => {
  plane = memoryPlane();
  executors = memoryExecutors();
  dispatcher = { ...plane, executors };
});

const waiting = (over: Partial<Run> = {}): Promise<Run> =>
  place(plane, { task: 'backtest.run', queue: 'backtest', ...over });
const look = (kicks: readonly Kick[] = []) => drive(plane, dispatch(dispatcher, 'backtest', kicks));
/** What the executor `task` would say of itself. */
const says = async (task: string, over: Partial<SlotRecord> = {}): Promise<void> => {
  const name = slotRecordName(task);
  const rev = (await plane.control.read(name))?.rev ?? 0;
  const record = { family: 'backtest', slots: [null, null], renewedMs: plane.clock.nowMs(), draining: false, ...over };
  await plane.control.write(name, record, rev);
};
const stopped = (task: string): Kick => ({
  family: 'backtest',
  cause: 'stopped',
  task,
  stopCode: 'EssentialContainerExited',
  reason: 'exit code 1',
});

describe('the launch formula', () => {
  it.each([
    [{ waiting: 0, live: 0, freeSlots: 0, pending: 0 }, 0],
    [{ waiting: 1, live: 0, freeSlots: 0, pending: 0 }, 1],
    [{ waiting: 3, live: 0, freeSlots: 0, pending: 0 }, 2],
    [{ waiting: 3, live: 1, freeSlots: 1, pending: 0 }, 1],
    [{ waiting: 3, live: 0, freeSlots: 0, pending: 1 }, 1],
    [{ waiting: 100, live: 3, freeSlots: 0, pending: 2 }, 15],
    [{ waiting: 100, live: 20, freeSlots: 0, pending: 2 }, 0],
    [{ waiting: 1, live: 4, freeSlots: 8, pending: 0 }, 0],
  ])('%j launches %i', (circumstances, expected) => {
    expect(launchCount({ ...circumstances, slots: 2, maximum: 20 })).toBe(expected);
  });

  it('never launches beyond the maximum, nor fewer than are needed below it', () => {
    const count = fc.nat({ max: 200 });
    const shape = {
      waiting: count,
      live: count,
      freeSlots: count,
      pending: count,
      slots: fc.integer({ min: 1, max: 4 }),
    };
    fc.assert(
      fc.property(fc.record(shape), (given) => {
        const launched = launchCount({ ...given, maximum: 20 });
        expect(launched).toBeGreaterThanOrEqual(0);
        expect(launched === 0 || given.live + given.pending + launched <= 20).toBe(true);
        const slots = given.freeSlots + (given.pending + launched) * given.slots;
        expect(slots >= given.waiting || given.live + given.pending + launched >= 20).toBe(true);
        // One fewer would not do.
        expect(launched === 0 || slots - given.slots < given.waiting).toBe(true);
      }),
    );
  });

  it('backs off after three failed starts: 1, 2, 4, 8, 15 minutes', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 100].map(backOffMinutes)).toEqual([0, 0, 0, 1, 2, 4, 8, 15, 15, 15]);
  });
});

describe('a look at a family', () => {
  it('launches for what waits, and not again for what was launched', async () => {
    for (let i = 0; i < 3; i += 1) await waiting();
    expect(await look()).toEqual({ launched: ['arn:task/backtest/1', 'arn:task/backtest/2'] });
    expect(await look()).toEqual({ launched: [], because: 'enough' });
    expect(executors.asked).toEqual([
      { family: 'backtest', count: 2, capacity: 'FARGATE_SPOT', token: 'backtest-1-FARGATE_SPOT' },
    ]);
  });

  it('counts what is due within a minute, what was sent again, and nothing that is for later', async () => {
    const nowMs = plane.clock.nowMs();
    await waiting({ notBeforeMs: nowMs + 61 * 1000 });
    expect(await look()).toMatchObject({ because: 'enough' });
    await waiting({ notBeforeMs: nowMs + 59 * 1000, checkAfterMs: nowMs + 119_000 });
    expect((await look()).launched).toHaveLength(1);
    await waiting({ checkAfterMs: nowMs + 60 * minuteMs });
    await waiting({ checkAfterMs: nowMs + 60 * minuteMs });
    expect((await look()).launched).toHaveLength(1);
  });

  it('counts on free slots of live executors, not on those that leave or are silent', async () => {
    await waiting();
    const { launched } = await look();
    await says(launched[0]!);
    await waiting();
    expect(await look()).toMatchObject({ because: 'enough' });
    await says(launched[0]!, { draining: true });
    expect((await look()).launched).toHaveLength(1);
    await plane.clock.advance(46_000);
    expect((await look()).launched).toHaveLength(0);
    expect((await readFamily(plane, 'backtest')).executors.map(({ task }) => task)).toContain(launched[0]);
    await plane.clock.advance(3 * minuteMs);
    await says('arn:task/backtest/2');
    await waiting();
    await waiting();
    expect((await look()).launched).toHaveLength(1);
    expect((await readFamily(plane, 'backtest')).executors.map(({ task }) => task)).not.toContain(launched[0]);
  });

  it('launches ten at a time, and asks to be kicked again for the rest', async () => {
    for (let i = 0; i < 30; i += 1) await waiting();
    await plane.clock.advance(2000);
    plane.queues.receive('kick', 100);
    expect((await look()).launched).toHaveLength(10);
    const [kick] = plane.queues.receive('kick', 10);
    expect(parseKick(kick!.body)).toEqual({ family: 'backtest', cause: 'again' });
    expect((await look()).launched).toHaveLength(5);
  });

  it('starts nothing in a halt, of all or of its queue, and hands the kick back while the switch is unknown', async () => {
    await waiting();
    plane.key.down = true;
    expect((await rejection(look())).code).toBe('KILL_SWITCH_UNKNOWN');
    plane.key.down = false;
    await drive(plane, narrow(plane, { kind: 'queue', name: 'backtest', by: 'ada', reason: 'a drill' }));
    expect(await look()).toEqual({ launched: [], because: 'halted' });
    await drive(plane, engage(plane, { by: 'ada', reason: 'a drill' }));
    expect(await look()).toEqual({ launched: [], because: 'halted' });
    expect(executors.asked).toEqual([]);
  });

  it('goes to the next capacity where one has no room, and backs off where none has', async () => {
    await waiting();
    executors.full.add('FARGATE_SPOT');
    expect((await look()).launched).toHaveLength(1);
    expect(executors.asked.map(({ capacity }) => capacity)).toEqual(['FARGATE_SPOT', 'FARGATE']);
    executors.full.add('FARGATE');
    for (let i = 0; i < 3; i += 1) await waiting();
    for (let i = 0; i < 3; i += 1) expect(await look()).toEqual({ launched: [], because: 'refused' });
    expect(await look()).toEqual({ launched: [], because: 'backing off' });
    expect((await readFamily(plane, 'backtest')).lastFailure).toContain('FARGATE: Capacity is unavailable');
    executors.full.clear();
    await plane.clock.advance(minuteMs);
    expect((await look()).launched).toHaveLength(1);
  });
});

describe('a dispatcher that dies', () => {
  it('after the launch, before its answer: the next one launches the same tasks under the same token', async () => {
    await waiting();
    executors.diesAfterLaunch = true;
    await expect(look()).rejects.toThrow('the process is gone');
    executors.diesAfterLaunch = false;
    expect(await look()).toMatchObject({ because: 'enough' });
    expect(new Set(executors.asked.map(({ token }) => token)).size).toBe(1);
    expect((await readFamily(plane, 'backtest')).executors).toHaveLength(1);
  });

  it('after one capacity had no room: the next one does not ask it again, though it has some by then', async () => {
    await waiting();
    executors.full.add('FARGATE_SPOT');
    const launch = executors.launch.bind(executors);
    executors.launch = async (request) => {
      if (request.capacity === 'FARGATE') executors.diesAfterLaunch = true;
      return launch(request);
    };
    await expect(look()).rejects.toThrow('the process is gone');
    executors.launch = launch;
    executors.diesAfterLaunch = false;
    executors.full.clear();
    expect(await look()).toMatchObject({ because: 'enough' });
    expect(executors.asked.map(({ capacity }) => capacity)).toEqual(['FARGATE_SPOT', 'FARGATE', 'FARGATE']);
    expect((await readFamily(plane, 'backtest')).executors).toHaveLength(1);
  });

  it('at any write of its record: never two decisions, never more tasks than were wanted', async () => {
    for (let dies = 1; dies <= 3; dies += 1) {
      plane = memoryPlane();
      executors = memoryExecutors();
      const control = { ...plane.control };
      let writes = 0;
      dispatcher = { ...plane, executors, control };
      control.write = async (...values) => {
        writes += 1;
        if (writes === dies) throw new Error('the process is gone');
        return plane.control.write(...values);
      };
      await waiting();
      await look().catch(() => undefined);
      dispatcher = { ...plane, executors };
      await look();
      expect((await readFamily(plane, 'backtest')).executors).toHaveLength(1);
      const tokens = executors.asked.map(({ token }) => token);
      expect(new Set(tokens).size).toBe(1);
    }
  });
});

describe('a task that stopped', () => {
  const held = async (task: string): Promise<Run> => {
    const row = await waiting();
    const lease = { owner: task, untilMs: plane.clock.nowMs() + 45_000 };
    const claimed = changeRun(row, { state: 'running', attempt: 1, fence: 1, lease });
    await plane.ledger.replace(row, claimed);
    await says(task, { slots: [row.id, null] });
    return claimed;
  };

  it('has its runs settled at once: queued again, under a new message, the attempt spent', async () => {
    await waiting();
    const [task = ''] = (await look()).launched;
    const run = await held(task);
    await look([stopped(task)]);
    const row = await rowOf(plane, run.id);
    expect(row).toMatchObject({ state: 'queued', attempt: 1, send: 2, outbox: [] });
    expect((await readFamily(plane, 'backtest')).failedStarts).toBe(0);
    expect((await readFamily(plane, 'backtest')).executors.map((one) => one.task)).not.toContain(task);
  });

  it('leaves alone a run that another executor has taken since, and one that is settled', async () => {
    await waiting();
    const [task = ''] = (await look()).launched;
    const run = await held(task);
    const row = await rowOf(plane, run.id);
    const other = { owner: 'arn:task/backtest/9', untilMs: plane.clock.nowMs() + 45_000 };
    await plane.ledger.replace(row, changeRun(row, { fence: 2, lease: other }));
    await look([stopped(task)]);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'running', fence: 2 });
  });

  it('before it said a word is a failed start; the third in a row makes the family wait, and one that speaks ends it', async () => {
    for (let i = 0; i < 8; i += 1) await waiting();
    const { launched } = await look();
    for (const task of launched.slice(0, 3)) await look([stopped(task)]);
    expect(await readFamily(plane, 'backtest')).toMatchObject({
      failedStarts: 3,
      lastFailure: expect.stringContaining('exit code 1'),
    });
    expect(await look()).toEqual({ launched: [], because: 'backing off' });
    await plane.clock.advance(minuteMs);
    const again = await look();
    expect(again.launched.length).toBeGreaterThan(0);
    for (const task of again.launched) await says(task);
    await look();
    expect((await readFamily(plane, 'backtest')).failedStarts).toBe(0);
  });

  it('and had spoken breaks the row of failed starts, however short its life was', async () => {
    for (let i = 0; i < 6; i += 1) await waiting();
    const [first = '', second = '', third = ''] = (await look()).launched;
    await look([stopped(first)]);
    expect((await readFamily(plane, 'backtest')).failedStarts).toBe(1);
    await says(second, { draining: true });
    await look([stopped(second)]);
    await look([stopped(third)]);
    expect((await readFamily(plane, 'backtest')).failedStarts).toBe(1);
  });

  it('and never said a word while ECS says nothing either: stopped, forgotten, a failed start', async () => {
    await waiting();
    const [task = ''] = (await look()).launched;
    await plane.clock.advance(5 * minuteMs + 1);
    expect((await look()).launched).toHaveLength(1);
    expect(executors.stopped.map((one) => one.task)).toEqual([task]);
    expect((await readFamily(plane, 'backtest')).failedStarts).toBe(1);
  });
});

describe('whether a family is worth a look', () => {
  it('is so while a run waits, a task is known, or a decision stands open; and not when nothing is there', async () => {
    expect(await isWorthALook(plane, 'backtest')).toBe(false);
    const run = await waiting();
    expect(await isWorthALook(plane, 'backtest')).toBe(true);
    const [task = ''] = (await look()).launched;
    await plane.ledger.replace(run, changeRun(run, { state: 'cancelled' }));
    expect(await isWorthALook(plane, 'backtest')).toBe(true);
    await look([stopped(task)]);
    expect(await isWorthALook(plane, 'backtest')).toBe(false);
    await changeFamily(plane, 'backtest', (record) => ({ ...record, open: { count: 1 } }));
    expect(await isWorthALook(plane, 'backtest')).toBe(true);
  });
});

describe('kicks', () => {
  const kick = (over: object = {}) => ({
    id: 'm1',
    receipt: 'm1',
    receives: 1,
    body: JSON.stringify({ v: 1, family: 'backtest', cause: 'send', ...over }),
  });

  it('of one family in one batch are one look', async () => {
    await waiting();
    expect(await drive(plane, consumeKicks(dispatcher, [kick(), { ...kick(), id: 'm2' }]))).toEqual([]);
    expect(executors.asked).toHaveLength(1);
  });

  it('come back together when the look fails', async () => {
    plane.key.down = true;
    expect(await drive(plane, consumeKicks(dispatcher, [kick(), { ...kick(), id: 'm2' }]))).toEqual(['m1', 'm2']);
  });

  it.each([
    ['no JSON', 'it is not JSON'],
    ['{"v":1,"family":"nobody","cause":"send"}', 'names the family "nobody"'],
    ['{"v":1,"family":"ingestion","cause":"send"}', 'names the family "ingestion"'],
    ['{"v":1,"family":"backtest","cause":"stopped"}', 'not a kick'],
    ['{"v":2,"family":"backtest","cause":"send"}', 'not a kick'],
  ])('%s goes to the dead letters: %s', async (body, reason) => {
    expect(failureOf(() => parseKick(body)).message).toContain(reason);
    expect(await drive(plane, consumeKicks(dispatcher, [{ ...kick(), body }]))).toEqual([]);
    expect(plane.queues.letters('kick')).toHaveLength(1);
  });

  it('are sent with every message of a heavy queue, and one that is lost does not keep the message', async () => {
    const send = plane.queues.send.bind(plane.queues);
    plane.queues.send = (queue, message) =>
      queue === 'kick' ? Promise.reject(new Error('away')) : send(queue, message);
    await waiting();
    expect(plane.queues.receive('backtest', 1)).toHaveLength(1);
    plane.queues.send = send;
    await waiting();
    expect(plane.queues.receive('kick', 10).map(({ body }) => parseKick(body))).toEqual([
      { family: 'backtest', cause: 'send' },
    ]);
  });
});
