import type { TaskBody } from '#core/task.ts';

/** Picks up what was lost: all duties side by side, so that none waits for another's backlog, and all to their end. */
export const reap: TaskBody<'runs.reap'> = async (_payload, { ports: { reaper }, signal }) => {
  const passes = await Promise.allSettled([
    reaper.expire(signal),
    reaper.resend(signal),
    reaper.drain(signal),
    reaper.release(signal),
    reaper.kick(),
    reaper.hangUp(signal),
  ]);
  const [expired, resent, drained, released, kicked, closed] = passes.map((pass) => {
    if (pass.status === 'rejected') throw pass.reason;
    return pass.value;
  });
  const more = [expired, resent, drained, released, kicked, closed].some((pass) => pass?.more);
  const of = (pass: { readonly count: number } | undefined): number => pass?.count ?? 0;
  return {
    resent: of(resent),
    expired: of(expired),
    drained: of(drained),
    released: of(released),
    kicked: of(kicked),
    closed: of(closed),
    more,
  };
};
