import { limits } from '#core/catalogue/limits.ts';
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { toMs } from '#core/duration.ts';
import { readFamily, readSlots } from '#core/family.ts';
import type { Plane } from '#core/plane.ts';
import { oldestWaitMs } from '#core/task-ports.ts';
import type * as z from 'zod';
import type { queue as queueSchema } from './schemas/queue.ts';

type QueueView = z.output<typeof queueSchema>;

/** How a queue stands: SQS counts approximately, the ledger knows how long a run waits. */
export async function queueView(plane: Plane, name: QueueName): Promise<QueueView> {
  const nowMs = plane.clock.nowMs();
  const { tier, kind, drives, carries, ageObjective } = queueRow(name);
  const [depth, dead, oldestMs, consumers] = await Promise.all([
    plane.queues.depth(name, 'queue'),
    plane.queues.depth(name, 'dead-letters'),
    carries === 'runs' ? oldestWaitMs(plane, name, nowMs) : 0,
    consumersOf(plane, name, nowMs),
  ]);
  return {
    name,
    tier,
    kind,
    drives,
    ...depth,
    oldestAgeSeconds: oldestMs / 1000,
    ageObjectiveSeconds: ageObjective,
    // Those that somebody looks at just now are still there.
    deadLetters: dead.waiting + dead.inFlight,
    consumers,
  };
}

async function consumersOf(plane: Plane, name: QueueName, nowMs: number): Promise<QueueView['consumers']> {
  const { tier, concurrency } = queueRow(name);
  const { maximum } = concurrency;
  if (tier !== 'heavy') return { kind: 'function', maximum };
  const { executors, lastFailure, failedStarts } = await readFamily(plane, name);
  const said = await Promise.all(executors.map(({ task }) => readSlots(plane, task)));
  const live = said.filter((one) => one && nowMs - one.renewedMs <= toMs(limits.executorSilentFor));
  const slots = live.flatMap((one) => one?.slots ?? []);
  const free = live.flatMap((one) => (one?.draining ? [] : (one?.slots ?? []).filter((run) => run === null)));
  return {
    kind: 'executors',
    live: live.length,
    starting: said.filter((one) => one === undefined).length,
    slots: slots.length,
    freeSlots: free.length,
    maximum,
    ...(failedStarts > 0 && lastFailure !== undefined ? { lastFailure } : {}),
  };
}
