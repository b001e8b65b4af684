// Which slots were missed, and what becomes of them.
import { describe, expect, it } from 'vitest';
import { limits } from '#core/catalogue/limits.ts';
import { scheduleRow, type ScheduleKey, type ScheduleRow } from '#core/catalogue/schedules.ts';
import { toMs } from '#core/duration.ts';
import { narrow } from '#core/halt.ts';
import { tickRunId } from '#core/ids.ts';
import { reconciler, watermarkName } from '#core/reconcile.ts';
import type { Run } from '#core/run.ts';
import {
  isPausedAt,
  pauseSchedule,
  resumeSchedule,
  scheduleRecordName,
  type ScheduleRecord,
} from '#core/schedule-record.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { beats, bound, deliver, drive, heartbeatResult, rowOf, runRow, sendTick, withSchedule } from './support.ts';

const key: ScheduleKey = 'killswitch-heartbeat';
const minuteMs = 60_000;
const firstMs = Date.UTC(2026, 0, 5, 12);
const request = { by: 'anna', reason: 'drill' };
const idOf = ({ ids, cell }: MemoryPlane, slotMs: number): string => tickRunId(ids, cell, { schedule: key, slotMs });
const at = (minutes: number): number => firstMs + minutes * minuteMs;

/** A plane at 12:30:00 whose heartbeat came first at 12:00; the slots of these minutes have a row, the others none. */
async function planeWith(over: Record<number, Partial<Run>> = {}, nowMs = at(30)): Promise<MemoryPlane> {
  const plane = memoryPlane({ startMs: nowMs });
  await plane.control.write(scheduleRecordName(key), { firstSlotMs: firstMs }, 0);
  for (const [minute, change] of Object.entries(over)) await slot(plane, Number(minute), change);
  return plane;
}
async function slot(plane: MemoryPlane, minute: number, over: Partial<Run> = {}): Promise<void> {
  const slotMs = at(minute);
  const task = { task: 'killswitch.heartbeat', queue: 'system', payload: { inline: {} } } as const;
  const row = runRow({ ...task, state: 'succeeded', id: idOf(plane, slotMs), schedule: key, slotMs, ...over }, plane);
  await plane.ledger.create(row);
}
/** Minutes from `from` to `to`, all succeeded. */
const all = (from: number, to: number): Record<number, Partial<Run>> =>
  Object.fromEntries(Array.from({ length: to - from + 1 }, (_, index) => [from + index, {}]));
const missed = (plane: MemoryPlane) =>
  plane.metrics.records.filter(({ name }) => name === 'SlotMissed').map(({ value, dimension }) => [value, dimension]);
/** Minutes of the slots whose runs were made, or begun again. */
const caughtUp = (plane: MemoryPlane): number[] =>
  [...plane.ledger.rows.values()].filter(({ again }) => again).map(({ slotMs = 0 }) => (slotMs - firstMs) / minuteMs);
const withRule = <T>(catchUp: ScheduleRow['catchUp'], body: () => Promise<T>, overlap: 'skip' | 'allow' = 'allow') =>
  withSchedule(key, { catchUp, overlap }, body);
const reconcile = (plane: MemoryPlane, signal?: AbortSignal) => reconciler(plane).reconcile(signal);

describe('a slot', () => {
  it('without a row was missed: counted once, by schedule, and told', async () => {
    const plane = await planeWith({ ...all(0, 9), ...all(12, 25) });
    expect(await reconcile(plane)).toEqual({ missed: 2, caughtUp: 0, more: false });
    expect(missed(plane)).toEqual([[2, key]]);
    expect(plane.log.lines).toMatchObject([
      { line: 'slot missed', fields: { schedule: key, count: 2, first: '2026-01-05T12:10:00Z' } },
    ]);
    expect(await reconcile(plane)).toEqual({ missed: 0, caughtUp: 0, more: false });
    expect(missed(plane)).toHaveLength(1);
  });

  it('may still come until its event age, and its way through the queue, are over', async () => {
    const { maximumEventAge } = scheduleRow(key);
    const patienceMs = toMs(maximumEventAge) + toMs(limits.slotDeliveryMargin);
    expect(patienceMs).toBe(5 * minuteMs);
    const plane = await planeWith(all(0, 9), at(10) + patienceMs - 1);
    expect(await reconcile(plane)).toMatchObject({ missed: 0 });
    await plane.clock.advance(1);
    expect(await reconcile(plane)).toMatchObject({ missed: 1 });
    await plane.clock.advance(minuteMs);
    expect(await reconcile(plane)).toMatchObject({ missed: 1 });
  });

  it('from before the first one, or of a schedule that never beat, was not missed', async () => {
    const plane = memoryPlane({ startMs: at(30) });
    expect(await reconcile(plane)).toEqual({ missed: 0, caughtUp: 0, more: false });
    await plane.control.write(scheduleRecordName(key), { firstSlotMs: at(23) }, 0);
    expect(await reconcile(plane)).toMatchObject({ missed: 3 });
  });

  it('that is older than anybody waits for is let be, since its row may be gone', async () => {
    const plane = await planeWith({}, firstMs + toMs(limits.reconcileHorizon) + 15 * minuteMs);
    let counted = 0;
    for (let more = true; more;) {
      const pass = await reconcile(plane);
      counted += pass.missed;
      more = pass.more;
    }
    expect(counted).toBe(toMs(limits.reconcileHorizon) / minuteMs - 5);
  });

  it('that was due in a pause was not missed, neither during it nor after it, and is never made up for', () =>
    withRule('all', async () => {
      // 12:09 was missed before the pause, which does not make it good.
      const plane = await planeWith(all(0, 8), at(10) - 1000);
      await pauseSchedule(plane, key, request);
      await plane.clock.advance(20 * minuteMs);
      expect(await reconcile(plane)).toEqual({ missed: 0, caughtUp: 0, more: false });
      await resumeSchedule(plane, key, request);
      await plane.clock.advance(10 * minuteMs);
      // 12:30 to 12:34 were due after it.
      expect(await reconcile(plane)).toMatchObject({ missed: 6, caughtUp: 6 });
      expect(caughtUp(plane)).toEqual([9, 30, 31, 32, 33, 34]);
    }));

  it('at the very time of a pause belongs to it, at that of its end no more', async () => {
    const plane = await planeWith({}, at(10));
    await pauseSchedule(plane, key, request);
    await plane.clock.advance(minuteMs);
    await resumeSchedule(plane, key, request);
    const record = (await plane.control.read(scheduleRecordName(key)))?.value as ScheduleRecord;
    expect([at(10) - 1, at(10), at(11) - 1, at(11)].map((slotMs) => isPausedAt(record, slotMs))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('whose tick comes late, after the pause in which it was due, is skipped', async () => {
    const plane = await planeWith({}, at(10) - 1000);
    await pauseSchedule(plane, key, request);
    await plane.clock.advance(minuteMs);
    await resumeSchedule(plane, key, request);
    await sendTick(plane, key, at(10));
    await deliver(plane, 'system', { bodies: beats(async () => heartbeatResult) });
    expect(await rowOf(plane, idOf(plane, at(10)))).toMatchObject({ state: 'skipped', outcome: { code: 'paused' } });
  });
});

describe('the rule', () => {
  const gaps = { ...all(0, 9), ...all(12, 19), ...all(21, 25) };

  it.each([
    ['none', []],
    ['last', [20]],
    ['all', [10, 11, 20]],
  ] as const)('%s makes up for %j of 10, 11 and 20', (rule, minutes) =>
    withRule(rule, async () => {
      const plane = await planeWith(gaps);
      expect(await reconcile(plane)).toEqual({ missed: 3, caughtUp: minutes.length, more: false });
      expect(caughtUp(plane)).toEqual(minutes);
      await deliver(plane, 'system', { bodies: beats(async () => heartbeatResult) });
      for (const minute of minutes) expect((await rowOf(plane, idOf(plane, at(minute)))).state).toBe('succeeded');
      expect(await reconcile(plane)).toMatchObject({ missed: 0, caughtUp: 0 });
    }),
  );

  it('counts slots that came too late or in a halt as owed, not as missed; those that overlapped or were paused are neither', () =>
    withRule('all', async () => {
      const skipped = (code: 'stale' | 'halted' | 'overlap' | 'paused') => ({
        state: 'skipped' as const,
        outcome: { code },
      });
      const over = { 5: skipped('stale'), 6: skipped('halted'), 7: skipped('overlap'), 8: skipped('paused') };
      const plane = await planeWith({ ...all(0, 25), ...over });
      expect(await reconcile(plane)).toEqual({ missed: 0, caughtUp: 2, more: false });
      expect(caughtUp(plane)).toEqual([5, 6]);
      expect(await rowOf(plane, idOf(plane, at(5)))).toMatchObject({ generation: 2, again: { by: 'system:beat' } });
    }));

  it('last is one run for all, over however many hundreds of slots', () =>
    withRule('last', async () => {
      const plane = await planeWith({}, at(350));
      expect(await reconcile(plane)).toEqual({ missed: 346, caughtUp: 1, more: false });
      expect(caughtUp(plane)).toEqual([345]);
      expect(missed(plane).map(([count]) => count)).toEqual([100, 100, 100, 46]);
    }));

  it('last waits for the run before, hour after hour, where the schedule does not overlap', () =>
    withRule(
      'last',
      async () => {
        const plane = await planeWith(gaps);
        const lease = { owner: 'other', untilMs: at(60) };
        await slot(plane, 30, { state: 'running', lease });
        const record = { firstSlotMs: firstMs, lastRun: idOf(plane, at(30)) };
        await plane.control.write(scheduleRecordName(key), record, 1);
        expect(await reconcile(plane)).toEqual({ missed: 3, caughtUp: 0, more: false });
        expect((await plane.control.read(watermarkName(key)))?.value).toMatchObject({ pendingMs: at(20) });
        for (const minute of Array.from({ length: 30 }, (_, index) => 26 + index))
          if (minute !== 30) await slot(plane, minute);
        await plane.clock.advance(30 * minuteMs);
        expect(await reconcile(plane)).toEqual({ missed: 0, caughtUp: 1, more: false });
        expect(caughtUp(plane)).toEqual([20]);
        expect((await plane.control.read(watermarkName(key)))?.value).not.toHaveProperty('pendingMs');
      },
      'skip',
    ));

  it('makes the run that a tick would have made: one that comes after all is the same run', () =>
    withRule('all', async () => {
      const plane = await planeWith(all(0, 24));
      await reconcile(plane);
      let begun = 0;
      const bodies = beats(async () => ((begun += 1), heartbeatResult));
      await sendTick(plane, key, at(25));
      await drive(plane, deliver(plane, 'system', { bodies }));
      await drive(plane, deliver(plane, 'system', { bodies }));
      expect([begun, (await rowOf(plane, idOf(plane, at(25)))).state]).toEqual([1, 'succeeded']);
    }));
});

describe('a reconciliation', () => {
  it.each([
    ['the plane is halted', async (plane: MemoryPlane) => void (plane.key.value = '0')],
    ['the switch is unknown', async (plane: MemoryPlane) => void (plane.key.down = true)],
    [
      'its task is halted on its own',
      (plane: MemoryPlane) => drive(plane, narrow(plane, { ...request, kind: 'task', name: 'killswitch.heartbeat' })),
    ],
  ])('leaves a schedule for later while %s', async (_, halt) => {
    const plane = await planeWith();
    await halt(plane);
    expect(await reconcile(plane)).toEqual({ missed: 0, caughtUp: 0, more: false });
    expect(await plane.control.read(watermarkName(key))).toBeUndefined();
  });

  it('is bounded, and the next one goes on', async () => {
    const plane = await planeWith({}, at(limits.reconcileSlots + 55));
    expect(await reconcile(plane)).toEqual({ missed: limits.reconcileSlots, caughtUp: 0, more: true });
    expect(await reconcile(plane)).toEqual({ missed: 51, caughtUp: 0, more: false });
  });

  it('ends between two slots when it is told to, and what it did not come to stays owed', () =>
    withRule('all', async () => {
      const plane = await planeWith();
      const ending = new AbortController();
      const create = bound(plane.ledger, 'create');
      plane.ledger.create = (row) => (plane.ledger.rows.size === 9 && ending.abort(), create(row));
      expect(await reconcile(plane, ending.signal)).toMatchObject({ more: true });
      expect(caughtUp(plane)).toHaveLength(10);
      expect(await reconcile(plane)).toMatchObject({ caughtUp: 16, more: false });
      expect(caughtUp(plane)).toHaveLength(26);
      expect(await reconcile(plane, AbortSignal.abort())).toEqual({ missed: 0, caughtUp: 0, more: true });
    }));

  it('beside another one makes each run once', () =>
    withRule('all', async () => {
      const plane = await planeWith();
      const passes = await drive(plane, Promise.all([reconcile(plane), reconcile(plane)]));
      expect(passes.reduce((sum, pass) => sum + pass.caughtUp, 0)).toBe(26);
      expect(plane.ledger.rows.size).toBe(26);
      expect(await plane.queues.depth('system', 'queue')).toMatchObject({ waiting: 26 });
    }));
});
