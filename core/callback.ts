/**
 * Calling back when a run has ended: a run of `callback.deliver` of its own, with its own attempts, row and dead letter,
 * so that a receiver that is away keeps nothing waiting.
 */
import { limits } from './catalogue/limits.ts';
import { enqueue } from './enqueue.ts';
import { outboxId } from './ids.ts';
import type { Plane } from './plane.ts';
import type { Run } from './run.ts';

/** Starts the delivery of the row's end; once, however often it is asked. Throws what `enqueue` throws. */
export async function sendCallback(plane: Plane, run: Run): Promise<void> {
  if (!run.callback) return;
  await enqueue(plane, {
    task: 'callback.deliver',
    id: outboxId(plane.ids, run, 'callback'),
    payload: { ...run.callback, event: callbackEvent(run) },
    tenant: run.tenant,
    actor: run.actor,
    as: 'service',
    // At the end of a chain as long as chains may be there is still somebody to be told.
    parent: { traceparent: run.traceparent, hops: Math.min(run.hops, limits.maximumHops - 1) },
  });
}

/** Of the row alone, so that it is the same whoever sends it, and whenever. What the run made is for GET /runs/ID to say. */
function callbackEvent(run: Run) {
  const { id, task, queue, tenant, state, generation, starts, createdMs, settledMs = createdMs, outcome } = run;
  return {
    type: `run.${state}`,
    timestamp: isoTime(settledMs),
    data: {
      run: id,
      task,
      queue,
      tenant,
      state,
      generation,
      starts,
      ...(outcome?.code === undefined ? {} : { code: outcome.code }),
      ...(outcome?.message === undefined ? {} : { message: outcome.message }),
      createdAt: isoTime(createdMs),
      settledAt: isoTime(settledMs),
    },
  };
}
const isoTime = (ms: number): string => new Date(ms).toISOString();
