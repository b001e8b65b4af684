import { taskContract } from './catalogue/tasks.ts';
import { fenceOfItsOwn, terminalExtras } from './claim.ts';
import type { Plane } from './plane.ts';
import { maximumAttempts } from './retry.ts';
import { changeRun, type Run, type RunChange } from './run.ts';
import { drain, dueAgain, recordSettled } from './settle.ts';

/**
 * Settles a claim whose owner is known to be gone: the attempt is spent, and the run goes back to its queue while it has
 * others; a run that somebody wished to cancel is cancelled. Resolves with whether the row was still as it was read.
 */
export async function loseAttempt(plane: Plane, row: Run, why = 'its process died or was cut off'): Promise<boolean> {
  const next = changeRun(row, changeOf(row, why, plane.clock.nowMs()));
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  recordSettled(plane, next);
  await drain(plane, next);
  return true;
}

function changeOf(row: Run, why: string, nowMs: number): RunChange {
  if (row.cancel) {
    const message = `cancelled by ${row.cancel.by}: ${row.cancel.reason}`;
    return { ...ended(row, nowMs), state: 'cancelled', outcome: { code: 'RUN_CANCELLED', message } };
  }
  if (row.attempt < maximumAttempts(taskContract(row.task)))
    return { ...dueAgain(nowMs), send: row.send + 1, outbox: ['send'] };
  const message = `the last of ${row.attempt} attempts ended without a word: ${why}; see its log, then redrive it`;
  return {
    ...ended(row, nowMs),
    state: 'dead',
    outbox: ['frame', 'event', 'dead-letter'],
    outcome: { code: 'LEASE_EXPIRED', message },
  };
}

const ended = (row: Run, nowMs: number): RunChange => ({
  ...fenceOfItsOwn(row),
  settledMs: nowMs,
  ...terminalExtras(nowMs),
});
