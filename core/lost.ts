import { taskContract } from './catalogue/tasks.ts';
import { cancelled, fenceOfItsOwn, terminalExtras } from './claim.ts';
import type { Plane } from './plane.ts';
import { maximumAttempts } from './retry.ts';
import { changeRun, type Run } from './run.ts';
import { drain, dueAgain, recordSettled } from './settle.ts';

/**
 * Settles a claim whose owner is known to be gone: the attempt is spent, and the run goes back to its queue while it has
 * others; a run that somebody wished to cancel is cancelled. Resolves with whether the row was still as it was read.
 */
export const loseAttempt = (plane: Plane, row: Run, why = 'its process died or was cut off'): Promise<boolean> =>
  writeAndDrain(plane, row, afterLoss(row, why, plane.clock.nowMs()));

/** Writes `next` over the row, if it is as it was read, and sends out what follows from it. */
export async function writeAndDrain(plane: Plane, row: Run, next: Run): Promise<boolean> {
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  recordSettled(plane, next);
  await drain(plane, next);
  return true;
}

function afterLoss(row: Run, why: string, nowMs: number): Run {
  if (row.cancel) return cancelled(row, row.cancel, nowMs);
  if (row.attempt < maximumAttempts(taskContract(row.task)))
    return changeRun(row, { ...dueAgain(nowMs), send: row.send + 1, outbox: ['send'] });
  const message = `the last of ${row.attempt} attempts ended without a word: ${why}; see its log, then redrive it`;
  return changeRun(row, {
    state: 'dead',
    ...fenceOfItsOwn(row),
    settledMs: nowMs,
    ...terminalExtras(nowMs),
    outbox: ['frame', 'event', 'dead-letter'],
    outcome: { code: 'LEASE_EXPIRED', message },
  });
}
