import { limits } from './catalogue/limits.ts';
import { queueRow } from './catalogue/queues.ts';
import { scheduleRow } from './catalogue/schedules.ts';
import { taskContract, type TaskContract } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import { Failure } from './errors.ts';
import type { Pointer } from './envelope.ts';
import { maximumAttempts } from './retry.ts';
import {
  changeRun,
  isTerminal,
  type CancelRequest,
  type OutboxEntry,
  type Run,
  type RunChange,
  type SkipReason,
} from './run.ts';

/** What a delivery of a message may do with its row. `next` is to be written, conditional on the row it came from. */
export type Claim =
  | { readonly kind: 'ours'; readonly next: Run }
  /** Not run: the row is settled or held instead, with `next`. */
  | { readonly kind: 'put-aside'; readonly next: Run }
  | { readonly kind: 'later'; readonly afterMs: number }
  /** Nothing to do but to drain what an earlier delivery left, and to acknowledge. */
  | { readonly kind: 'done' }
  | { readonly kind: 'busy' };

export interface ClaimCircumstances {
  readonly nowMs: number;
  /** When this invocation is ended, by the plane's clock. */
  readonly deadlineMs: number;
  /** Identity of this execution environment, for the lease. */
  readonly owner: string;
  readonly halted: boolean;
  /** Full jitter for rows that are not yet due. */
  readonly random: () => number;
}

/**
 * The claim table of architecture.md, for a row that exists. Pure: reads nothing, writes nothing.
 *
 * @throws Failure RUN_UNKNOWN when the message is newer than the row.
 */
export function decideClaim(run: Run, pointer: Pick<Pointer, 'generation'>, now: ClaimCircumstances): Claim {
  if (pointer.generation > run.generation) {
    throw new Failure(
      'RUN_UNKNOWN',
      `the message is of generation ${pointer.generation}, the row of run ${run.id} only of ${run.generation}`,
    );
  }
  if (isTerminal(run.state) || pointer.generation < run.generation) return { kind: 'done' };
  switch (run.state) {
    case 'held':
      return { kind: 'done' };
    case 'queued':
      return isDue(run, now) ? claimOrPutAside(run, now) : { kind: 'later', afterMs: waitMs(run, now) };
    case 'running':
      return isAtWork(run, now.nowMs) ? { kind: 'busy' } : claimOrPutAside(run, now);
    default:
      return { kind: 'done' };
  }
}

/** One that is to be cancelled is not waited for. */
const isDue = (run: Run, now: ClaimCircumstances): boolean => run.notBeforeMs <= now.nowMs || run.cancel !== undefined;

/** Whether somebody has the run under a lease that still lasts. */
export const isAtWork = ({ state, lease }: Run, nowMs: number): boolean =>
  state === 'running' && lease !== undefined && lease.untilMs > nowMs;

/** What is left to wait, plus up to a second of jitter, so that a burst of retries does not come back as a burst. */
const waitMs = (run: Run, now: ClaimCircumstances): number =>
  Math.ceil(run.notBeforeMs - now.nowMs + now.random() * 1000);

/** A due row: ours to run, unless a wish to cancel it, a halt, its age or its spent attempts say otherwise. */
export function claimOrPutAside(run: Run, now: ClaimCircumstances): Claim {
  const contract = taskContract(run.task);
  if (run.cancel) return { kind: 'put-aside', next: cancelled(run, run.cancel, now.nowMs) };
  if (run.attempt >= maximumAttempts(contract)) return { kind: 'put-aside', next: spent(run, contract, now.nowMs) };
  if (isStale(run, now.nowMs)) return { kind: 'put-aside', next: skip(run, 'stale', now.nowMs) };
  if (now.halted && contract.whenHalted === 'skip') return { kind: 'put-aside', next: skip(run, 'halted', now.nowMs) };
  if (now.halted && contract.whenHalted === 'hold') return { kind: 'put-aside', next: hold(run, now.nowMs) };
  return { kind: 'ours', next: start(run, now) };
}

/**
 * A slot is stale when it was not begun within its schedule's limit; a later attempt of a begun one is not, nor is one
 * that was asked for again, whose lateness was known.
 */
const isStale = (run: Run, nowMs: number): boolean =>
  run.schedule !== undefined &&
  run.slotMs !== undefined &&
  run.starts === 0 &&
  run.again === undefined &&
  nowMs - run.slotMs > toMs(scheduleRow(run.schedule).staleAfter);

function start(run: Run, now: ClaimCircumstances): Run {
  const untilMs = leaseUntilMs(run, now);
  return changeRun(run, {
    state: 'running',
    attempt: run.attempt + 1,
    starts: run.starts + 1,
    fence: run.fence + 1,
    claimedMs: now.nowMs,
    lease: { owner: now.owner, untilMs },
    checkAfterMs: untilMs,
    outbox: [],
    frames: 0,
    outcome: 'none',
  });
}

/** A renewed lease runs for its length; an invocation's ends shortly after the invocation must have. */
export function leaseUntilMs(run: Pick<Run, 'queue'>, now: Pick<ClaimCircumstances, 'nowMs' | 'deadlineMs'>): number {
  const { lease } = queueRow(run.queue);
  return lease.kind === 'renewed' ? now.nowMs + toMs(lease.length) : now.deadlineMs + toMs(limits.leaseBeyondDeadline);
}

function hold(run: Run, nowMs: number): Run {
  return changeRun(run, { state: 'held', checkAfterMs: nowMs, lease: 'none', outbox: [] });
}

function skip(run: Run, reason: SkipReason, nowMs: number): Run {
  // From `held` there is no way to `skipped`; callers come from queued or running.
  return changeRun(run, {
    state: 'skipped',
    ...fenceOfItsOwn(run),
    settledMs: nowMs,
    ...terminalExtras(nowMs),
    outcome: { code: reason },
  });
}

/**
 * A run that nobody has at work, ended as somebody wished. The terminal frame comes under the next fence: of an earlier
 * claim's frames nobody may know how many there were.
 */
export function cancelled(run: Run, wish: CancelRequest, nowMs: number): Run {
  return changeRun(run, {
    state: 'cancelled',
    fence: run.fence + 1,
    frames: 0,
    cancel: wish,
    settledMs: nowMs,
    ...terminalExtras(nowMs),
    outcome: { code: 'RUN_CANCELLED', message: `cancelled by ${wish.by}: ${wish.reason}`.slice(0, 300).toWellFormed() },
  });
}

/**
 * Of a run that was ever begun, or has ended before, the terminal frame comes under the next fence: how many frames a
 * lost owner sent nobody knows, and readers drop what stands where they have been already.
 */
export const fenceOfItsOwn = (run: Run): RunChange =>
  run.state === 'running' || run.starts > 0 || run.generation > 1 ? { fence: run.fence + 1, frames: 0 } : {};

/** A row whose attempts are spent: dead when the last one was lost with its lease, failed when it never was to begin. */
function spent(run: Run, contract: TaskContract, nowMs: number): Run {
  const message = `run ${run.id} has begun ${run.attempt} of ${maximumAttempts(contract)} attempts and none ended: see its log, then redrive it`;
  const lost = run.state === 'running';
  return changeRun(run, {
    state: lost ? 'dead' : 'failed',
    ...fenceOfItsOwn(run),
    settledMs: nowMs,
    ...terminalExtras(nowMs),
    outbox: [...terminalOutbox, 'dead-letter'],
    outcome: { code: 'ATTEMPTS_SPENT', message },
  });
}

const terminalOutbox: readonly OutboxEntry[] = ['frame', 'event'];
export const terminalExtras = (nowMs: number) => ({
  lease: 'none' as const,
  outbox: terminalOutbox,
  checkAfterMs: nowMs + toMs(limits.outboxOverdueAfter),
});
