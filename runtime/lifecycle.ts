import { PutEventsCommand, type EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { Failure } from '#core/errors.ts';
import type { Lifecycle } from '#core/ports.ts';

/** Lifecycle events on our own bus; `detail.id` is the same for every repetition of an event. */
export function runtimeLifecycle(client: EventBridgeClient, bus: string): Lifecycle {
  return {
    async emit({ id, name, detail }) {
      const entry = {
        EventBusName: bus,
        Source: 'alphaswarm.plane',
        DetailType: name,
        Detail: JSON.stringify({ ...detail, id }),
      };
      const answer = await client.send(new PutEventsCommand({ Entries: [entry] }));
      // PutEvents answers 200 even when it took nothing.
      const refused = answer.Entries?.find((one) => one.ErrorCode !== undefined);
      if (refused)
        throw new Failure(
          'DEPENDENCY_UNAVAILABLE',
          `the bus ${bus} refused ${name}: ${refused.ErrorCode}: ${refused.ErrorMessage}`,
        );
    },
  };
}
