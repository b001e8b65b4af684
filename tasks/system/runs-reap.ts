import type { TaskBody } from '#core/task.ts';

/** Picks up what was lost. Lost leases first: what they settle may be sent or drained in the same minute. */
export const reap: TaskBody<'runs.reap'> = async (_payload, { ports: { reaper } }) => {
  const expired = await reaper.expire();
  const resent = await reaper.resend();
  const drained = await reaper.drain();
  const released = await reaper.release();
  const more = [expired, resent, drained, released].some((pass) => pass.more);
  return { resent: resent.count, expired: expired.count, drained: drained.count, released: released.count, more };
};
