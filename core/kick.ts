/**
 * A kick asks the dispatcher to look at one family of executors. It carries no decision: whoever is kicked reads the
 * ledger. Kicks of the same family within two seconds are one message, because the queue drops repeats of a
 * deduplication id, and delivers only when the bucket is closed, so that no kick is dropped whose run was not yet seen.
 */
import * as z from 'zod';
import { queueRow, type QueueName } from './catalogue/queues.ts';
import { families, isFamily, type Family } from './catalogue/entry-points.ts';
import { toMs } from './duration.ts';
import { describeIssues } from './envelope.ts';
import { Failure } from './errors.ts';
import type { Plane } from './plane.ts';

const word = z.string().max(64);
const kickSchema = z.union([
  z.strictObject({ v: z.literal(1), family: word, cause: z.enum(['send', 'reaper', 'again']) }),
  /** As the rules of the template write it: a task of the family has stopped. */
  z.strictObject({
    v: z.literal(1),
    family: word,
    cause: z.literal('stopped'),
    task: z.string().min(1).max(300),
    stopCode: z.string().max(200),
    reason: z.string().max(2000),
  }),
]);

export type Kick = { readonly family: Family } & (
  | { readonly cause: 'send' | 'reaper' | 'again' }
  | { readonly cause: 'stopped'; readonly task: string; readonly stopCode: string; readonly reason: string }
);

/** @throws Failure MESSAGE_MALFORMED */
export function parseKick(body: string): Kick {
  const kick = kickSchema.safeParse(jsonOf(body));
  if (!kick.success) throw malformed(describeIssues(kick.error));
  const { v: _, family, ...rest } = kick.data;
  if (isFamily(family)) return { family, ...rest };
  throw malformed(`it names the family ${JSON.stringify(family)}; there are ${families.join(', ')}`);
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw malformed(`it is not JSON: ${JSON.stringify(body.slice(0, 80))}`);
  }
}
const malformed = (why: string) => new Failure('MESSAGE_MALFORMED', `the message is not a kick: ${why}`);

/** Kicks the dispatcher for the executors of `queue`. @throws what the queue throws. */
export async function kickFamily(
  plane: Pick<Plane, 'queues' | 'clock'>,
  queue: QueueName,
  cause: 'send' | 'reaper' | 'again' = 'send',
): Promise<void> {
  const bucket = Math.floor(plane.clock.nowMs() / toMs(queueRow('kick').deliveryDelay));
  await plane.queues.send('kick', {
    body: JSON.stringify({ v: 1, family: queue, cause }),
    group: queue,
    // A dispatcher that asks to be kicked again is in a bucket whose kick it has already read.
    deduplicationId: `${queue}-${bucket}${cause === 'again' ? '-again' : ''}`,
  });
}
