import { limits } from './catalogue/limits.ts';
import { scheduleRow } from './catalogue/schedules.ts';
import { taskContract } from './catalogue/tasks.ts';
import { untilWritten } from './conflict.ts';
import { toMs } from './duration.ts';
import { blankRow, enqueue } from './enqueue.ts';
import type { Tick } from './envelope.ts';
import { scheduleRecordName, type ScheduleRecord } from './schedule-record.ts';
import { tickRunId } from './ids.ts';
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
  const fresh = slotRow(plane, tick, id);
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

function slotRow(plane: Plane, tick: Tick, id: string): Run {
  const { task, payload } = scheduleRow(tick.schedule);
  const row = blankRow(plane, { id, task, tenant: 'system', actor: beat, nowMs: plane.clock.nowMs() });
  return { ...row, payload: { inline: payload }, schedule: tick.schedule, slotMs: tick.slotMs };
}

function skipped(plane: Plane, row: Run, code: SkipReason): Run {
  return changeRun(row, { state: 'skipped', settledMs: plane.clock.nowMs(), outcome: { code } });
}

/** Paused, too late, or the slot before still runs; otherwise this slot takes the schedule. */
async function reasonToSkip(plane: Plane, tick: Tick, id: string): Promise<SkipReason | undefined> {
  const schedule = scheduleRow(tick.schedule);
  if (plane.clock.nowMs() - tick.slotMs > toMs(schedule.staleAfter)) return 'stale';
  const name = scheduleRecordName(tick.schedule);
  const verdict = await untilWritten(`the record ${name}`, async () => {
    const record = await plane.control.read(name);
    const value = (record?.value ?? {}) as ScheduleRecord;
    if (value.paused) return 'paused';
    return takeSchedule(
      plane,
      { name, value, rev: record?.rev ?? 0 },
      { id, slotMs: tick.slotMs, overlap: schedule.overlap },
    );
  });
  return verdict === 'taken' ? undefined : verdict;
}

/** Writes the slot's run down as the schedule's last, unless the one that stands there still runs. */
async function takeSchedule(
  plane: Plane,
  { name, value, rev }: { name: string; value: ScheduleRecord; rev: number },
  slot: { id: string; slotMs: number; overlap: 'skip' | 'allow' },
): Promise<'taken' | 'overlap' | undefined> {
  if (value.lastRun === slot.id) return 'taken';
  if (slot.overlap === 'skip' && (await stillRuns(plane, value))) return 'overlap';
  const firstSlotMs = Math.min(slot.slotMs, value.firstSlotMs ?? slot.slotMs);
  const next: ScheduleRecord = { ...value, lastRun: slot.id, takenMs: plane.clock.nowMs(), firstSlotMs };
  return (await plane.control.write(name, next, rev)) === 'written' ? 'taken' : undefined;
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
