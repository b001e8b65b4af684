// Each operation and each duty of the reaper, with a process that dies between every two of its writes. Then the caller
// asks again, or nobody does; the reaper comes by; and what remains is right: nothing lost, nothing twice, nothing stuck.
import { describe, expect, it } from 'vitest';
import { retry } from '#core/again.ts';
import { cancel } from '#core/cancel.ts';
import { catchUp } from '#core/catch-up.ts';
import { tickRunId } from '#core/ids.ts';
import { peekLetters } from '#core/letters.ts';
import type { Plane } from '#core/plane.ts';
import { reaper } from '#core/reap.ts';
import { reconciler, watermarkName } from '#core/reconcile.ts';
import { redrive, redriveQueue } from '#core/redrive.ts';
import { isTerminal, type Run } from '#core/run.ts';
import { isPausedAt, pauseSchedule, readSchedule, resumeSchedule } from '#core/schedule-record.ts';
import { heartbeatResult, pullResult, rowOf, runRow, withSchedule } from '#test/unit/core/support.ts';
import { mortal } from './support/mortal.ts';
import { deliverAll, startMs, type MakeWorld, type World } from './support/world.ts';

const request = { by: 'anna', reason: 'the data is mended' };
const key = 'killswitch-heartbeat';
const minuteMs = 60_000;
const slotMs = Date.UTC(2026, 0, 5, 12);

interface Scenario {
  readonly name: string;
  /** Makes the world; resolves with the id of the run that it is about. */
  readonly prepare: (world: World) => Promise<string>;
  readonly operate: (plane: World['plane'], run: string) => Promise<unknown>;
  /** What must be true once the operation was asked for again and the reaper has been there. */
  readonly done: (world: World, run: string) => Promise<void>;
  readonly catchUp?: 'last';
  /** Times that the body has been at work in the end, when the operation was asked for to its end. */
  readonly effects: number;
}

async function make(world: World, over: Partial<Run>): Promise<string> {
  const row = { ...runRow(over, world.plane as never), id: world.plane.ids.named(JSON.stringify(over)) };
  await world.plane.ledger.create(row);
  return row.id;
}
/** A run that is dead, its letter still to be sent; or already sent. */
const dead =
  (outbox: Run['outbox'], checkAfterMs = startMs + minuteMs) =>
  (world: World) =>
    make(world, {
      checkAfterMs,
      state: 'dead',
      attempt: 5,
      starts: 5,
      fence: 5,
      outbox,
      outcome: { code: 'LEASE_EXPIRED', message: 'lost' },
    });
async function deadWithLetter(world: World): Promise<string> {
  const id = await dead(['frame', 'event', 'dead-letter'], startMs)(world);
  await world.drive(reaper(world.plane).drain());
  // Of another run, and of nobody: they stay where they are.
  await world.strand('ingestion', 'what is this');
  return id;
}
const rowIn = (world: World, id: string): Promise<Run> => rowOf(world.plane as never, id);
const lettersOf = async (world: World, id: string) =>
  (await peekLetters(world.plane, 'ingestion')).letters.filter(({ about }) => about?.run === id);
const ids = (world: World, at = slotMs) => tickRunId(world.plane.ids, world.plane.cell, { schedule: key, slotMs: at });
async function withFirstSlot(world: World, more: object = {}): Promise<string> {
  await world.plane.control.write(`schedule#${key}`, { firstSlotMs: slotMs - 60 * minuteMs, ...more }, 0);
  return ids(world);
}
const isQueuedAnew = async (world: World, id: string): Promise<void> => {
  expect(await rowIn(world, id)).toMatchObject({ generation: 2, attempt: 1, state: 'succeeded', again: request });
  expect(await lettersOf(world, id)).toEqual([]);
};
const isCancelled = async (world: World, id: string): Promise<void> => {
  expect(await rowIn(world, id)).toMatchObject({ state: 'cancelled', cancel: request, outbox: [] });
  expect((await world.plane.progress.read(id)).at(-1)).toMatchObject({ state: 'cancelled' });
};
const hasSucceeded = async (world: World, id: string): Promise<void> =>
  expect((await rowIn(world, id)).state).toBe('succeeded');
const hasItsLetter = async (world: World, id: string): Promise<void> => {
  expect((await rowIn(world, id)).state).toBe('dead');
  expect(await lettersOf(world, id)).not.toEqual([]);
};
const lease = (world: World, forMs: number) => ({ owner: 'other', untilMs: world.plane.clock.nowMs() + forMs });
const running = (forMs: number) => (world: World) =>
  make(world, {
    state: 'running',
    attempt: 1,
    starts: 1,
    fence: 1,
    lease: lease(world, forMs),
    checkAfterMs: world.plane.clock.nowMs() + forMs,
  });

const scenarios: Scenario[] = [
  {
    name: 'cancelling a queued run',
    prepare: (world) => make(world, {}),
    operate: (plane, run) => cancel(plane, run, request),
    done: isCancelled,
    effects: 0,
  },
  {
    name: 'cancelling a held run',
    prepare: (world) => make(world, { state: 'held', checkAfterMs: world.plane.clock.nowMs() }),
    operate: (plane, run) => cancel(plane, run, request),
    done: isCancelled,
    effects: 0,
  },
  {
    name: 'cancelling a run at work, whose process then dies',
    prepare: running(45_000),
    operate: (plane, run) => cancel(plane, run, request),
    done: isCancelled,
    effects: 0,
  },
  {
    name: 'cancelling a run whose lease is over',
    prepare: running(-1),
    operate: (plane, run) => cancel(plane, run, request),
    done: isCancelled,
    effects: 0,
  },
  {
    name: 'retrying a dead run whose outbox is full',
    prepare: dead(['frame', 'event', 'dead-letter']),
    operate: (plane, run) => retry(plane, run, { ...request, generation: 1 }),
    done: isQueuedAnew,
    effects: 1,
  },
  {
    name: 'redriving a run',
    prepare: deadWithLetter,
    operate: (plane, run) => redrive(plane, run, { ...request, generation: 1 }),
    done: isQueuedAnew,
    effects: 1,
  },
  {
    name: 'redriving a queue',
    prepare: deadWithLetter,
    operate: (plane) => redriveQueue(plane, 'ingestion', request),
    done: isQueuedAnew,
    effects: 1,
  },
  {
    name: 'catching up a slot that never came',
    prepare: (world) => withFirstSlot(world),
    operate: (plane) => catchUp(plane, { schedule: key, slotMs }, request),
    done: async (world, run) =>
      expect(await rowIn(world, run)).toMatchObject({ state: 'succeeded', generation: 1, starts: 1, again: request }),
    effects: 1,
  },
  {
    name: 'catching up a slot that was skipped in a halt',
    prepare: async (world) => {
      const id = await withFirstSlot(world);
      const over = { id, task: 'killswitch.heartbeat', queue: 'system', schedule: key, slotMs } as const;
      const row = runRow({ ...over, state: 'skipped', outcome: { code: 'halted' } }, world.plane as never);
      await world.plane.ledger.create({ ...row, payload: { inline: {} } });
      return id;
    },
    operate: (plane) => catchUp(plane, { schedule: key, slotMs }, request),
    done: async (world, run) =>
      expect(await rowIn(world, run)).toMatchObject({ state: 'succeeded', generation: 2, starts: 1, again: request }),
    effects: 1,
  },
  {
    name: 'reconciling a schedule that makes up for its last slot',
    prepare: async (world) => {
      await world.plane.control.write(watermarkName(key), { untilMs: slotMs - 3 * minuteMs }, 0);
      await withFirstSlot(world);
      await world.plane.clock.advance(6 * minuteMs);
      return ids(world, slotMs + minuteMs);
    },
    operate: (plane) => reconciler(plane).reconcile(),
    catchUp: 'last',
    done: async (world, run) => {
      expect(await rowIn(world, run)).toMatchObject({ state: 'succeeded', starts: 1, slotMs: slotMs + minuteMs });
      expect(await world.plane.ledger.read(ids(world))).toBeUndefined();
      const missed = world.plane.metrics.records.filter(({ name }) => name === 'SlotMissed');
      expect(missed.length).toBeGreaterThanOrEqual(1);
      expect(missed[0]?.value).toBe(4);
    },
    effects: 1,
  },
  {
    name: 'pausing a schedule',
    prepare: (world) => withFirstSlot(world),
    operate: (plane) => pauseSchedule(plane, key, request),
    done: async (world) =>
      expect((await readSchedule(world.plane, key)).value.paused).toEqual({
        ...request,
        atMs: expect.any(Number) as number,
      }),
    effects: 0,
  },
  {
    name: 'resuming a schedule',
    prepare: (world) => withFirstSlot(world, { paused: { ...request, atMs: slotMs } }),
    operate: (plane) => resumeSchedule(plane, key, request),
    done: async (world) => {
      const { value } = await readSchedule(world.plane, key);
      expect([isPausedAt(value, slotMs), isPausedAt(value, slotMs + minuteMs * 9)]).toEqual([true, false]);
    },
    effects: 0,
  },
  ...(['resend', 'expire', 'drain', 'release'] as const).map((duty): Scenario => ({
    name: `the reaper's duty ${duty}`,
    prepare: {
      resend: (world: World) => make(world, { checkAfterMs: world.plane.clock.nowMs() }),
      expire: running(0),
      drain: dead(['frame', 'event', 'dead-letter'], startMs),
      release: (world: World) => make(world, { state: 'held', checkAfterMs: world.plane.clock.nowMs() }),
    }[duty],
    operate: (plane) => reaper(plane)[duty](),
    done: duty === 'drain' ? hasItsLetter : hasSucceeded,
    effects: duty === 'drain' ? 0 : 1,
  })),
];

/** Lives on: the reaper each minute, consumers at once, for as long as something is open. Resolves with runs at work. */
async function liveOn(world: World): Promise<string[]> {
  const begun: string[] = [];
  const bodies = {
    'ingest.pull': async (_: unknown, context: { run: { id: string } }) => (begun.push(context.run.id), pullResult),
    'killswitch.heartbeat': async (_: unknown, context: { run: { id: string } }) => (
      begun.push(context.run.id),
      heartbeatResult
    ),
  };
  for (let minutes = 0; minutes < 3; minutes += 1) {
    for (const queue of ['ingestion', 'system'] as const) await deliverAll(world, queue, bodies);
    await world.plane.clock.advance(minuteMs + 1000);
    const reaping = reaper(world.plane);
    await world.drive(
      Promise.all([reaping.expire(), reaping.resend(), reaping.drain(), reaping.release(), reaping.kick()]),
    );
  }
  for (const queue of ['ingestion', 'system'] as const) await deliverAll(world, queue, bodies);
  return begun;
}

/** Whatever the process did or did not do: the run is at rest, what its end has to tell is told, nothing was done twice. */
async function isNotStuck(world: World, id: string, begun: readonly string[]): Promise<void> {
  expect(begun.length).toBe(new Set(begun).size);
  const row = await world.plane.ledger.read(id);
  if (!row) return;
  expect([row.state, isTerminal(row.state), row.outbox]).toEqual([row.state, true, []]);
  const told = world.plane.lifecycle.events.filter(({ detail, name }) => detail['run'] === id && name !== 'RunStarted');
  expect(new Set(told.map((event) => event.id)).size).toBe(told.length);
  if (row.state === 'dead') expect(await lettersOf(world, id)).not.toEqual([]);
}

async function dieAt(makeWorld: MakeWorld, scenario: Scenario, n: number): Promise<{ writes: number }> {
  try {
    return await live(makeWorld, scenario, n);
  } catch (cause) {
    throw new Error(`dead before write ${n}: ${String(cause)}`, { cause });
  }
}

async function live(makeWorld: MakeWorld, scenario: Scenario, n: number): Promise<{ writes: number }> {
  const worlds = await Promise.all(
    [true, false].map(async (again) => {
      const world = await makeWorld();
      const run = await scenario.prepare(world);
      const process = mortal(world.plane as World['plane'] & Plane, n);
      await Promise.allSettled([world.drive(scenario.operate(process.plane, run))]);
      if (process.isDead()) await world.untilLettersAreBack();
      if (again) await world.drive(scenario.operate(world.plane, run));
      const begun = await liveOn(world);
      await isNotStuck(world, run, begun);
      if (again) {
        await scenario.done(world, run);
        expect(begun).toHaveLength(scenario.effects);
      }
      return process;
    }),
  );
  return { writes: worlds[0]?.writes() ?? 0 };
}

export function crashContract(name: string, makeWorld: MakeWorld): void {
  describe(`a process that dies between two writes: ${name}`, () => {
    it.each(scenarios)(
      '$name',
      (scenario) =>
        withSchedule(key, { catchUp: scenario.catchUp ?? 'none' }, async () => {
          const { writes } = await dieAt(makeWorld, scenario, Infinity);
          expect(writes).toBeGreaterThan(1);
          await Promise.all(Array.from({ length: writes }, (_, before) => dieAt(makeWorld, scenario, before + 1)));
        }),
      60_000,
    );
  });
}
