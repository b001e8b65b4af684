// All event source mappings of a plane, and what they know together: whether work is under way.
import type { SQSClient } from '@aws-sdk/client-sqs';
import { startPoller, type Poller } from '#local/event-sources.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import type { Emit } from '#local/plane-event.ts';
import type { PlaneResources } from '#local/plane-resources.ts';
import type { Queues } from '#local/queues.ts';

export interface Mappings {
  /** No message of a queue with a consumer is visible or being worked on; hidden or delayed ones may wait. */
  isQuiet(): boolean;
  /** No queue with a consumer holds any message. */
  isDrained(): boolean;
  /** When the next hidden or delayed message of such a queue can be received, in wall time. */
  nextReturnMs(): number | undefined;
  stop(): Promise<void>;
}

interface MappingsOptions {
  resources: PlaneResources;
  queues: Queues;
  client: SQSClient;
  region: string;
  lambdas: Lambdas;
  emit: Emit;
}

/** Starts a poller for each enabled mapping. */
export function startMappings({ resources, queues, client, region, lambdas, emit }: MappingsOptions): Mappings {
  const invoke = (functionName: string, event: unknown) => lambdas.invoke(functionName, event);
  const pollers = resources.mappings.flatMap((mapping): Poller[] => {
    const queue = resources.queues.find(({ arn }) => arn === mapping.queueArn);
    return queue && mapping.enabled ? [startPoller({ mapping, queue, client, region, invoke, emit })] : [];
  });
  return {
    isQuiet: () => pollers.every((poller) => isQuiet(poller, queues)),
    isDrained: () =>
      pollers.every(({ queueName }) => Object.values(queues.depth(queueName)).every((count) => count === 0)),
    nextReturnMs: () => {
      const returns = pollers.flatMap(({ queueName }) => queues.nextReturnMs(queueName) ?? []);
      return returns.length > 0 ? Math.min(...returns) : undefined;
    },
    async stop() {
      await Promise.all(pollers.map((poller) => poller.stop()));
    },
  };
}

/** A message counts from the moment it can be received until it is deleted or given up: no gap between server and poller. */
function isQuiet(poller: Poller, queues: Queues): boolean {
  if (queues.depth(poller.queueName).visible > 0) return false;
  return queues.inFlightHandles(poller.queueName).every((handle) => poller.abandoned().has(handle));
}
