/**
 * What falls between two chairs: messages that were lost, claims whose owner died, outboxes that were not drained, runs
 * that were held through a halt. Each pass is bounded a partition, and says whether the bound cut it short; the next
 * minute goes on. The index is eventually consistent, so each row is read again before it is touched, and each write is
 * conditional on what was read: two reapers side by side do no harm.
 */
import { limits } from './catalogue/limits.ts';
import { inhabitedQueues } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import { sendQuietly } from './enqueue.ts';
import { haltsWork, readSwitch } from './kill-switch.ts';
import { loseAttempt } from './lost.ts';
import type { Plane } from './plane.ts';
import type { OpenQuery, ReapCount, Reaper } from './ports.ts';
import { changeRun, isTerminal, type Run } from './run.ts';
import { drain, dueAgain } from './settle.ts';

export const reaper = (plane: Plane): Reaper => ({
  resend: () => eachDue(plane, 'queued', (row) => resend(plane, row)),
  expire: () => eachDue(plane, 'running', (row) => expire(plane, row)),
  drain: () => eachDue(plane, 'outbox', (row) => drainLeftOver(plane, row)),
  release: () => releaseHeld(plane),
});

/** A queued row that nobody claimed in time: its message was lost, or its time has only now come. */
async function resend(plane: Plane, row: Run): Promise<boolean> {
  if (row.state !== 'queued') return false;
  const nowMs = plane.clock.nowMs();
  const next = changeRun(row, {
    send: row.send + 1,
    checkAfterMs: nowMs + toMs(limits.resendOverdueAfter),
    outbox: [],
  });
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  if (await sendQuietly(plane, next)) return true;
  // Not sent after all: the next minute tries again, not the next hour.
  await plane.ledger.replace(next, changeRun(next, { checkAfterMs: nowMs + toMs(limits.sendOverdueAfter) }));
  return false;
}

/** A claim whose lease is over: the attempt is lost, and the run goes back to its queue while attempts are left. */
async function expire(plane: Plane, row: Run): Promise<boolean> {
  const nowMs = plane.clock.nowMs();
  if (row.state !== 'running' || (row.lease && row.lease.untilMs > nowMs)) return false;
  return loseAttempt(plane, row);
}

async function drainLeftOver(plane: Plane, row: Run): Promise<boolean> {
  if (!isTerminal(row.state) || row.outbox.length === 0) return false;
  if ((await drain(plane, row)) === 'drained') return true;
  // What cannot be sent now must not stand before what can.
  await putBehind(plane, row, toMs(limits.outboxRetryAfter));
  return false;
}

/** Moves a row back in the open index: it is looked at again after `afterMs`. */
async function putBehind(plane: Plane, row: Run, afterMs: number): Promise<void> {
  await plane.ledger.replace(row, changeRun(row, { checkAfterMs: plane.clock.nowMs() + afterMs }));
}

/** Lets held runs go, oldest first and a hundred a second, for as long as the switch is clear. */
async function releaseHeld(plane: Plane): Promise<ReapCount> {
  let count = 0;
  let rounds: number = limits.releaseRounds;
  for (const queue of inhabitedQueues) {
    for (let full = true; full;) {
      if (rounds === 0) return { count, more: true };
      rounds -= 1;
      const round = await releaseRound(plane, queue);
      if (round === 'halted') return { count, more: true };
      count += round.count;
      full = round.more;
      if (full) await plane.clock.sleep(1000);
    }
  }
  return { count, more: false };
}

/** One second's worth of one queue, after a fresh look at the switch. */
async function releaseRound(plane: Plane, queue: OpenQuery['queue']): Promise<ReapCount | 'halted'> {
  const reading = await readSwitch(plane);
  if (reading.state !== 'clear') return 'halted';
  const limit = limits.releasesASecond;
  const ids = await plane.ledger.open({ queue, state: 'held', dueMs: plane.clock.nowMs(), limit });
  const held = (await rows(plane, ids)).filter((row) => row.state === 'held');
  const gone = await Promise.all(
    held.map(async (row) => {
      if (!haltsWork(reading, row)) return letGo(plane, row);
      // Its task or queue is halted on its own: the rows behind it are not.
      await putBehind(plane, row, toMs(limits.narrowedLookAgainAfter));
      return false;
    }),
  );
  return { count: gone.filter(Boolean).length, more: ids.length === limit };
}

async function letGo(plane: Plane, row: Run): Promise<boolean> {
  const nowMs = plane.clock.nowMs();
  const isDue = row.notBeforeMs <= nowMs;
  // Held before its time had come, a run still waits for it; the reaper then sends it.
  const change = isDue ? dueAgain(nowMs) : { state: 'queued' as const, checkAfterMs: row.notBeforeMs };
  const next = changeRun(row, { ...change, send: row.send + 1 });
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  if (isDue) await sendQuietly(plane, next);
  return true;
}

/** Hands each due row of one state to `act`, in every queue that has tasks; counts those it changed. */
async function eachDue(
  plane: Plane,
  state: OpenQuery['state'],
  act: (row: Run) => Promise<boolean>,
): Promise<ReapCount> {
  let count = 0;
  let more = false;
  for (const queue of inhabitedQueues) {
    const ids = await plane.ledger.open({ queue, state, dueMs: plane.clock.nowMs(), limit: limits.reapBatch });
    more ||= ids.length === limits.reapBatch;
    for (const row of await rows(plane, ids)) count += Number(await act(row));
  }
  return { count, more };
}

async function rows(plane: Plane, ids: readonly string[]): Promise<Run[]> {
  const found = await Promise.all(ids.map((id) => plane.ledger.read(id)));
  return found.filter((row) => row !== undefined);
}
