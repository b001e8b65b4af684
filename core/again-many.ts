/** Beginning many runs again: each as by itself, but their letters are looked for once a queue, since SQS cannot search. */
import { beginAgain } from './again.ts';
import { limits } from './catalogue/limits.ts';
import { Failure } from './errors.ts';
import { aboutOf, sweepLetters } from './letters.ts';
import { operated, type Done, type Request } from './operations.ts';
import type { Plane } from './plane.ts';
import type { Run } from './run.ts';

export type RetriedOne = { readonly id: string } & (
  | Done<'queued'>
  | { readonly did: 'refused'; readonly failure: Failure }
);

/** Retries those of the runs that failed, died or were skipped. What is refused of one is no reason to leave the others. */
export async function retryMany(plane: Plane, runs: readonly Run[], request: Request): Promise<RetriedOne[]> {
  const done: RetriedOne[] = [];
  for (const run of runs) done.push(await retryOne(plane, run, request));
  const begun = new Map(done.flatMap((one) => (one.did === 'queued' ? [[one.id, one.run.generation] as const] : [])));
  const queues = new Set(runs.filter(({ id }) => begun.has(id)).map(({ queue }) => queue));
  // A letter that stays is found to be of an older generation by any redrive.
  await Promise.allSettled([...queues].map((queue) => removeLetters(plane, queue, begun)));
  return done;
}

async function retryOne(plane: Plane, run: Run, request: Request): Promise<RetriedOne> {
  const how = { how: 'retry', from: ['failed', 'dead', 'skipped'], request, generation: run.generation } as const;
  try {
    const done = await operated(plane, { how: 'retry', request, on: { run } }, () => beginAgain(plane, run.id, how));
    return { id: run.id, ...done };
  } catch (thrown) {
    if (thrown instanceof Failure) return { id: run.id, did: 'refused', failure: thrown };
    throw thrown;
  }
}

const removeLetters = (plane: Plane, queue: Run['queue'], begun: ReadonlyMap<string, number>) =>
  sweepLetters(plane, queue, {
    limit: limits.lettersSwept,
    judge: async (letter) => {
      const about = aboutOf(letter);
      return about && about.generation < (begun.get(about.run) ?? 0) ? 'remove' : 'keep';
    },
  });
