import { limits } from './catalogue/limits.ts';
import { scheduleRow } from './catalogue/schedules.ts';
import { storeKey } from './catalogue/stores.ts';
import { taskContract } from './catalogue/tasks.ts';
import { untilWritten } from './conflict.ts';
import { toMs } from './duration.ts';
import { blankRow, enqueue } from './enqueue.ts';
import type { Tick } from './envelope.ts';
import { fold } from './fold.ts';
import { isPausedAt, readSchedule, scheduleRecordName, type ScheduleRecord } from './schedule-record.ts';
import { tickRunId } from './ids.ts';
import { parsePayload } from './payload.ts';
import type { Plane } from './plane.ts';
import { beat, changeRun, type Run, type SkipReason } from './run.ts';

/** What a tick means for the ledger. Rows that are returned are not written yet, but for `exists`. */
export type TickRow =
  | { readonly kind: 'exists'; readonly row: Run }
  | { readonly kind: 'new'; readonly row: Run }
  | { readonly kind: 'skip'; readonly row: Run }
  /** The task belongs to another queue: it was enqueued there under the tick's id. */
  | { readonly kind: 'relayed' };

/** Finds or prepares the run of a slot. One slot is one run: its id is a function of cell, schedule and time. */
export async function tickRow(plane: Plane, tick: Tick): Promise<TickRow> {
  const schedule = scheduleRow(tick.schedule);
  const id = tickRunId(plane.ids, plane.cell, tick);
  const row = await plane.ledger.read(id);
  const isOurs = taskContract(schedule.task).queue === 'system';
  // Another queue's run is begun by its own consumer, never by a repeated tick.
  if (row) return isOurs ? { kind: 'exists', row } : { kind: 'relayed' };
  const fresh = await slotRow(plane, tick, id);
  const reason = await reasonToSkip(plane, tick, id);
  if (reason) return { kind: 'skip', row: skipped(plane, fresh, reason) };
  if (isOurs) return { kind: 'new', row: fresh };
  await enqueue(plane, {
    task: schedule.task,
    payload: schedule.payload,
    tenant: 'system',
    actor: beat,
    as: 'schedule',
    slot: { id, schedule: tick.schedule, slotMs: tick.slotMs },
  });
  return { kind: 'relayed' };
}

/** The row of a slot as it would be created: its payload is its schedule's. */
export async function slotRow(plane: Plane, { schedule, slotMs }: SlotOf, id: string): Promise<Run> {
  const { task, payload: given } = scheduleRow(schedule);
  const payload = parsePayload(task, given);
  const payloadHash = plane.ids.named(`payload/${JSON.stringify(payload)}`);
  const row = blankRow(plane, { id, task, tenant: 'system', actor: beat, nowMs: plane.clock.nowMs() });
  const key = storeKey('payloads', row.tenant, id, `${payloadHash}.json`);
  return { ...row, payload: await fold(plane.artefacts, key, payload), payloadHash, schedule, slotMs };
}
type SlotOf = Pick<Tick, 'schedule' | 'slotMs'>;

function skipped(plane: Plane, row: Run, code: SkipReason): Run {
  return changeRun(row, { state: 'skipped', settledMs: plane.clock.nowMs(), outcome: { code } });
}

/** Paused, too late, or the slot before still runs; otherwise this slot takes the schedule. */
async function reasonToSkip(plane: Plane, tick: Tick, id: string): Promise<SkipReason | undefined> {
  if (plane.clock.nowMs() - tick.slotMs > toMs(scheduleRow(tick.schedule).staleAfter)) return 'stale';
  const verdict = await takeSchedule(plane, tick, { id, isTick: true });
  return verdict === 'taken' ? undefined : verdict;
}

/**
 * Writes the slot's run down as the schedule's last, unless the schedule is paused, was when the slot was due, or the run
 * that stands there still runs and the two may not overlap.
 *
 * @throws Failure LEDGER_CONFLICT
 */
export function takeSchedule(
  plane: Plane,
  slot: SlotOf,
  { id, isTick }: { id: string; isTick: boolean },
): Promise<'taken' | 'paused' | 'overlap'> {
  const { overlap } = scheduleRow(slot.schedule);
  const name = scheduleRecordName(slot.schedule);
  return untilWritten(`the record ${name}`, async () => {
    const { rev, value } = await readSchedule(plane, slot.schedule);
    if (isPausedAt(value, slot.slotMs)) return 'paused';
    if (value.lastRun === id) return 'taken';
    if (overlap === 'skip' && (await stillRuns(plane, value))) return 'overlap';
    const taken: ScheduleRecord = { ...value, lastRun: id, takenMs: plane.clock.nowMs() };
    const next = isTick ? { ...taken, firstSlotMs: Math.min(slot.slotMs, value.firstSlotMs ?? Infinity) } : taken;
    return (await plane.control.write(name, next, rev)) === 'written' ? 'taken' : undefined;
  });
}

async function stillRuns(plane: Plane, { lastRun, takenMs = 0 }: ScheduleRecord): Promise<boolean> {
  if (lastRun === undefined) return false;
  const row = await plane.ledger.read(lastRun);
  const nowMs = plane.clock.nowMs();
  // Two slots may come in one batch: the first has the schedule a moment before it has a row.
  if (!row) return nowMs - takenMs < toMs(limits.slotTakenFor);
  // A run whose lease is lost, or whose message is, runs no more: were it to block its schedule, a dead reaper would
  // block the reaper that could settle it.
  if (row.state === 'running') return row.lease !== undefined && row.lease.untilMs > nowMs;
  return row.state === 'held' || (row.state === 'queued' && row.checkAfterMs > nowMs);
}
