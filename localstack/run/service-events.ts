// What AWS's own services would tell the default bus, told to LocalStack's: it has no ECS, and its rules are to see that a
// task has stopped as they would on AWS.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Base } from '#local/backplane.ts';
import { messageOf } from '#local/errors.ts';
import type { BusEvent } from '#local/events.ts';

export interface ServiceEvents {
  /** Tells LocalStack, where the event is of a service; what functions put has been there already. */
  forward(event: BusEvent): void;
  /** Events on their way. */
  pending(): number;
}

/** A voice of AWS's services on the default bus of the emulator at `endpoint`. */
export function serviceEvents({ settings, emit, undo }: Base, endpoint: string): ServiceEvents {
  const client = new EventBridgeClient({ ...settings, endpoint });
  const underWay = new Set<Promise<void>>();
  undo.push(async () => {
    await Promise.allSettled(underWay);
    client.destroy();
  });
  const put = async ({ source, detailType, detail, resources, atMs }: BusEvent): Promise<void> => {
    const entry = { Source: source, DetailType: detailType, Detail: JSON.stringify(detail), Resources: resources };
    const { FailedEntryCount = 0, Entries } = await client.send(
      new PutEventsCommand({ Entries: [{ ...entry, Time: new Date(atMs) }] }),
    );
    if (FailedEntryCount > 0) throw new Error(`${Entries?.[0]?.ErrorCode}: ${Entries?.[0]?.ErrorMessage}`);
  };
  return {
    forward(event) {
      if (!event.source.startsWith('aws.')) return;
      const told = put(event)
        .catch((error: unknown) =>
          emit({ type: 'error', where: `event ${event.detailType}`, message: messageOf(error) }),
        )
        .finally(() => underWay.delete(told));
      underWay.add(told);
    },
    pending: () => underWay.size,
  };
}
