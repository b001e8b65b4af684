import { limits } from './catalogue/limits.ts';
import type { QueueName } from './catalogue/queues.ts';
import { toMs } from './duration.ts';
import type { Plane } from './plane.ts';

/** Runs for later that are looked through in search of those that wait. */
const lookedThrough = 200;

/**
 * Runs of `queue` that wait and are due within a minute; at most `most`, since more than could be launched for need not
 * be counted. The open index is ordered by when the reaper looks next: first come runs that were sent once, behind them
 * those that were sent again, among runs for later.
 */
export async function countWaiting(
  plane: Pick<Plane, 'ledger' | 'clock'>,
  queue: QueueName,
  most: number,
): Promise<number> {
  const soonMs = plane.clock.nowMs() + toMs(limits.dueWithin);
  const sentOnceMs = soonMs + toMs(limits.sendOverdueAfter);
  // Among those that were sent again stand runs for later, which do not count: they must not hide the others.
  const head = { queue, state: 'queued', limit: most } as const;
  const found = await Promise.all([
    plane.ledger.open({ ...head, dueMs: sentOnceMs }),
    plane.ledger.open({ ...head, dueMs: Number.MAX_SAFE_INTEGER, afterMs: sentOnceMs, limit: most + lookedThrough }),
  ]);
  const rows = await Promise.all(found.flat().map((id) => plane.ledger.read(id)));
  return Math.min(most, rows.filter((row) => row?.state === 'queued' && row.notBeforeMs <= soonMs).length);
}
