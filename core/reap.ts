/**
 * What falls between two chairs: messages that were lost, claims whose owner died, outboxes that were not drained, runs
 * that were held through a halt, executors that nobody woke, WebSockets that outlive their token. The index is eventually consistent, so each row is read
 * again before it is touched, and each write is conditional on what was read: two reapers side by side do no harm.
 *
 * No duty, queue or state waits for another. Each queue of each duty is worked on by itself, a hundred rows at a time,
 * and their steps take turns (reap-lanes.ts); a row that cannot be dealt with is put behind. A pass ends when nothing is
 * left, when its share of its function's time is up, or when it is told to, between two rows; the next minute goes on.
 */
import { limits } from './catalogue/limits.ts';
import { families } from './catalogue/entry-points.ts';
import { queueRow } from './catalogue/queues.ts';
import { cancelled, isAtWork } from './claim.ts';
import { toMs } from './duration.ts';
import { sendQuietly } from './enqueue.ts';
import { isWorthALook } from './family.ts';
import { hangUp } from './hang-up.ts';
import { kickFamily } from './kick.ts';
import { loseAttempt, writeAndDrain } from './lost.ts';
import type { Plane } from './plane.ts';
import type { ReapCount, Reaper } from './ports.ts';
import { eachDue, putBehind, turnstile, type Pass } from './reap-lanes.ts';
import { releaseHeld } from './reap-release.ts';
import { changeRun, isTerminal, type Run } from './run.ts';
import { drain } from './settle.ts';

/** The share of its function's time that a reaping takes: the rest is for beginning late, for the last rows, for settling. */
export const reapBudgetMs = toMs(queueRow('system').timeout) * 0.6;

/** The reaper of one attempt: its time runs from here. */
export function reaper(plane: Plane): Reaper {
  const untilMs = plane.clock.nowMs() + reapBudgetMs;
  const turn = turnstile(limits.reapConcurrency);
  const pass = (signal?: AbortSignal): Pass => ({
    plane,
    turn,
    isOver: () => signal?.aborted === true || plane.clock.nowMs() >= untilMs,
    signal,
  });
  return {
    resend: (signal) => eachDue(pass(signal), 'queued', (row) => resend(plane, row)),
    expire: (signal) => eachDue(pass(signal), 'running', (row) => expire(plane, row)),
    drain: (signal) => eachDue(pass(signal), 'outbox', (row) => drainLeftOver(plane, row)),
    release: (signal) => releaseHeld(pass(signal)),
    kick: () => kickFamilies(plane),
    hangUp: (signal) => hangUp(plane, pass(signal).isOver),
  };
}

/** A queued row that nobody claimed in time: its message was lost, or its time has only now come. */
async function resend(plane: Plane, row: Run): Promise<boolean> {
  if (row.state !== 'queued') return false;
  const nowMs = plane.clock.nowMs();
  if (row.cancel) return writeAndDrain(plane, row, cancelled(row, row.cancel, nowMs));
  // Asked for later, a run is sent for the first time when its time has come, and may be lost like any other.
  const isFirst = row.checkAfterMs === row.notBeforeMs;
  const next = changeRun(row, {
    send: row.send + 1,
    checkAfterMs: nowMs + toMs(isFirst ? limits.sendOverdueAfter : limits.resendOverdueAfter),
    outbox: [],
  });
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  if (await sendQuietly(plane, next)) return true;
  // Not sent after all: the next minute tries again, not the next hour.
  await putBehind(plane, next, toMs(limits.sendOverdueAfter));
  return false;
}

/** A claim whose lease is over: the attempt is lost, and the run goes back to its queue while attempts are left. */
async function expire(plane: Plane, row: Run): Promise<boolean> {
  if (row.state !== 'running' || isAtWork(row, plane.clock.nowMs())) return false;
  return loseAttempt(plane, row);
}

async function drainLeftOver(plane: Plane, row: Run): Promise<boolean> {
  if (!isTerminal(row.state) || row.outbox.length === 0) return false;
  if ((await drain(plane, row)) === 'drained') return true;
  // What cannot be sent now must not stand before what can.
  await putBehind(plane, row, toMs(limits.outboxRetryAfter));
  return false;
}

/** Wakes the dispatcher for each family that has something to look at: the kick of a send may have been lost. */
async function kickFamilies(plane: Plane): Promise<ReapCount> {
  const kicks = await Promise.allSettled(
    families.map(async (family) => {
      const isWorth = await isWorthALook(plane, family);
      if (isWorth) await kickFamily(plane, family, 'reaper');
      return isWorth;
    }),
  );
  const count = kicks.filter((kick) => kick.status === 'fulfilled' && kick.value).length;
  return { count, more: kicks.some(({ status }) => status === 'rejected') };
}
