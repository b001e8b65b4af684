// How queues and dead letters are shown.
import type { Client } from '#client/client.ts';
import { table, type Cell, type Output } from './output.ts';
import { secondsText, timeText } from './words.ts';

type Queue = Awaited<ReturnType<Client['queues']>>[number];
type Letters = Awaited<ReturnType<Client['deadLetters']>>;

/** Those that somebody should look at: dead letters, or work that waits for longer than it should. */
export const troubled = (queues: readonly Queue[]): Queue[] =>
  queues.filter((queue) => queue.deadLetters > 0 || isLate(queue));
const isLate = ({ oldestAgeSeconds, ageObjectiveSeconds }: Queue): boolean => oldestAgeSeconds > ageObjectiveSeconds;

export const queueTable = (out: Output, queues: readonly Queue[]): string =>
  table(
    out,
    ['QUEUE', 'WAITING', 'IN FLIGHT', 'DELAYED', 'OLDEST', 'DEAD', 'CONSUMERS'],
    queues.map((queue) => [
      queue.name,
      queue.waiting,
      queue.inFlight,
      queue.delayed,
      warned(secondsText(queue.oldestAgeSeconds), isLate(queue)),
      warned(String(queue.deadLetters), queue.deadLetters > 0),
      consumersText(queue.consumers),
    ]),
  );

const warned = (text: string, isBad: boolean): Cell => (isBad ? { text, style: 'red' } : text);

const consumersText = (consumers: Queue['consumers']): string =>
  consumers.kind === 'function'
    ? `function, at most ${consumers.maximum} at once`
    : `executors: ${consumers.live} live, ${consumers.starting} starting, ${consumers.freeSlots} of ${consumers.slots} slots free`;

export const letterTable = (out: Output, { letters }: Pick<Letters, 'letters'>): string =>
  table(
    out,
    ['LETTER', 'SENT', 'TASK', 'RUN', 'STATE', 'CODE', 'REASON'],
    letters.map(({ id, sentAt, task, run, state, code, reason }) => [
      id,
      timeText(sentAt),
      task,
      run,
      state,
      code,
      reason,
    ]),
  );
