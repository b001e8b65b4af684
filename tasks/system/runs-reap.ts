import type { TaskBody } from '#core/task.ts';
import { Failure } from '#core/errors.ts';
import type { ReapCount } from '#core/ports.ts';

/** Picks up what was lost. Lost leases first: what they settle may be sent or drained in the same minute. */
export const reap: TaskBody<'runs.reap'> = async (_payload, { ports: { reaper } }) => {
  const expired = await reaper.expire();
  const resent = await reaper.resend();
  const drained = await reaper.drain();
  const released = await unlessHalted(() => reaper.release());
  const more = [expired, resent, drained, released].some((pass) => pass.more);
  return { resent: resent.count, expired: expired.count, drained: drained.count, released: released.count, more };
};

/** In a halt the held runs stay held: that is what the guard says, and no failure of this task. */
async function unlessHalted(release: () => Promise<ReapCount>): Promise<ReapCount> {
  try {
    return await release();
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'KILL_SWITCH_HALTED') return { count: 0, more: false };
    throw thrown;
  }
}
