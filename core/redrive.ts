/** Redriving: what stands in a dead-letter queue is begun again from its row. The row is the truth, the letter a copy. */
import { again, beginAgain, type DoneAgain } from './again.ts';
import { limits } from './catalogue/limits.ts';
import type { QueueName } from './catalogue/queues.ts';
import { tasksOf } from './catalogue/tasks.ts';
import { sendQuietly } from './enqueue.ts';
import { Failure } from './errors.ts';
import { aboutOf, sweepLetters } from './letters.ts';
import { mustBeClear, operated, type Request } from './operations.ts';
import type { Plane } from './plane.ts';
import type { DeadLetter } from './ports.ts';
import type { Run, RunState } from './run.ts';

const from: readonly RunState[] = ['failed', 'dead'];

/**
 * Redrives one run, whether its letter still stands or not.
 *
 * @throws Failure as `retry` does.
 */
export const redrive = (plane: Plane, runId: string, request: Request & { generation?: number }): Promise<DoneAgain> =>
  again(plane, runId, { how: 'redrive', from, request, generation: request.generation });

export interface Redriven {
  /** Runs that were begun again, each once. */
  readonly queued: readonly string[];
  /** Letters that told of what is over: an older generation, or a run that is open, succeeded or cancelled. */
  readonly obsolete: number;
  /** Letters that stay, and why: they are a person's to judge. */
  readonly kept: readonly { readonly letter: string; readonly why: string }[];
  /** False when letters may be left that were not looked at. */
  readonly complete: boolean;
}

/**
 * Redrives all runs of which letters stand in the dead-letter queue of `queue`, at most `limit` letters.
 *
 * @throws Failure KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN, CONFIGURATION_INVALID, and what ledger and queue throw: then
 *   what was redriven stays so, and a repetition goes on.
 */
export async function redriveQueue(
  plane: Plane,
  queue: QueueName,
  request: Request & { limit?: number },
): Promise<Redriven> {
  for (const task of tasksOf(queue).slice(0, 1)) await mustBeClear(plane, 'redrive', { queue, task });
  const queued: string[] = [];
  const kept: { letter: string; why: string }[] = [];
  const sweep = await sweepLetters(plane, queue, {
    limit: request.limit ?? limits.lettersSwept,
    judge: async (letter) => {
      const verdict = await redriveLetter(plane, letter, request);
      if (verdict.kind === 'queued') queued.push(verdict.run);
      if (verdict.kind === 'kept') kept.push({ letter: letter.id, why: verdict.why });
      return verdict.kind === 'kept' ? 'keep' : 'remove';
    },
  });
  return { queued, kept, obsolete: sweep.removed - queued.length, complete: sweep.complete };
}

type Verdict =
  | { readonly kind: 'queued'; readonly run: string }
  | { readonly kind: 'obsolete' }
  | { readonly kind: 'kept'; readonly why: string };

async function redriveLetter(plane: Plane, letter: DeadLetter, request: Request): Promise<Verdict> {
  const about = aboutOf(letter);
  if (!about) return { kind: 'kept', why: 'it names no run' };
  const run = await plane.ledger.read(about.run);
  if (!run) return { kind: 'kept', why: `run ${about.run} has no row` };
  if (about.generation > run.generation) return { kind: 'kept', why: `it is newer than the row of run ${run.id}` };
  if (about.generation < run.generation) return { kind: 'obsolete' };
  // Moved here by SQS, not by us: the run still waits, and is sent once more.
  if (run.state === 'queued') await sendQuietly(plane, run);
  return from.includes(run.state) ? redriveRun(plane, run, request) : { kind: 'obsolete' };
}

async function redriveRun(plane: Plane, run: Run, request: Request): Promise<Verdict> {
  const how = { how: 'redrive', from, request, generation: run.generation } as const;
  try {
    const { did } = await operated(plane, { how: 'redrive', request, on: { run } }, () =>
      beginAgain(plane, run.id, how),
    );
    return did === 'queued' ? { kind: 'queued', run: run.id } : { kind: 'obsolete' };
  } catch (thrown) {
    // Its task is halted on its own, or its outbox cannot be drained now: the next letter may fare better.
    if (thrown instanceof Failure) return { kind: 'kept', why: thrown.message };
    throw thrown;
  }
}
