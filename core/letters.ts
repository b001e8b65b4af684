/**
 * Dead letters. SQS cannot search a queue: whoever wants one letter takes them, ten at a time, looks at each, deletes
 * what may go and shows the others again. While a sweep goes on nobody else sees them. It is bounded, and says whether
 * it has seen all that was to be seen: letters that others have taken are hidden, and of a FIFO queue those behind a kept
 * letter of their group.
 */
import * as z from 'zod';
import { limits } from './catalogue/limits.ts';
import { queueRow, type QueueName } from './catalogue/queues.ts';
import type { Plane } from './plane.ts';
import type { DeadLetter } from './ports.ts';
import type { Run } from './run.ts';

export interface Sweep {
  readonly seen: number;
  readonly removed: number;
  /** False when letters may be left that were not looked at. */
  readonly complete: boolean;
}
interface SweepOptions {
  readonly judge: (letter: DeadLetter) => Promise<'remove' | 'keep'>;
  readonly limit: number;
  /** Asked before each letter: those that are left when it is late are shown again, unseen. */
  readonly isLate?: () => boolean;
}

/** Which run a letter is about; both a copy of a settled row and a pointer that was never taken say so. */
const aboutSchema = z.object({ run: z.uuid(), generation: z.int().min(1) });
export type About = z.infer<typeof aboutSchema>;
export function aboutOf({ body }: Pick<DeadLetter, 'body'>): About | undefined {
  try {
    return aboutSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** The letters of a queue, with code and reason; they are hidden from others only while this looks. */
export async function peekLetters(
  plane: Pick<Plane, 'queues'>,
  queue: QueueName,
  { limit = limits.lettersSwept, isLate }: { limit?: number; isLate?: () => boolean } = {},
): Promise<{ letters: readonly (DeadLetter & { about?: About })[]; complete: boolean }> {
  const letters: (DeadLetter & { about?: About })[] = [];
  const { complete } = await sweepLetters(plane, queue, {
    limit,
    ...(isLate ? { isLate } : {}),
    judge: async (letter) => {
      const about = aboutOf(letter);
      letters.push(about ? { ...letter, about } : letter);
      return 'keep';
    },
  });
  return { letters, complete };
}

/** Somebody waits for it, and a letter that stays is found to be of an older generation by any redrive. */
const removalMs = 3000;

/** Removes the letters of this run's earlier generations, if they are found soon: what they told of has been begun again. */
export function removeLettersOf(plane: Pick<Plane, 'queues' | 'clock'>, run: Run): Promise<Sweep> {
  const { id, queue, generation } = run;
  const endMs = plane.clock.monotonicMs() + removalMs;
  return sweepLetters(plane, queue, {
    limit: limits.lettersSwept,
    isLate: () => plane.clock.monotonicMs() > endMs,
    judge: async (letter) => {
      const about = aboutOf(letter);
      return about?.run === id && about.generation < generation ? 'remove' : 'keep';
    },
  });
}

/** Takes letter after letter to `judge`; those that are kept are shown again at the end, also when it fails. */
export async function sweepLetters(
  { queues }: Pick<Plane, 'queues'>,
  queue: QueueName,
  { judge, limit, isLate = () => false }: SweepOptions,
): Promise<Sweep> {
  const kept = new Map<string, string>();
  const gone = new Set<string>();
  const more = () =>
    queues.takeLetters(queue, { limit: limit - gone.size - kept.size, hideSeconds: limits.letterHiddenFor });
  const judged = async (letter: DeadLetter): Promise<void> => {
    if (isLate() || (await judge(letter)) === 'keep') return;
    await queues.removeLetter(queue, letter.receipt);
    kept.delete(letter.id);
    gone.add(letter.id);
  };
  try {
    let letters = await more();
    // One that was kept and is back: its time was over before all were seen.
    while (letters.length > 0 && !letters.some(({ id }) => kept.has(id))) {
      for (const { id, receipt } of letters) kept.set(id, receipt);
      for (const letter of letters) await judged(letter);
      if (isLate() || gone.size + kept.size >= limit) break;
      letters = await more();
    }
    for (const { id, receipt } of letters.filter((letter) => !gone.has(letter.id))) kept.set(id, receipt);
    const complete = letters.length === 0 && (await sawAll(queues, queue, kept.size));
    return { seen: gone.size + kept.size, removed: gone.size, complete };
  } finally {
    await Promise.allSettled([...kept.values()].map((receipt) => queues.returnLetter(queue, receipt)));
  }
}

/** Whether nobody else hides letters, nor a kept one those behind it. SQS counts approximately: it may err to either side. */
async function sawAll(queues: Plane['queues'], queue: QueueName, kept: number): Promise<boolean> {
  const { inFlight, waiting } = await queues.depth(queue, 'dead-letters');
  return inFlight <= kept && (waiting === 0 || queueRow(queue).kind !== 'fifo');
}
