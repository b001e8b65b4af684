// All event source mappings of a plane, and what they know together: whether work is under way.
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Backplane, QueueState, QueueWatch } from '#local/backplane.ts';
import { startPoller, type Poller } from '#local/event-sources.ts';
import type { Emit } from '#local/plane-event.ts';
import type { PlaneResources } from '#local/plane-resources.ts';

export interface Mappings {
  /** No message of a queue with a consumer is visible or being worked on; hidden or delayed ones may wait. */
  isQuiet(): Promise<boolean>;
  /** No queue with a consumer holds any message. */
  isDrained(): Promise<boolean>;
  /** When the next hidden or delayed message of such a queue can be received, in wall time. */
  nextReturnMs(): Promise<number | undefined>;
  stop(): Promise<void>;
}

interface MappingsOptions {
  resources: PlaneResources;
  queues: QueueWatch;
  client: SQSClient;
  region: string;
  invoke: Backplane['invoke'];
  emit: Emit;
}

/** Starts a poller for each enabled mapping. */
export function startMappings({ resources, queues, client, region, invoke, emit }: MappingsOptions): Mappings {
  const pollers = resources.mappings.flatMap((mapping): Poller[] => {
    const queue = resources.queues.find(({ arn }) => arn === mapping.queueArn);
    return queue && mapping.enabled ? [startPoller({ mapping, queue, client, region, invoke, emit })] : [];
  });
  /** Each poller with the state of its queue. */
  const look = async (): Promise<[Poller, QueueState][]> => {
    const states = await queues.look();
    return pollers.flatMap((poller): [Poller, QueueState][] => {
      const state = states.get(poller.queueName);
      return state ? [[poller, state]] : [];
    });
  };
  return {
    isQuiet: async () => (await look()).every(([poller, state]) => isQuiet(poller, state)),
    isDrained: async () => (await look()).every(([, { depth }]) => Object.values(depth).every((count) => count === 0)),
    nextReturnMs: async () => {
      const returns = (await look()).flatMap(([, { nextReturnMs }]) => nextReturnMs ?? []);
      return returns.length > 0 ? Math.min(...returns) : undefined;
    },
    async stop() {
      await Promise.all(pollers.map((poller) => poller.stop()));
    },
  };
}

/** A message counts from the moment it can be received until it is deleted or given up: no gap between server and poller. */
function isQuiet(poller: Poller, { depth, inFlightHandles }: QueueState): boolean {
  return depth.visible === 0 && inFlightHandles.every((handle) => poller.abandoned().has(handle));
}
