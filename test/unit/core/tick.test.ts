import { describe, expect, it } from 'vitest';
import { schedules, scheduleKeys, scheduleRow, type ScheduleKey } from '#core/catalogue/schedules.ts';
import { taskContract } from '#core/catalogue/tasks.ts';
import { minutes } from '#core/duration.ts';
import { tickRunId } from '#core/ids.ts';
import { scheduleRecordName, type ScheduleRecord } from '#core/schedule-record.ts';
import type { AnyBodies, AnyBody } from '#core/task.ts';
import { memoryIds } from '#memory/ids.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import {
  anna,
  beats,
  bound,
  deliver,
  drive,
  heartbeatResult,
  pullPayload,
  rowOf,
  runRow,
  sendTick,
  withContract,
  withSchedule,
} from './support.ts';

const heartbeat: ScheduleKey = 'killswitch-heartbeat';
const minutely = scheduleKeys.filter((key) => scheduleRow(key).cadence === '1m');
const minuteMs = 60_000;
const results = {
  'killswitch.heartbeat': heartbeatResult,
  'status.sync': { overall: 'operational', components: 4, incidentsOpen: 0 },
  'runs.reap': { resent: 0, expired: 0, drained: 0, released: 0, kicked: 0, closed: 0, more: false },
} as const;
/** Bodies of the system queue that count how often each run was begun. */
function counting(plane: MemoryPlane, effects: Map<string, number>, forMs = 0): AnyBodies {
  const body =
    (task: keyof typeof results): AnyBody =>
    async (_, context) => {
      effects.set(context.run.id, (effects.get(context.run.id) ?? 0) + 1);
      if (forMs > 0) await plane.clock.sleep(forMs, context.signal);
      return results[task];
    };
  return Object.fromEntries(Object.keys(results).map((task) => [task, body(task as keyof typeof results)]));
}
const idOf = (plane: MemoryPlane, slotMs: number, schedule: ScheduleKey = heartbeat): string =>
  tickRunId(plane.ids, plane.cell, { schedule, slotMs });
/** The plane at five seconds past a full minute, and that minute. */
function atSlot(): { plane: MemoryPlane; slotMs: number } {
  const slotMs = Date.UTC(2026, 0, 5, 12);
  return { plane: memoryPlane({ startMs: slotMs + 5000 }), slotMs };
}

describe('the run of a slot', () => {
  it('has the same id for the same cell, schedule and second, and another for any other', () => {
    const ids = memoryIds();
    const id = (cell: string, schedule: ScheduleKey, slotMs: number) => tickRunId(ids, cell, { schedule, slotMs });
    expect(id('dev', heartbeat, 1000)).toBe(id('dev', heartbeat, 1999));
    const others = [id('dev', heartbeat, 1000), id('dev', heartbeat, 2000), id('prod', heartbeat, 1000)];
    expect(new Set([...others, id('dev', 'runs-reap', 1000)]).size).toBe(4);
    expect(memoryIds(99).named('tick/dev/a/b')).toBe(ids.named('tick/dev/a/b'));
  });

  it('is claimed as it is created, in the name of beat, and ends in one write more', async () => {
    const { plane, slotMs } = atSlot();
    const effects = new Map<string, number>();
    let writes = 0;
    const [create, replace] = [bound(plane.ledger, 'create'), bound(plane.ledger, 'replace')];
    plane.ledger.create = (row) => ((writes += 1), create(row));
    plane.ledger.replace = (...args) => ((writes += 1), replace(...args));
    await sendTick(plane, heartbeat, slotMs);
    await deliver(plane, 'system', { bodies: counting(plane, effects) });
    const row = await rowOf(plane, idOf(plane, slotMs));
    expect(row).toMatchObject({
      state: 'succeeded',
      actor: { kind: 'system', id: 'system:beat' },
      tenant: 'system',
      schedule: heartbeat,
      slotMs,
      attempt: 1,
    });
    // Create and claim, settle, and the emptied outbox.
    expect(writes).toBe(3);
    expect(row.rev).toBe(3);
    const lateness = plane.metrics.records.find((record) => record.name === 'SlotLateness');
    expect(lateness).toEqual({ name: 'SlotLateness', value: 5000, dimension: heartbeat });
  });

  it('delivered three times, side by side, is one run and one effect', async () => {
    const { plane, slotMs } = atSlot();
    const effects = new Map<string, number>();
    for (let copy = 0; copy < 3; copy += 1) await sendTick(plane, heartbeat, slotMs);
    await drive(plane, deliver(plane, 'system', { bodies: counting(plane, effects, 50) }));
    expect([...effects.values()]).toEqual([1]);
    expect(plane.ledger.rows.size).toBe(1);
  });

  it('delivered again after its end is one run and one effect', async () => {
    const { plane, slotMs } = atSlot();
    const effects = new Map<string, number>();
    for (let copy = 0; copy < 3; copy += 1) {
      await sendTick(plane, heartbeat, slotMs);
      expect(await deliver(plane, 'system', { bodies: counting(plane, effects) })).toMatchObject({ returned: [] });
    }
    expect([...effects.values()]).toEqual([1]);
  });

  it('delivered out of order is done, too', async () => {
    const { plane, slotMs } = atSlot();
    const effects = new Map<string, number>();
    for (const back of [0, 2, 1]) {
      await sendTick(plane, heartbeat, slotMs - back * minuteMs);
      await deliver(plane, 'system', { bodies: counting(plane, effects) });
    }
    expect([...effects.values()]).toEqual([1, 1, 1]);
    const record = await plane.control.read(scheduleRecordName(heartbeat));
    expect((record!.value as ScheduleRecord).firstSlotMs).toBe(slotMs - 2 * minuteMs);
  });

  it('that crashed between schedule and row is done at the next delivery', async () => {
    const { plane, slotMs } = atSlot();
    const create = bound(plane.ledger, 'create');
    plane.ledger.create = () => Promise.reject(new Error('cut off'));
    const effects = new Map<string, number>();
    await sendTick(plane, heartbeat, slotMs);
    expect((await deliver(plane, 'system', { bodies: counting(plane, effects) })).returned).toHaveLength(1);
    plane.ledger.create = create;
    await plane.clock.advance(60_000);
    await deliver(plane, 'system', { bodies: counting(plane, effects) });
    expect([...effects.values()]).toEqual([1]);
  });
});

describe('a slot is skipped', () => {
  it('when it is stale, and its row says so', async () => {
    const { plane, slotMs } = atSlot();
    const effects = new Map<string, number>();
    await sendTick(plane, heartbeat, slotMs - 5 * minuteMs);
    await deliver(plane, 'system', { bodies: counting(plane, effects) });
    expect(await rowOf(plane, idOf(plane, slotMs - 5 * minuteMs))).toMatchObject({
      state: 'skipped',
      outcome: { code: 'stale' },
      attempt: 0,
    });
    expect(effects.size).toBe(0);
    expect(plane.metrics.records.map((record) => record.name)).toContain('SlotSkipped');
  });

  it('while its schedule is paused, once and for all', async () => {
    const { plane, slotMs } = atSlot();
    const paused: ScheduleRecord = { paused: { by: anna.id, reason: 'drill', atMs: slotMs } };
    await plane.control.write(scheduleRecordName(heartbeat), paused, 0);
    const effects = new Map<string, number>();
    await sendTick(plane, heartbeat, slotMs);
    await deliver(plane, 'system', { bodies: counting(plane, effects) });
    await plane.control.write(scheduleRecordName(heartbeat), {}, 1);
    await sendTick(plane, heartbeat, slotMs);
    await deliver(plane, 'system', { bodies: counting(plane, effects) });
    expect(await rowOf(plane, idOf(plane, slotMs))).toMatchObject({ state: 'skipped', outcome: { code: 'paused' } });
    expect(effects.size).toBe(0);
  });

  it('while the one before still runs, also when both come in one batch', async () => {
    for (const apart of [0, 1000]) {
      const { plane, slotMs } = atSlot();
      const effects = new Map<string, number>();
      const bodies = counting(plane, effects, 3000);
      await sendTick(plane, heartbeat, slotMs - minuteMs);
      const ends = apart > 0 ? [deliver(plane, 'system', { bodies })] : [];
      await plane.clock.advance(apart);
      await sendTick(plane, heartbeat, slotMs);
      ends.push(deliver(plane, 'system', { bodies }));
      await drive(plane, Promise.all(ends));
      const states = [...plane.ledger.rows.values()].map((row) => `${row.state} ${row.outcome?.code ?? ''}`.trim());
      expect(states.toSorted()).toEqual(['skipped overlap', 'succeeded']);
      expect(effects.size).toBe(1);
    }
  });

  it('by no run whose process died or whose message was lost: neither blocks its schedule', async () => {
    for (const lost of ['running', 'queued'] as const) {
      const { plane, slotMs } = atSlot();
      const id = idOf(plane, slotMs - minuteMs);
      const nowMs = plane.clock.nowMs();
      const over = { task: 'killswitch.heartbeat', queue: 'system', payload: { inline: {} } } as const;
      await plane.ledger.create(
        runRow({ ...over, id, state: lost, lease: { owner: 'dead', untilMs: nowMs }, checkAfterMs: nowMs }, plane),
      );
      await plane.control.write(scheduleRecordName(heartbeat), { lastRun: id, takenMs: nowMs - 55_000 }, 0);
      const effects = new Map<string, number>();
      await sendTick(plane, heartbeat, slotMs);
      await deliver(plane, 'system', { bodies: counting(plane, effects) });
      expect((await rowOf(plane, idOf(plane, slotMs))).state).toBe('succeeded');
    }
  });

  it('by no slot that took the schedule and never came to have a row', async () => {
    const { plane, slotMs } = atSlot();
    const taken = { lastRun: 'crashed', takenMs: plane.clock.nowMs() - 10_000 };
    await plane.control.write(scheduleRecordName(heartbeat), taken, 0);
    await sendTick(plane, heartbeat, slotMs);
    await deliver(plane, 'system', { bodies: counting(plane, new Map()) });
    expect((await rowOf(plane, idOf(plane, slotMs))).state).toBe('succeeded');
  });

  it('by no run of an overlap that its schedule allows', () =>
    withSchedule(heartbeat, { overlap: 'allow' }, async () => {
      const { plane, slotMs } = atSlot();
      const effects = new Map<string, number>();
      for (const back of [1, 0]) await sendTick(plane, heartbeat, slotMs - back * minuteMs);
      await drive(plane, deliver(plane, 'system', { bodies: counting(plane, effects, 3000) }));
      expect([...effects.values()]).toEqual([1, 1]);
    }));
});

describe('a slot of a task on another queue', () => {
  const relayed = (test: () => Promise<void>) =>
    withContract('ingest.pull', { startableBy: ['schedule'] }, () =>
      withSchedule(heartbeat, { task: 'ingest.pull', payload: pullPayload, staleAfter: minutes(5) }, test),
    );

  it('is enqueued there under its id, once, however often its tick comes', () =>
    relayed(async () => {
      const { plane, slotMs } = atSlot();
      const effects = new Map<string, number>();
      for (let copy = 0; copy < 3; copy += 1) {
        await sendTick(plane, heartbeat, slotMs);
        await deliver(plane, 'system', { bodies: counting(plane, effects) });
      }
      expect(await rowOf(plane, idOf(plane, slotMs))).toMatchObject({
        state: 'queued',
        queue: 'ingestion',
        attempt: 0,
        schedule: heartbeat,
        slotMs,
      });
      expect(plane.queues.receive('ingestion', 10)).toHaveLength(1);
      expect(plane.queues.letters('system')).toEqual([]);
    }));
});

it('10,000 duplicated and reordered ticks: each slot is one run and one effect', async () => {
  const slots = 500;
  const startMs = Date.UTC(2026, 0, 5);
  const plane = memoryPlane({ startMs });
  const ids = memoryIds(42);
  const effects = new Map<string, number>();
  const bodies = counting(plane, effects);
  // Each slot of three schedules 6 or 7 times, shuffled within about four minutes: later they would be stale.
  const ticks = Array.from({ length: 10_000 }, (_, index) => {
    const slot = index % slots;
    const schedule = minutely[Math.floor(index / slots) % minutely.length]!;
    return { schedule, slotMs: startMs + slot * minuteMs, atMs: slot * minuteMs + Math.floor(ids.random() * 235_000) };
  }).toSorted((one, other) => one.atMs - other.atMs);
  for (const tick of ticks) {
    const waitMs = startMs + tick.atMs - plane.clock.nowMs();
    if (waitMs > 1000) await plane.clock.advance(waitMs);
    await sendTick(plane, tick.schedule, tick.slotMs);
    if (ids.random() < 0.3) await deliver(plane, 'system', { bodies, count: 5 });
  }
  for (let received = 1; received > 0;) received = (await deliver(plane, 'system', { bodies, count: 10 })).received;

  const rows = [...plane.ledger.rows.values()];
  expect(rows).toHaveLength(slots * minutely.length);
  for (const row of rows) {
    expect(row.id).toBe(idOf(plane, row.slotMs!, row.schedule));
    const overlapped = row.state === 'skipped' && row.outcome?.code === 'overlap';
    expect({ id: row.id, effects: effects.get(row.id) ?? 0, starts: row.starts }).toEqual(
      overlapped ? { id: row.id, effects: 0, starts: 0 } : { id: row.id, effects: 1, starts: 1 },
    );
    expect(row.outbox).toEqual([]);
  }
  // Two slots of one schedule meet in one batch now and then; nearly all run.
  expect(rows.filter((row) => row.state === 'succeeded').length).toBeGreaterThan(slots * 2);
  expect(plane.queues.letters('system')).toEqual([]);
  expect(plane.lifecycle.events.filter((event) => event.name === 'RunSucceeded')).toHaveLength(effects.size);
});

it('the tests above change rows of the catalogue and put them back', () => {
  expect(schedules[heartbeat]).toMatchObject({ task: 'killswitch.heartbeat', overlap: 'skip' });
  expect(taskContract('ingest.pull').startableBy).toEqual(['researcher', 'service', 'operator']);
  expect(beats(async () => heartbeatResult)).toHaveProperty(['killswitch.heartbeat']);
});
