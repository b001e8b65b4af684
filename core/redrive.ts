/** Redriving: what stands in a dead-letter queue is begun again from its row. The row is the truth, the letter a copy. */
import { again, beginAgain, type DoneAgain } from './again.ts';
import { limits } from './catalogue/limits.ts';
import type { QueueName } from './catalogue/queues.ts';
import { sendQuietly } from './enqueue.ts';
import { Failure } from './errors.ts';
import { aboutOf, sweepLetters, type About } from './letters.ts';
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
  /** Letters without a row that were sent to their queue again, as they were. */
  readonly resent: readonly string[];
  /** Letters that were named and are not there, where all were looked at. */
  readonly unknown: readonly string[];
  /** False when letters may be left that were not looked at. */
  readonly complete: boolean;
}

/** Which letters are redriven, and how; all that is absent means every letter that has a row. */
export interface RedriveScope {
  /** Letters that the sweep looks at. */
  readonly limit?: number;
  /** Runs that it begins again, and messages that it sends. */
  readonly most?: number;
  /** Asked before each letter: once it is late, those that are left stay for another time. */
  readonly isLate?: () => boolean;
  /** These letters and no others. */
  readonly ids?: ReadonlySet<string>;
  /** Whose runs: letters of others stay as if they were not there. */
  readonly sees?: (tenant: string) => boolean;
  /** What becomes of a letter that has no row. */
  readonly withoutRow?: (letter: DeadLetter) => Promise<Verdict>;
}

/**
 * Redrives all runs of which letters stand in the dead-letter queue of `queue`, or those within the scope.
 *
 * @throws Failure KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN, CONFIGURATION_INVALID, and what ledger and queue throw: then
 *   what was redriven stays so, and a repetition goes on.
 */
export async function redriveQueue(plane: Plane, queue: QueueName, request: Request & RedriveScope): Promise<Redriven> {
  await mustBeClear(plane, 'redrive', { queue });
  const { limit = limits.lettersSwept, isLate } = request;
  const judged: { letter: DeadLetter; verdict: Verdict }[] = [];
  // A run that fails again at once lays a new letter while this still looks: that is for another time.
  const begun = new Map<string, number>();
  const isNew = (about?: About) => about !== undefined && about.generation > (begun.get(about.run) ?? Infinity);
  let most = request.most ?? Infinity;
  let left = false;
  const sweep = await sweepLetters(plane, queue, {
    limit,
    ...(isLate ? { isLate } : {}),
    judge: async (letter) => {
      const about = aboutOf(letter);
      left ||= most <= 0;
      const verdict = most <= 0 || isNew(about) ? passed : await redriveLetter(plane, letter, request);
      judged.push({ letter, verdict });
      if (verdict.kind === 'queued') begun.set(verdict.run, about?.generation ?? 0);
      if (['queued', 'resent'].includes(verdict.kind)) most -= 1;
      return ['kept', 'passed'].includes(verdict.kind) ? 'keep' : 'remove';
    },
  });
  const complete = sweep.complete && !left;
  return { ...sorted(judged), unknown: complete ? missing(request.ids, judged) : [], complete };
}

type Judged = readonly { readonly letter: DeadLetter; readonly verdict: Verdict }[];

const sorted = (judged: Judged): Omit<Redriven, 'unknown' | 'complete'> => ({
  queued: judged.flatMap(({ verdict }) => (verdict.kind === 'queued' ? [verdict.run] : [])),
  resent: judged.flatMap(({ letter, verdict }) => (verdict.kind === 'resent' ? [letter.id] : [])),
  kept: judged.flatMap(({ letter, verdict }) =>
    verdict.kind === 'kept' ? [{ letter: letter.id, why: verdict.why }] : [],
  ),
  obsolete: judged.filter(({ verdict }) => verdict.kind === 'obsolete').length,
});

/** Those that were named and not found; one that was passed over is not to be told of. */
function missing(ids: RedriveScope['ids'], judged: Judged): string[] {
  const found = new Set(judged.flatMap(({ letter, verdict }) => (verdict.kind === 'passed' ? [] : [letter.id])));
  return [...(ids ?? [])].filter((id) => !found.has(id));
}

/** What is done with one letter; all but those that are kept or passed over are removed. */
export type Verdict =
  | { readonly kind: 'queued'; readonly run: string }
  | { readonly kind: 'resent' | 'obsolete' | 'passed' }
  | { readonly kind: 'kept'; readonly why: string };
const passed: Verdict = { kind: 'passed' };

async function redriveLetter(plane: Plane, letter: DeadLetter, request: Request & RedriveScope): Promise<Verdict> {
  const { ids, sees, withoutRow } = request;
  if (ids && !ids.has(letter.id)) return passed;
  const about = aboutOf(letter);
  const run = about && (await plane.ledger.read(about.run));
  if (!about || !run) {
    if (withoutRow) return withoutRow(letter);
    return { kind: 'kept', why: about ? `run ${about.run} has no row` : 'it names no run' };
  }
  return sees && !sees(run.tenant) ? passed : redriveRow(plane, { run, about }, request);
}

async function redriveRow(
  plane: Plane,
  { run, about }: { run: Run; about: About },
  request: Request,
): Promise<Verdict> {
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
