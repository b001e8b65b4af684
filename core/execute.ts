/**
 * The pipeline: what happens to one message of a queue, on Lambda and in containers alike.
 *
 *   parse  ->  kill switch  ->  claim  ->  run  ->  settle
 *
 * Guarantees. A run is begun by whoever wins one conditional write, so a message that is delivered twice, late or out of
 * order begins it once. What an attempt leaves behind is written in one conditional write under its fence, so a late
 * writer changes nothing. A crash between any two steps is found by the next delivery or by the reaper, and costs an
 * attempt; a halt, a hand-back or the end of a leg costs none.
 *
 * Traps. The message is only a pointer: acknowledging it loses nothing, because the row is the truth. While the switch
 * is unknown no row is written, so the message itself must come back.
 */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import type { QueueName } from './catalogue/queues.ts';
import { runAttempt } from './attempt.ts';
import { claimOrPutAside, decideClaim, type Claim, type ClaimCircumstances } from './claim.ts';
import { untilWritten } from './conflict.ts';
import { toMs } from './duration.ts';
import { parseMessage, type Message, type Pointer } from './envelope.ts';
import { Failure, toFailure } from './errors.ts';
import { haltsWork, type Reading } from './kill-switch.ts';
import { settleFailure, settleResult, type Outcome } from './outcome.ts';
import type { Plane } from './plane.ts';
import type { Run } from './run.ts';
import { drain, recordSettled, tellStarted } from './settle.ts';
import type { AnyBodies } from './task.ts';
import { tickRow } from './tick.ts';

export interface Delivery {
  readonly queue: QueueName;
  readonly body: string;
  /** How often this message has been received, this time included. */
  readonly receives: number;
}

/** What is true for all messages of one batch. */
export interface Batch {
  /** The kill switch, read once. */
  readonly reading: Reading;
  /** When this invocation is ended, by the plane's clock. */
  readonly deadlineMs: number;
  readonly bodies: AnyBodies;
  /** What an executor adds; absent on Lambda. */
  readonly executor?: ExecutorHands;
}

/** How a container differs: it deletes the message once the run is claimed, and its bodies are processes. */
export interface ExecutorHands {
  /** Called before the claim: from here on a dead executor can be asked which runs it may have held. */
  readonly taking: (run: string) => Promise<void>;
  /** Called once the run is ours: from here on its lease is the only clock. */
  readonly claimed: (run: Run) => Promise<void>;
  /** Aborted when the container must end. */
  readonly shutdown: AbortSignal;
}

/** Takes one delivery through the pipeline. Throws only what nobody can judge here: then the message comes back. */
export async function execute(plane: Plane, delivery: Delivery, batch: Batch): Promise<Outcome> {
  try {
    const message = parseMessage(delivery.body, delivery.queue);
    if (batch.reading.state === 'unknown') return handBack(plane, delivery, batch.reading);
    return await claimAndRun(plane, message, batch);
  } catch (thrown) {
    return judge(delivery, toFailure(thrown));
  }
}

function judge(delivery: Delivery, failure: Failure): Outcome {
  if (failure.code === 'LEASE_LOST') return { kind: 'done' };
  if (failure.disposition === 'reject') return { kind: 'rejected', failure };
  return { kind: 'retry', afterMs: patienceMs(delivery.receives) };
}

function handBack(plane: Plane, delivery: Delivery, reading: Reading): Outcome {
  plane.metrics.record('SwitchUnknown', 1);
  plane.log.warn(logLines.switchUnknown, { why: reading.why, queue: delivery.queue });
  return { kind: 'retry', afterMs: patienceMs(delivery.receives) };
}

/** 5 s, doubling to 60 s: for what is wrong with the world rather than with the message. */
const patienceMs = (receives: number): number =>
  Math.min(toMs(limits.unknownLongestWait), toMs(limits.unknownFirstWait) * 2 ** Math.min(receives - 1, 10));

async function claimAndRun(plane: Plane, message: Message, batch: Batch): Promise<Outcome> {
  const claim = await claimMessage(plane, message, batch);
  switch (claim.kind) {
    case 'done':
    case 'busy':
      return { kind: 'done' };
    case 'later':
      return { kind: 'retry', afterMs: claim.afterMs };
    case 'put-aside':
      recordSettled(plane, claim.next);
      await drain(plane, claim.next);
      return { kind: claim.next.state === 'held' ? 'held' : 'done' };
    case 'ours':
      return run(plane, claim.next, batch);
  }
}

async function run(plane: Plane, claimed: Run, batch: Batch): Promise<Outcome> {
  plane.log.info(logLines.runStarted, {
    run: claimed.id,
    task: claimed.task,
    queue: claimed.queue,
    attempt: claimed.attempt,
    fence: claimed.fence,
  });
  await batch.executor?.claimed(claimed);
  const body = batch.bodies[claimed.task];
  if (!body) return settleFailure(plane, claimed, withoutBody(claimed));
  const told = tellStarted(plane, claimed);
  const { executor, deadlineMs } = batch;
  const end = await runAttempt(plane, claimed, {
    body,
    deadlineMs,
    shutdown: executor?.shutdown,
    whenTold: executor ? 'wait' : 'leave',
  });
  await told;
  return end.kind === 'result' ? settleResult(plane, claimed, end) : settleFailure(plane, claimed, end);
}

/** Settled, not thrown: a claim that is left behind would come back, and fail like this, until its attempts are spent. */
const withoutBody = (claimed: Run) => ({
  kind: 'failure' as const,
  failure: new Failure(
    'CONFIGURATION_INVALID',
    `this function has no body for ${claimed.task}: it consumes the wrong queue, or its index misses a line`,
  ),
  cursor: claimed.cursor,
  advanced: false,
  frames: 0,
});

/** Finds or makes the row of the message and takes it, in one conditional write; a lost race is decided anew. */
function claimMessage(plane: Plane, message: Message, batch: Batch): Promise<Claim> {
  return untilWritten('the row of this message', () => tryClaim(plane, message, batch));
}

async function tryClaim(plane: Plane, message: Message, batch: Batch): Promise<Claim | undefined> {
  if (message.kind === 'pointer') await batch.executor?.taking(message.pointer.run);
  if (message.kind === 'pointer')
    return claimRow(plane, await rowOf(plane, message.pointer), { pointer: message.pointer, batch });
  const tick = await tickRow(plane, message.tick);
  if (tick.kind === 'relayed') return { kind: 'done' };
  if (tick.kind === 'exists') return claimRow(plane, tick.row, { pointer: tick.row, batch });
  // A tick's row is claimed as it is created: one write where a request needs two.
  const claim =
    tick.kind === 'skip'
      ? ({ kind: 'put-aside', next: tick.row } as const)
      : claimOrPutAside(tick.row, circumstances(plane, tick.row, batch));
  if (!('next' in claim)) return claim;
  return (await plane.ledger.create({ ...claim.next, rev: 1 })) === 'created'
    ? { ...claim, next: { ...claim.next, rev: 1 } }
    : undefined;
}

async function claimRow(
  plane: Plane,
  row: Run,
  { pointer, batch }: { pointer: Pick<Pointer, 'generation'>; batch: Batch },
): Promise<Claim | undefined> {
  const claim = decideClaim(row, pointer, circumstances(plane, row, batch));
  if (claim.kind === 'done') await drain(plane, row);
  if (!('next' in claim)) return claim;
  return (await plane.ledger.replace(row, claim.next)) === 'replaced' ? claim : undefined;
}

async function rowOf(plane: Plane, pointer: Pointer): Promise<Run> {
  const row = await plane.ledger.read(pointer.run);
  if (row) return row;
  throw new Failure(
    'RUN_UNKNOWN',
    `the message points to run ${pointer.run}, which has no row: rows are kept ${limits.runRetention / 86_400} days, longer than any message lives`,
  );
}

const circumstances = (plane: Plane, row: Run, batch: Batch): ClaimCircumstances => ({
  nowMs: plane.clock.nowMs(),
  deadlineMs: batch.deadlineMs,
  owner: plane.owner,
  halted: haltsWork(batch.reading, row),
  random: () => plane.ids.random(),
});
