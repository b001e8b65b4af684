/**
 * An executor: a container with a few slots that pulls runs of one heavy queue, and goes when there are none.
 *
 * Life cycle of a message: taken; the run it names is written into the executor's record; claimed; deleted. From then on
 * the run's lease is the only clock. Life cycle of the executor: it says that it is there, serves its slots, renews its
 * record, and when nothing came for a while says that it leaves, looks once more, and ends.
 *
 * Guarantees. A run is named in the record before it is claimed, and its lease names the executor: whoever hears that
 * the executor has stopped finds all that it held. Told to end, it takes no message any more and hands back what runs.
 *
 * Traps. A record that cannot be written stops the taking, not the work in hand. A message that was claimed is deleted
 * even where the deletion fails: it comes back, finds the run leased, and is acknowledged then.
 */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { queueRow } from './catalogue/queues.ts';
import type { Family } from './catalogue/entry-points.ts';
import { acknowledged, type Received } from './consume.ts';
import { toMs } from './duration.ts';
import { toFailure } from './errors.ts';
import { execute, type ExecutorHands } from './execute.ts';
import { readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import { slotBook, type SlotBook } from './slot-book.ts';
import type { AnyBodies } from './task.ts';

/** Messages pulled by hand. */
export interface Inbox {
  /** One message, waited for at most `waitMs`; none when nothing came or the signal was aborted. */
  take(queue: Family, options: { waitMs: number; signal: AbortSignal }): Promise<Received | undefined>;
  acknowledge(queue: Family, receipt: string): Promise<void>;
}
export type ExecutorPlane = Plane & { readonly inbox: Inbox };

export interface ExecutorOptions {
  readonly family: Family;
  readonly bodies: AnyBodies;
  /** Aborted when the container must end. */
  readonly shutdown: AbortSignal;
  /** Milliseconds without work after which it ends; absent: of the limits. */
  readonly idleMs?: number;
}

interface Executor extends ExecutorOptions {
  readonly plane: ExecutorPlane;
  readonly book: SlotBook;
  readonly idleMs: number;
  lastWorkMs: number;
  leaving: boolean;
}

/** SQS holds a receive open for no longer. */
const longestWaitMs = 20_000;

/** Serves all slots until there is nothing to do or the container must end; `plane.owner` is the task's ARN. */
export async function runExecutor(plane: ExecutorPlane, options: ExecutorOptions): Promise<'idle' | 'told to end'> {
  const book = slotBook(plane, options.family, queueRow(options.family).slots);
  const executor: Executor = {
    ...options,
    plane,
    book,
    idleMs: options.idleMs ?? toMs(limits.executorIdle),
    lastWorkMs: plane.clock.monotonicMs(),
    leaving: false,
  };
  await book.save();
  plane.log.info(logLines.executorStarted, { family: options.family, task: plane.owner });
  const over = new AbortController();
  const renewing = book.renewUntil(over.signal);
  await Promise.all(Array.from({ length: queueRow(options.family).slots }, (_, slot) => serve(executor, slot)));
  over.abort();
  await renewing;
  await book.drain();
  const end = options.shutdown.aborted ? 'told to end' : 'idle';
  plane.log.info(logLines.executorEnding, { family: options.family, task: plane.owner, because: end });
  return end;
}

async function serve(executor: Executor, slot: number): Promise<void> {
  const { shutdown } = executor;
  while (!shutdown.aborted && !executor.leaving) {
    const message = await takeOne(executor, Math.min(longestWaitMs, executor.idleMs));
    if (message) await handle(executor, slot, message);
    else if (isIdle(executor)) await lastLook(executor, slot);
  }
}

/** A receive that fails is a receive without a message: the queue is away, and the executor idles until it is back. */
async function takeOne({ plane, family, shutdown }: Executor, waitMs: number): Promise<Received | undefined> {
  const [taken] = await Promise.allSettled([plane.inbox.take(family, { waitMs, signal: shutdown })]);
  if (taken.status === 'fulfilled') return taken.value;
  plane.log.warn(logLines.receiveFailed, { family, reason: toFailure(taken.reason).message });
  await Promise.allSettled([plane.clock.sleep(1000, shutdown)]);
  return undefined;
}

const isIdle = ({ plane, book, lastWorkMs, idleMs }: Executor): boolean =>
  book.isFree() && plane.clock.monotonicMs() - lastWorkMs >= idleMs;

/** Says that it leaves, so that nobody counts on it, and takes what was sent before it said so. */
async function lastLook(executor: Executor, slot: number): Promise<void> {
  executor.leaving = true;
  await executor.book.drain();
  const message = await takeOne(executor, 0);
  // Still leaving after that: its other slots may have gone, and a slot that nobody serves must not look free.
  if (message) await handle(executor, slot, message);
}

async function handle(executor: Executor, slot: number, message: Received): Promise<void> {
  const { plane, family, bodies, book, shutdown } = executor;
  let claimed = false;
  const hands: ExecutorHands = {
    shutdown,
    taking: (run) => book.take(slot, run),
    claimed: async () => {
      claimed = true;
      await Promise.allSettled([plane.inbox.acknowledge(family, message.receipt)]);
    },
  };
  const deadlineMs = plane.clock.nowMs() + toMs(queueRow(family).timeout);
  const batch = { reading: await readSwitch(plane), deadlineMs, bodies, executor: hands };
  const outcome = await execute(plane, { queue: family, body: message.body, receives: message.receives }, batch);
  if (!claimed && (await acknowledged(plane, message, { outcome, queue: family })))
    await Promise.allSettled([plane.inbox.acknowledge(family, message.receipt)]);
  await book.free(slot);
  executor.lastWorkMs = plane.clock.monotonicMs();
  plane.metrics.flush();
}
