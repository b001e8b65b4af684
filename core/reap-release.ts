/** Letting held runs go, oldest first and a hundred a second, for as long as the switch is clear. */
import { limits } from './catalogue/limits.ts';
import type { QueueName } from './catalogue/queues.ts';
import { inhabitedQueues } from './catalogue/tasks.ts';
import { cancelled } from './claim.ts';
import { toMs } from './duration.ts';
import { sendQuietly } from './enqueue.ts';
import { haltsWork, readSwitch, type Reading } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { ReapCount } from './ports.ts';
import { attemptRow, dueRows, putBehind, type Pass } from './reap-lanes.ts';
import { changeRun, type Run } from './run.ts';
import { drain, dueAgain } from './settle.ts';

export async function releaseHeld(pass: Pass): Promise<ReapCount> {
  const { plane } = pass;
  let count = 0;
  let queues: readonly QueueName[] = inhabitedQueues;
  while (queues.length > 0) {
    const reading = await readSwitch(plane);
    if (reading.state !== 'clear') return { count, more: true };
    const second = await oneSecond(pass, queues, reading);
    count += second.count;
    queues = second.queues;
    if (queues.length > 0 && (await isOverAfterASecond(pass))) return { count, more: true };
  }
  return { count, more: false };
}

async function isOverAfterASecond({ plane, isOver, signal }: Pass): Promise<boolean> {
  await Promise.allSettled([plane.clock.sleep(1000, signal)]);
  return isOver();
}

/** A hundred rows of all queues in turn; resolves with the queues in which more may stand. */
async function oneSecond(
  { plane, turn, isOver }: Pass,
  queues: readonly QueueName[],
  reading: Reading,
): Promise<{ count: number; queues: QueueName[] }> {
  const limit = limits.releasesASecond;
  const dueMs = plane.clock.nowMs();
  const found = await Promise.all(
    queues.map((queue) => turn(() => plane.ledger.open({ queue, state: 'held', dueMs, limit }))),
  );
  const chosen = inTurn(found).slice(0, limit);
  const rows = await turn(() => dueRows(plane, chosen, dueMs));
  const gone = await Promise.all(
    rows.map((row) => turn(async () => !isOver() && attemptRow(plane, row, (one) => letGoIfMay(plane, one, reading)))),
  );
  const taken = new Set(chosen);
  return {
    count: gone.filter(Boolean).length,
    queues: queues.filter((_, at) => found[at]?.length === limit || found[at]?.some((id) => !taken.has(id))),
  };
}

/** The first of each list, then the second of each, and so on. */
const inTurn = (lists: readonly (readonly string[])[]): string[] =>
  Array.from({ length: Math.max(0, ...lists.map(({ length }) => length)) }, (_, at) =>
    lists.flatMap((list) => list[at] ?? []),
  ).flat();

async function letGoIfMay(plane: Plane, row: Run, reading: Reading): Promise<boolean> {
  if (row.state !== 'held') return false;
  if (row.cancel) return endCancelled(plane, cancelled(row, row.cancel, plane.clock.nowMs()), row);
  if (!haltsWork(reading, row)) return letGo(plane, row);
  // Its task or queue is halted on its own: the rows behind it are not.
  await putBehind(plane, row, toMs(limits.narrowedLookAgainAfter));
  return false;
}

async function endCancelled(plane: Plane, next: Run, row: Run): Promise<boolean> {
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  await drain(plane, next);
  return true;
}

async function letGo(plane: Plane, row: Run): Promise<boolean> {
  const nowMs = plane.clock.nowMs();
  const isDue = row.notBeforeMs <= nowMs;
  // Held before its time had come, a run still waits for it; the reaper then sends it.
  const change = isDue ? dueAgain(nowMs) : { state: 'queued' as const, checkAfterMs: row.notBeforeMs };
  const next = changeRun(row, { ...change, send: row.send + 1 });
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return false;
  if (isDue) await sendQuietly(plane, next);
  return true;
}
