/**
 * Dead letters that no row stands behind: a tick that never came through, a kick, a message that nobody understood.
 *
 * A tick is made up for by its slot, since only schedules may send to `system`. Anything else is sent to its queue again
 * as it was, and its letter deleted after that: a crash in between sends it twice, which consumers bear, and never loses
 * it. StartMessageMoveTask would move all letters of all tenants, and fails for those that a consumer put there itself.
 */
import * as z from 'zod';
import { catchUp } from './catch-up.ts';
import type { QueueName } from './catalogue/queues.ts';
import { parseMessage, type Tick } from './envelope.ts';
import { Failure } from './errors.ts';
import type { Request } from './operations.ts';
import type { Plane } from './plane.ts';
import type { DeadLetter } from './ports.ts';
import type { RedriveScope, Verdict } from './redrive.ts';

/** What a body may say of where it belongs. Nobody has checked it: it is believed only so far as to keep tenants apart. */
const saidSchema = z.object({
  tenant: z.string().max(64).optional(),
  family: z.string().max(64).optional(),
  run: z.string().max(64).optional(),
});
export function saidOf({ body }: Pick<DeadLetter, 'body'>): z.infer<typeof saidSchema> {
  try {
    return saidSchema.safeParse(JSON.parse(body)).data ?? {};
  } catch {
    return {};
  }
}

/** Sends the letter again, or makes up for its slot. For `RedriveScope.withoutRow`. */
export async function redriveRowless(
  plane: Plane,
  { queue, request, letter }: { queue: QueueName; request: Request & Pick<RedriveScope, 'sees'>; letter: DeadLetter },
): Promise<Verdict> {
  const { tenant, family, run } = saidOf(letter);
  if (tenant !== undefined && request.sees && !request.sees(tenant)) return { kind: 'passed' };
  if (queue === 'system') return makeUpFor(plane, letter, request);
  const group = family ?? run ?? tenant ?? 'redriven';
  // Sent twice within five minutes, a FIFO queue takes it once.
  await plane.queues.send(queue, { body: letter.body, group, deduplicationId: `redriven-${letter.id}` });
  return { kind: 'resent' };
}

async function makeUpFor(plane: Plane, letter: DeadLetter, request: Request): Promise<Verdict> {
  const tick = tickOf(letter);
  if (!tick) return { kind: 'kept', why: 'it is no tick, and only schedules send to system: read it, then delete it' };
  try {
    const done = await catchUp(plane, tick, request);
    return done.did === 'queued' ? { kind: 'queued', run: done.run.id } : { kind: 'obsolete' };
  } catch (thrown) {
    if (thrown instanceof Failure) return { kind: 'kept', why: thrown.message };
    throw thrown;
  }
}

function tickOf({ body }: DeadLetter): Tick | undefined {
  try {
    const message = parseMessage(body, 'system');
    return message.kind === 'tick' ? message.tick : undefined;
  } catch {
    return undefined;
  }
}
