/** Ends WebSockets whose token has expired, also those to which nothing is posted just now. */
import { limits } from './catalogue/limits.ts';
import { dropConnection } from './connections.ts';
import { inBatches } from './in-batches.ts';
import type { Plane } from './plane.ts';
import type { ReapCount } from './ports.ts';

/** Where there are no WebSockets there is nothing to end. */
export async function hangUp({ live, log }: Plane, isOver: () => boolean): Promise<ReapCount> {
  if (!live) return { count: 0, more: false };
  const expired = await live.connections.expired(live.realNowMs(), limits.reapBatch);
  const ended = await inBatches(expired, limits.reapConcurrency, async (connection) => {
    if (isOver()) return false;
    const drop = dropConnection({ ...live, log }, connection, { why: 'its token has expired', close: true });
    const [dropped] = await Promise.allSettled([drop]);
    return dropped.status === 'fulfilled';
  });
  const count = ended.filter(Boolean).length;
  return { count, more: count < expired.length || expired.length === limits.reapBatch };
}
