import { beforeEach, describe, expect, it } from 'vitest';
import { queueRow } from '#core/catalogue/queues.ts';
import { Failure } from '#core/errors.ts';
import { runExecutor, type ExecutorPlane } from '#core/executor.ts';
import { slotRecordName, type SlotRecord } from '#core/family.ts';
import { engage, release } from '#core/halt.ts';
import { changeRun, type Run } from '#core/run.ts';
import type { AnyBody } from '#core/task.ts';
import { reaper } from '#core/reap.ts';
import { memoryInbox } from '#memory/inbox.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { drive, place, rowOf } from '#test/unit/core/support.ts';

const task = 'arn:aws:ecs:eu-west-1:000000000000:task/alphaswarm/0001';
const result = {
  metrics: { returnPercent: 1.5 },
  tradeCount: 3,
  bars: 10,
  warnings: [],
  manifestKey: 'artifacts/m.json',
};
const payload = { data: { dataset: 'sp500-daily' }, strategy: { name: 'sma-cross' } };
const idleMs = 5000;
let plane: MemoryPlane;
let executor: ExecutorPlane;

beforeEach(() => {
  plane = memoryPlane();
  plane.owner = task;
  executor = { ...plane, inbox: memoryInbox(plane.queues, plane.clock) };
});

const place1 = (over: Partial<Run> = {}): Promise<Run> =>
  place(plane, { task: 'backtest.run', queue: 'backtest', payload: { inline: payload }, ...over });
const serve = (body: AnyBody, shutdown = new AbortController().signal) =>
  runExecutor(executor, { family: 'backtest', bodies: { 'backtest.run': body }, shutdown, idleMs });
const record = async (): Promise<SlotRecord> => (await plane.control.read(slotRecordName(task)))?.value as SlotRecord;
/** Works until it is told to end, which it hears at a checkpoint each tenth of a second. */
const endless: AnyBody = async (_payload, context) => {
  for (let done = Number(context.cursor ?? 0); ; done += 1) {
    await context.checkpoint(done);
    await plane.clock.sleep(100);
  }
};

describe('an executor', () => {
  it('serves its slots side by side, deletes each message once the run is claimed, and goes when nothing comes', async () => {
    const runs = [await place1(), await place1(), await place1()];
    let most = 0;
    let now = 0;
    const left: number[] = [];
    const ended = await drive(
      plane,
      serve(async () => {
        most = Math.max(most, (now += 1));
        left.push((await plane.queues.depth('backtest', 'queue')).inFlight);
        await plane.clock.sleep(1000);
        now -= 1;
        return result;
      }),
    );
    expect(ended).toBe('idle');
    expect(most).toBe(queueRow('backtest').slots);
    expect(left).toContain(0);
    for (const run of runs) expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', starts: 1 });
    expect(await record()).toMatchObject({ slots: [null, null], draining: true });
  });

  it('names a run in its record before it claims it, and its lease names the executor', async () => {
    const run = await place1();
    const seen: unknown[] = [];
    const replace = plane.ledger.replace.bind(plane.ledger);
    executor.ledger.replace = async (before, next) => {
      if (next.state === 'running' && before.state === 'queued')
        seen.push((await record()).slots.includes(run.id), next.lease?.owner);
      return replace(before, next);
    };
    await drive(
      plane,
      serve(async () => result),
    );
    expect(seen).toEqual([true, task]);
  });

  it('takes what was sent between its last look and its leaving', async () => {
    const write = plane.control.write.bind(plane.control);
    let late: Run | undefined;
    executor.control.write = async (name, value, ...rest) => {
      if ((value as SlotRecord).draining && !late) late = await place1();
      return write(name, value, ...rest);
    };
    expect(
      await drive(
        plane,
        serve(async () => result),
      ),
    ).toBe('idle');
    expect(await rowOf(plane, late!.id)).toMatchObject({ state: 'succeeded' });
  });

  it('goes on with a record whose last write arrived although its answer was lost', async () => {
    const write = plane.control.write.bind(plane.control);
    let writes = 0;
    executor.control.write = async (...values) => {
      writes += 1;
      const done = await write(...values);
      if (writes === 2) throw new Error('the answer was lost');
      return done;
    };
    const runs = [await place1(), await place1()];
    await drive(
      plane,
      serve(async () => result),
    );
    for (const run of runs) expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded' });
    expect(await record()).toMatchObject({ slots: [null, null], draining: true });
  });

  it('renews its record while it works, so that the dispatcher counts on it', async () => {
    await place1();
    const renewed = new Set<number>();
    await drive(
      plane,
      serve(async () => {
        for (let i = 0; i < 60; i += 1) {
          await plane.clock.sleep(1000);
          renewed.add((await record()).renewedMs);
        }
        return result;
      }),
    );
    expect(renewed.size).toBeGreaterThanOrEqual(4);
  });
});

describe('told to end', () => {
  it('it takes nothing more and hands back what runs: its attempt unspent, its cursor kept, a new message sent', async () => {
    const run = await place1();
    const shutdown = new AbortController();
    const ending = serve(endless, shutdown.signal);
    await plane.clock.advance(2000);
    shutdown.abort();
    const later = await place1();
    expect(await drive(plane, ending)).toBe('told to end');
    const row = await rowOf(plane, run.id);
    expect(row).toMatchObject({ state: 'queued', attempt: 0, starts: 1, send: 2, outbox: [] });
    expect(Number(row.cursor)).toBeGreaterThan(10);
    expect(await rowOf(plane, later.id)).toMatchObject({ state: 'queued', starts: 0 });
    expect(plane.queues.receive('backtest', 10)).toHaveLength(2);
  });
});

describe('a run in flight', () => {
  const start = async (body: AnyBody = endless) => {
    const run = await place1();
    const shutdown = new AbortController();
    const ending = serve(body, shutdown.signal);
    await plane.clock.advance(1500);
    return { run, ending, shutdown };
  };

  it('is cancelled within about a second of the wish', async () => {
    const { run, ending } = await start();
    const row = await rowOf(plane, run.id);
    await plane.ledger.replace(
      row,
      changeRun(row, { cancel: { by: 'ada', reason: 'wrong data', atMs: plane.clock.nowMs() } }),
    );
    await plane.clock.advance(1200);
    expect(await rowOf(plane, run.id)).toMatchObject({
      state: 'cancelled',
      outbox: [],
      outcome: { code: 'RUN_CANCELLED', message: 'cancelled by ada: wrong data' },
    });
    expect(plane.lifecycle.events.map(({ name }) => name)).toContain('RunCancelled');
    await drive(plane, ending);
  });

  it('that fails after the wish is cancelled, not tried again', async () => {
    const { run, ending } = await start(async (_payload, context) => {
      await plane.clock.sleep(1600);
      void context;
      throw new Failure('DEPENDENCY_UNAVAILABLE', 'the bucket is away');
    });
    const row = await rowOf(plane, run.id);
    await plane.ledger.replace(row, changeRun(row, { cancel: { by: 'ada', reason: 'r', atMs: plane.clock.nowMs() } }));
    await drive(plane, ending);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'cancelled' });
  });

  it('is held with its cursor in a halt, and goes on after the release', async () => {
    const { run, ending } = await start();
    await drive(plane, engage(plane, { by: 'ada', reason: 'a drill' }));
    await plane.clock.advance(1200);
    const held = await rowOf(plane, run.id);
    expect(held).toMatchObject({ state: 'held', attempt: 0 });
    await drive(plane, release(plane, { by: 'ada', reason: 'over' }));
    await drive(plane, ending);
    await drive(plane, reaper(plane).release());
    const cursors: unknown[] = [];
    executor = { ...executor, owner: `${task}2` };
    await drive(
      plane,
      serve(async (_payload, context) => (cursors.push(context.cursor), result)),
    );
    expect(cursors).toEqual([held.cursor]);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2 });
  });

  it('that fails for now is sent again after its back-off, since its message is gone', async () => {
    let tries = 0;
    const run = await place1();
    const ending = serve(async () => {
      tries += 1;
      if (tries < 3) throw new Failure('CHILD_DIED', 'the process was ended by SIGKILL');
      return result;
    });
    await drive(plane, ending);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', attempt: 3 });
  });

  it('that kills its process each time is dead after its attempts, with its error in the dead letters', async () => {
    const run = await place1();
    await drive(
      plane,
      serve(async () => {
        throw new Failure('CHILD_DIED', 'the process ran out of memory');
      }),
    );
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'dead', attempt: 3, outbox: [] });
    expect(plane.queues.letters('backtest')).toMatchObject([
      { code: 'CHILD_DIED', reason: 'the process ran out of memory' },
    ]);
  });

  it('that another took over is left alone', async () => {
    const { run, ending } = await start();
    const row = await rowOf(plane, run.id);
    const taken = changeRun(row, {
      fence: row.fence + 1,
      lease: { owner: 'another', untilMs: plane.clock.nowMs() + 45_000 },
    });
    await plane.ledger.replace(row, taken);
    await drive(plane, ending);
    expect(await rowOf(plane, run.id)).toMatchObject({
      state: 'running',
      fence: row.fence + 1,
      lease: { owner: 'another' },
    });
  });
});

describe('what it cannot do', () => {
  it('a message that is none is in the dead letters, and blocks nothing', async () => {
    await plane.queues.send('backtest', { body: 'no JSON', group: 'x', deduplicationId: 'x' });
    const run = await place1();
    await drive(
      plane,
      serve(async () => result),
    );
    expect(plane.queues.letters('backtest')).toHaveLength(1);
    expect(await plane.queues.depth('backtest', 'queue')).toMatchObject({ waiting: 0, inFlight: 0 });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded' });
  });

  it('with an unknown switch it starts nothing, writes no row, and the message comes back', async () => {
    const run = await place1();
    plane.key.down = true;
    const ending = serve(async () => result);
    await plane.clock.advance(1000);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'queued', rev: 1 });
    plane.key.down = false;
    await drive(plane, ending);
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', starts: 1 });
  });

  it('an image without the task settles the run as failed, and says what misses', async () => {
    const run = await place1();
    await drive(
      plane,
      runExecutor(executor, { family: 'backtest', bodies: {}, shutdown: new AbortController().signal, idleMs }),
    );
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'failed', outcome: { code: 'CONFIGURATION_INVALID' } });
  });

  it('a queue that is away is waited for', async () => {
    const take = executor.inbox.take.bind(executor.inbox);
    let tries = 0;
    executor = {
      ...executor,
      inbox: {
        ...executor.inbox,
        take: async (...values) => {
          tries += 1;
          if (tries < 4) throw new Error('away');
          return take(...values);
        },
      },
    };
    const run = await place1();
    await drive(
      plane,
      serve(async () => result),
    );
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded' });
  });
});
