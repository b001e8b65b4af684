import { beginAgain } from './again.ts';
import { limits } from './catalogue/limits.ts';
import { scheduleRow, type ScheduleKey } from './catalogue/schedules.ts';
import { untilWritten } from './conflict.ts';
import { isSlot, parseCron } from './cron.ts';
import { Failure } from './errors.ts';
import { slotName, tickRunId } from './ids.ts';
import { mustBeClear, operated, type Done, type Request } from './operations.ts';
import type { Plane } from './plane.ts';
import type { Run } from './run.ts';
import { readSchedule } from './schedule-record.ts';
import { drain } from './settle.ts';
import { slotRow, takeSchedule } from './tick.ts';

export interface Slot {
  readonly schedule: ScheduleKey;
  readonly slotMs: number;
}
type CaughtUp = Done<'queued'> | { readonly did: 'nothing'; readonly why: string };

/**
 * Makes up for a slot: one that has no run gets it, under the slot's own id, so that a tick that still comes is the same
 * run; one that was skipped is begun again. Its lateness is known, so it is not stale. A slot that was due in a pause is
 * never made up for, and the overlap rule holds.
 *
 * @throws Failure CONFIGURATION_INVALID (no slot of the schedule, not yet due, or from before its first),
 *   KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN, DEPENDENCY_UNAVAILABLE, LEDGER_CONFLICT.
 */
export async function catchUp(plane: Plane, slot: Slot, request: Request): Promise<CaughtUp> {
  await checkSlot(plane, slot);
  return operated(plane, { how: 'catch-up', request, on: { schedule: slot.schedule } }, () =>
    untilWritten(`the run of ${slot.schedule} at ${slotName(slot.slotMs)}`, () => tryCatchUp(plane, slot, request)),
  );
}

async function checkSlot(plane: Plane, { schedule, slotMs }: Slot): Promise<void> {
  const { value } = await readSchedule(plane, schedule);
  const isDue = slotMs <= plane.clock.nowMs() && slotMs >= (value.firstSlotMs ?? Infinity);
  if (isDue && isSlot(parseCron(scheduleRow(schedule).cron), slotMs)) return;
  throw new Failure(
    'CONFIGURATION_INVALID',
    `${new Date(slotMs).toISOString()} is no slot of ${schedule} between its first and now: name one of ${scheduleRow(schedule).cron}`,
  );
}

async function tryCatchUp(plane: Plane, slot: Slot, request: Request): Promise<CaughtUp | undefined> {
  const id = tickRunId(plane.ids, plane.cell, slot);
  const row = await plane.ledger.read(id);
  if (row && row.state !== 'skipped') return finish(plane, row);
  if (row?.outcome?.code === 'paused') return { did: 'nothing', why: 'its schedule was paused', run: row };
  const fresh = row ?? (await slotRow(plane, slot, id));
  await mustBeClear(plane, 'catch-up', fresh);
  const taken = await takeSchedule(plane, slot, { id, isTick: false });
  if (taken !== 'taken') return { did: 'nothing', why: `its schedule says ${taken}` };
  if (row) return beginAgain(plane, id, { how: 'catch-up', from: ['skipped'], request, generation: row.generation });
  return create(plane, fresh, request);
}

/** There is a run. Should an earlier call have made it without a message, the message goes now. */
async function finish(plane: Plane, row: Run): Promise<CaughtUp> {
  if (row.state === 'queued') await drain(plane, row);
  return { did: 'nothing', why: `it is ${row.state}`, run: row };
}

async function create(plane: Plane, fresh: Run, { by, reason }: Request): Promise<CaughtUp | undefined> {
  const again = {
    how: 'catch-up' as const,
    by,
    reason: reason.slice(0, limits.reasonLength),
    atMs: plane.clock.nowMs(),
  };
  const run: Run = { ...fresh, again, outbox: ['send'] };
  if ((await plane.ledger.create(run)) !== 'created') return undefined;
  await drain(plane, run);
  return { did: 'queued', run };
}
