// What the plane must know of LocalStack's queues, asked from our plug-in (localstack/host/alphaswarm_localstack/queues.py).
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { QueueState, QueueWatch } from '#local/backplane.ts';
import { PlaneError } from '#local/errors.ts';
import type { QueueDepth } from '#local/queues.ts';

const stateSchema = z.object({
  visible: z.number(),
  delayed: z.number(),
  inFlight: z.number(),
  handles: z.array(z.string()),
  nextReturnMs: z.number().nullable(),
});
const statesSchema = z.record(z.string(), stateSchema);

/** Whoever waits for rest asks again and again; LocalStack has better things to do. */
const pauseMs = 20;

export interface EmulatorQueues extends QueueWatch {
  /** As last looked at. */
  depths(): Record<string, QueueDepth>;
}

/** A watch over all queues of a LocalStack with our plug-in. */
export function watchQueues(url: string): EmulatorQueues {
  let last: ReadonlyMap<string, QueueState> = new Map();
  return {
    async look() {
      await sleep(pauseMs);
      const states = statesSchema.parse(await ask(`${url}/_alphaswarm/queues`));
      last = new Map(Object.entries(states).map(([name, state]) => [name, stateOf(state)]));
      return last;
    },
    async pass(byMs) {
      const headers = { 'content-type': 'application/json' };
      await ask(`${url}/_alphaswarm/queues/pass`, { method: 'POST', headers, body: JSON.stringify({ byMs }) });
    },
    depths: () => Object.fromEntries([...last].map(([name, { depth }]) => [name, depth])),
  };
}

const stateOf = ({ visible, delayed, inFlight, handles, nextReturnMs }: z.infer<typeof stateSchema>): QueueState => ({
  depth: { visible, delayed, inFlight },
  inFlightHandles: handles,
  nextReturnMs: nextReturnMs ?? undefined,
});

async function ask(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  if (response.ok) return response.json();
  throw new PlaneError(
    'START_FAILED',
    `${url} answered ${response.status}: ${(await response.text()).slice(0, 300)}. Is our plug-in installed? Remove .cache/localstack and run it again.`,
  );
}
