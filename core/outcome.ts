import { limits } from './catalogue/limits.ts';
import { queueRow } from './catalogue/queues.ts';
import { taskContract, type TaskContract } from './catalogue/tasks.ts';
import { terminalExtras } from './claim.ts';
import { toMs } from './duration.ts';
import type { AttemptEnd } from './attempt.ts';
import { toFailure, type Failure, type FailureCode } from './errors.ts';
import { fold } from './fold.ts';
import type { Plane } from './plane.ts';
import { backoffMs, isRetryable, maximumAttempts } from './retry.ts';
import { withoutSecrets } from './redact.ts';
import type { Run, RunChange } from './run.ts';
import { artefactPrefix } from './task-ports.ts';
import { drain, dueAgain, recordSettled, updateClaimed } from './settle.ts';

/** A row stays near 1 KB; what is cut must not end in half a character, which no service takes. */
const said = (failure: Failure): string => failure.message.slice(0, 300).toWellFormed();

/** What becomes of a message, once it has been through the pipeline. */
export type Outcome =
  /** Acknowledge. */
  | { readonly kind: 'done' }
  | { readonly kind: 'held' }
  | { readonly kind: 'handedBack' }
  | { readonly kind: 'continue'; readonly cursor: unknown }
  /** Show the message again after this long. */
  | { readonly kind: 'retry'; readonly afterMs: number }
  /** To the dead-letter queue at once. */
  | { readonly kind: 'rejected'; readonly failure: Failure };

/** Settles an attempt that ended well. */
export async function settleResult(
  plane: Plane,
  claimed: Run,
  { result, frames }: { result: unknown; frames: number },
): Promise<Outcome> {
  const [folded] = await Promise.allSettled([
    fold(plane.artefacts, `${artefactPrefix(claimed)}/${claimed.fence}/result.json`, withoutSecrets(result)),
  ]);
  if (folded.status === 'rejected') {
    // Too large, or the bucket is away: the attempt has failed, and its claim must not be left behind.
    const failure = toFailure(folded.reason);
    return settleFailure(plane, claimed, { kind: 'failure', failure, cursor: undefined, advanced: false, frames });
  }
  await settle(plane, claimed, (_, nowMs) => ({
    state: 'succeeded',
    settledMs: nowMs,
    ...terminalExtras(nowMs),
    outcome: { result: folded.value },
    frames,
  }));
  return { kind: 'done' };
}

type FailedEnd = Extract<AttemptEnd, { kind: 'failure' }>;
interface Verdict {
  readonly change: (row: Run, nowMs: number) => RunChange;
  readonly outcome: Outcome;
}

/** Settles an attempt that failed or was ended: held, handed back, continued, retried, or given up. */
export async function settleFailure(plane: Plane, claimed: Run, end: FailedEnd): Promise<Outcome> {
  // Another claim has the run: nothing of it is ours to write.
  if (end.failure.code === 'LEASE_LOST') return { kind: 'done' };
  const verdict = judgeFailure(plane, claimed, end);
  await settle(plane, claimed, (row, nowMs) => ({ ...verdict.change(row, nowMs), frames: end.frames }));
  return verdict.outcome;
}

/** What was told to end, and for a reason that is no failure of the work. */
const verdicts: Partial<Record<FailureCode, (end: FailedEnd) => Verdict>> = {
  RUN_CANCELLED: ({ failure }) => cancelled(failure),
  HANDED_BACK: (end) => nextLeg(end),
  KILL_SWITCH_UNKNOWN: (end) => handBack(end),
};

function judgeFailure(plane: Plane, claimed: Run, end: FailedEnd): Verdict {
  const { failure } = end;
  const contract = taskContract(claimed.task);
  if (failure.code === 'KILL_SWITCH_HALTED' && contract.whenHalted !== 'run') return halted(contract, end);
  const asked = verdicts[failure.code]?.(end);
  if (asked) return asked;
  if (failure.code === 'DEADLINE_EXCEEDED' && end.advanced) return nextLeg(end);
  const retryable = isRetryable(failure, contract.retry) || failure.disposition === 'hold';
  if (retryable && claimed.attempt < maximumAttempts(contract)) return retry(plane, claimed, { contract, end });
  return giveUp(failure, retryable);
}

/** The attempt is given back: nothing failed. */
const unspent = (row: Run, cursor: unknown): RunChange => ({
  attempt: row.attempt - 1,
  ...(cursor === undefined ? {} : { cursor }),
});

function halted(contract: TaskContract, { cursor }: FailedEnd): Verdict {
  if (contract.whenHalted === 'skip') {
    return {
      outcome: { kind: 'done' },
      change: (_, nowMs) => ({
        state: 'skipped',
        settledMs: nowMs,
        ...terminalExtras(nowMs),
        outcome: { code: 'halted' },
      }),
    };
  }
  return {
    outcome: { kind: 'held' },
    change: (row, nowMs) => ({ ...unspent(row, cursor), state: 'held', checkAfterMs: nowMs, lease: 'none' }),
  };
}

function cancelled(failure: Failure): Verdict {
  return { outcome: { kind: 'done' }, change: (_, nowMs) => cancelledAt(nowMs, said(failure)) };
}
const cancelledAt = (nowMs: number, message: string): RunChange => ({
  state: 'cancelled',
  settledMs: nowMs,
  ...terminalExtras(nowMs),
  outcome: { code: 'RUN_CANCELLED', message },
});

/** Due again. An executor has deleted the message when it claimed the run: then another is sent. */
const again = (row: Run, notBeforeMs: number): RunChange => ({
  ...dueAgain(notBeforeMs),
  ...(queueRow(row.queue).tier === 'heavy' ? { send: row.send + 1, outbox: ['send' as const] } : {}),
});

function handBack({ cursor }: FailedEnd): Verdict {
  const afterMs = toMs(limits.unknownFirstWait);
  return {
    outcome: { kind: 'retry', afterMs },
    change: (row, nowMs) => ({ ...unspent(row, cursor), ...again(row, nowMs + afterMs) }),
  };
}

/** The leg's time is up and it has moved on since it began: the next leg goes on at its cursor, under a new message. */
function nextLeg({ cursor }: FailedEnd): Verdict {
  return {
    outcome: { kind: 'continue', cursor },
    change: (row, nowMs) => ({ ...unspent(row, cursor), ...dueAgain(nowMs), send: row.send + 1, outbox: ['send'] }),
  };
}

function retry(plane: Plane, claimed: Run, { contract, end }: { contract: TaskContract; end: FailedEnd }): Verdict {
  const afterMs = backoffMs(contract.retry, claimed.attempt, () => plane.ids.random());
  const { failure, cursor } = end;
  return {
    outcome: { kind: 'retry', afterMs },
    change: (row, nowMs) => ({
      ...again(row, nowMs + afterMs),
      ...(cursor === undefined ? {} : { cursor }),
      outcome: { code: failure.code, message: said(failure) },
    }),
  };
}

/** Not to be retried: failed. To be retried, but no attempt is left: dead. Both leave a copy in the dead-letter queue. */
function giveUp(failure: Failure, retryable: boolean): Verdict {
  return {
    outcome: { kind: 'done' },
    change: (_, nowMs) => ({
      state: retryable ? 'dead' : 'failed',
      settledMs: nowMs,
      ...terminalExtras(nowMs),
      outbox: ['frame', 'event', 'dead-letter'],
      outcome: { code: failure.code, message: said(failure) },
    }),
  };
}

async function settle(plane: Plane, claimed: Run, change: (row: Run, nowMs: number) => RunChange): Promise<void> {
  const settled = await updateClaimed(plane, claimed, (row) =>
    unlessCancelled(row, change(row, plane.clock.nowMs()), plane),
  );
  recordSettled(plane, settled, claimed.attempt);
  await drain(plane, settled);
}

/** A run that somebody wished to cancel never goes back to its queue. */
function unlessCancelled(row: Run, change: RunChange, { clock }: Pick<Plane, 'clock'>): RunChange {
  if (!row.cancel || (change.state !== 'queued' && change.state !== 'held')) return change;
  return cancelledAt(clock.nowMs(), `cancelled by ${row.cancel.by}: ${row.cancel.reason}`);
}
