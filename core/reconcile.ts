/**
 * Slots that were expected and never came. Once an hour each schedule's cron is asked which slots there were since the
 * last time; the ids of their runs are computed, and the rows read. A slot without a row was missed: it is counted, and
 * made up for as its schedule says (`catchUp`), as is one that was skipped because it came too late or in a halt.
 *
 * How far a schedule has been looked at is its watermark, `reconciled#<key>` in the control table. It moves only after
 * the slots before it have been dealt with, so a pass that is cut off is repeated: runs are made once, because their ids
 * are computed; a metric may be counted twice. A schedule that is paused, or halted, waits with its watermark.
 */
import { catchUp } from './catch-up.ts';
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { scheduleKeys, scheduleRow, type ScheduleKey } from './catalogue/schedules.ts';
import { taskContract } from './catalogue/tasks.ts';
import { parseCron, slotsAfter } from './cron.ts';
import { toMs } from './duration.ts';
import { slotName, tickRunId } from './ids.ts';
import { haltsWork, readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { Reconciled, Reconciler } from './ports.ts';
import { beat, type Run } from './run.ts';
import { isPausedAt, readSchedule, type ScheduleRecord } from './schedule-record.ts';

/** How far a schedule has been reconciled. */
interface Watermark {
  readonly untilMs: number;
  /** The last slot that is still to be made up for, under `catchUp: 'last'`. */
  readonly pendingMs?: number;
}
export const watermarkName = (key: ScheduleKey): string => `reconciled#${key}`;

const nothing: Reconciled = { missed: 0, caughtUp: 0, more: false };

export const reconciler = (plane: Plane): Reconciler => ({
  async reconcile(signal) {
    const all = await Promise.all(scheduleKeys.map((key) => reconcileSchedule(plane, key, signal)));
    return all.reduce(plus, nothing);
  },
});

const plus = (one: Reconciled, other: Reconciled): Reconciled => ({
  missed: one.missed + other.missed,
  caughtUp: one.caughtUp + other.caughtUp,
  more: one.more || other.more,
});

/** One schedule, a hundred slots at a time. */
async function reconcileSchedule(plane: Plane, key: ScheduleKey, signal?: AbortSignal): Promise<Reconciled> {
  let sum = nothing;
  for (let slots = 0; slots < limits.reconcileSlots; slots += limits.reconcileBatch) {
    if (signal?.aborted) return { ...sum, more: true };
    const batch = await reconcileBatch(plane, key, signal);
    sum = { ...plus(sum, batch), more: batch.more };
    if (!batch.more) return sum;
  }
  return sum;
}

async function reconcileBatch(plane: Plane, key: ScheduleKey, signal?: AbortSignal): Promise<Reconciled> {
  const { value: record } = await readSchedule(plane, key);
  if (record.firstSlotMs === undefined || record.paused || (await isHalted(plane, key))) return nothing;
  const { rev, mark } = await readWatermark(plane, key, record.firstSlotMs);
  const { cron, maximumEventAge, catchUp: rule } = scheduleRow(key);
  const untilMs = plane.clock.nowMs() - toMs(maximumEventAge) - toMs(limits.slotDeliveryMargin);
  const limit = limits.reconcileBatch;
  const slots = slotsAfter(parseCron(cron), mark.untilMs, { untilMs, limit });
  const { missed, owed } = await judgeSlots(plane, key, { slots, record });
  const more = slots.length === limit;
  // Before they are made up for: then they have a row, and a repetition would find nothing to tell.
  tell(plane, key, missed);
  const made = await makeUp(plane, key, { owed: owedBy(rule, { owed, mark, more }), signal });
  if (made === 'cut') return { ...nothing, more: true };
  const pending = rule === 'last' ? pendingAfter({ owed, mark, more, blocked: made.blocked }) : undefined;
  const next: Watermark = {
    untilMs: more ? (slots.at(-1) ?? mark.untilMs) : Math.max(mark.untilMs, untilMs),
    ...(pending === undefined ? {} : { pendingMs: pending }),
  };
  // A conflict: another reconciliation has been here, and what it did is what we did.
  await plane.control.write(watermarkName(key), next, rev);
  return { missed: missed.length, caughtUp: made.count, more };
}

async function isHalted(plane: Plane, key: ScheduleKey): Promise<boolean> {
  const { task } = scheduleRow(key);
  const reading = await readSwitch(plane);
  return reading.state !== 'clear' || haltsWork(reading, { task, queue: taskContract(task).queue });
}

/** Before the first slot nothing was missed, and what is too old nobody waits for: its row may be gone, too. */
async function readWatermark(plane: Plane, key: ScheduleKey, firstSlotMs: number) {
  const record = await plane.control.read(watermarkName(key));
  const stored = record?.value as Watermark | undefined;
  const oldestMs = plane.clock.nowMs() - toMs(limits.reconcileHorizon);
  const untilMs = Math.max(firstSlotMs - 1, stored?.untilMs ?? 0, oldestMs);
  const mark: Watermark = { ...stored, untilMs };
  return { rev: record?.rev ?? 0, mark };
}

interface Judged {
  /** Without a row. */
  readonly missed: readonly number[];
  /** To be made up for: missed, or skipped because they came too late or in a halt. */
  readonly owed: readonly number[];
}

async function judgeSlots(
  plane: Plane,
  key: ScheduleKey,
  { slots, record }: { slots: readonly number[]; record: ScheduleRecord },
): Promise<Judged> {
  const wanted = slots.filter((slotMs) => !isPausedAt(record, slotMs));
  const idOf = (slotMs: number) => tickRunId(plane.ids, plane.cell, { schedule: key, slotMs });
  const rows = new Map((await plane.ledger.readMany(wanted.map(idOf))).map((row) => [row.id, row]));
  return {
    missed: wanted.filter((slotMs) => !rows.has(idOf(slotMs))),
    owed: wanted.filter((slotMs) => isOwed(rows.get(idOf(slotMs)))),
  };
}

const isOwed = (row: Run | undefined): boolean =>
  !row || (row.state === 'skipped' && ['stale', 'halted'].includes(row.outcome?.code ?? ''));

interface Owed {
  readonly owed: readonly number[];
  readonly mark: Watermark;
  readonly more: boolean;
}

/** Under `last` one run makes up for all, once the last slot is known. */
function owedBy(rule: 'none' | 'last' | 'all', { owed, mark, more }: Owed): readonly number[] {
  if (rule === 'all') return owed;
  const last = owed.at(-1) ?? mark.pendingMs;
  return rule === 'last' && !more && last !== undefined ? [last] : [];
}

const pendingAfter = ({ owed, mark, more, blocked }: Owed & { blocked: boolean }): number | undefined =>
  more || blocked ? (owed.at(-1) ?? mark.pendingMs) : undefined;

/** Oldest first. `blocked`: the run before still runs, and the schedule does not overlap; the next hour tries again. */
async function makeUp(
  plane: Plane,
  key: ScheduleKey,
  { owed, signal }: { owed: readonly number[]; signal: AbortSignal | undefined },
): Promise<{ count: number; blocked: boolean } | 'cut'> {
  let count = 0;
  let blocked = false;
  for (const slotMs of owed) {
    if (signal?.aborted) return 'cut';
    const request = { by: beat.id, reason: `catch-up of the slot ${slotName(slotMs)}` };
    const done = await catchUp(plane, { schedule: key, slotMs }, request);
    count += Number(done.did === 'queued');
    blocked ||= done.did === 'nothing' && !('run' in done);
  }
  return { count, blocked };
}

/** At once, not when the batch ends: the watermark says that it has been told. */
function tell(plane: Plane, key: ScheduleKey, missed: readonly number[]): void {
  if (missed.length === 0) return;
  plane.metrics.record('SlotMissed', missed.length, key);
  plane.metrics.flush();
  const [first = 0, last = 0] = [missed[0], missed.at(-1)];
  plane.log.warn(logLines.slotMissed, {
    schedule: key,
    count: missed.length,
    first: slotName(first),
    last: slotName(last),
  });
}
