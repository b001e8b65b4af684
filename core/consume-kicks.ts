import { logLines } from './catalogue/metrics.ts';
import type { Family } from './catalogue/entry-points.ts';
import type { Received } from './consume.ts';
import { rejectMessage } from './consume.ts';
import { dispatch, type DispatchPlane } from './dispatch.ts';
import { toFailure } from './errors.ts';
import { parseKick, type Kick } from './kick.ts';

/**
 * Takes a batch of kicks, a look a family. Resolves with the ids of the messages that must come back: all of a family
 * whose look failed, since their order is the order in which its tasks stopped.
 */
export async function consumeKicks(plane: DispatchPlane, messages: readonly Received[]): Promise<string[]> {
  const failed: string[] = [];
  const byFamily = new Map<Family, { kick: Kick; id: string }[]>();
  for (const message of messages) {
    const kick = await readKick(plane, message);
    if (kick === 'rejected') continue;
    if (kick === 'come back') failed.push(message.id);
    else byFamily.set(kick.family, [...(byFamily.get(kick.family) ?? []), { kick, id: message.id }]);
  }
  for (const [family, kicks] of byFamily) {
    if (!(await look(plane, family, kicks))) failed.push(...kicks.map(({ id }) => id));
  }
  plane.metrics.flush();
  return failed;
}

async function readKick(plane: DispatchPlane, message: Received): Promise<Kick | 'rejected' | 'come back'> {
  try {
    return parseKick(message.body);
  } catch (thrown) {
    const failure = toFailure(thrown);
    return (await rejectMessage(plane, message, { failure, queue: 'kick' })) ? 'rejected' : 'come back';
  }
}

async function look(plane: DispatchPlane, family: Family, kicks: readonly { kick: Kick }[]): Promise<boolean> {
  const asked = kicks.map(({ kick }) => kick.cause);
  try {
    const { launched, because } = await dispatch(
      plane,
      family,
      kicks.map(({ kick }) => kick),
    );
    plane.log.info(logLines.dispatched, { family, asked, launched, ...(because ? { because } : {}) });
    return true;
  } catch (thrown) {
    plane.log.warn(logLines.dispatched, { family, asked, launched: [], because: toFailure(thrown).message });
    return false;
  }
}
