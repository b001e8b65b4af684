// A plane whose ledger, control table and queues are twins, or DynamoDB and SQS on loopback; all else is in memory, the
// clock too. Processes of a world come and go; what they wrote stays.
import { setTimeout as sleep } from 'node:timers/promises';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { QueueName } from '#core/catalogue/queues.ts';
import { consume, type Received } from '#core/consume.ts';
import type { Plane } from '#core/plane.ts';
import type { AnyBodies } from '#core/task.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { runtimeControl } from '#runtime/control.ts';
import { runtimeLedger } from '#runtime/ledger.ts';
import { runtimeQueues } from '#runtime/queues.ts';
import { drive } from '#test/unit/core/support.ts';
import { dynamodb, sqsAndS3 } from './aws.ts';

type Stores = 'ledger' | 'control' | 'queues';
export interface World {
  readonly plane: Omit<MemoryPlane, Stores> & Pick<Plane, Stores>;
  /** Lets time pass until the promise has settled: twins answer at once, servers in their own time. */
  readonly drive: <T>(promise: Promise<T>) => Promise<T>;
  /** Takes all messages of a queue that can be seen. */
  readonly messages: (queue: QueueName) => Promise<Received[]>;
  /** Puts a letter there that nobody of ours wrote. */
  readonly strand: (queue: QueueName, body: string) => Promise<void>;
  /** Until letters that a dead process had taken are seen again. */
  readonly untilLettersAreBack: () => Promise<void>;
}
export type MakeWorld = () => Promise<World>;
/** Letters are hidden no longer here, so that a test need not wait for two minutes; longer than a look for more takes. */
const hideSeconds = 2;
const hidingBriefly = (queues: Plane['queues']): Plane['queues'] => ({
  ...queues,
  takeLetters: (queue, { limit }) => queues.takeLetters(queue, { limit, hideSeconds }),
});
/** Five seconds past a slot of every minutely schedule. */
export const startMs = Date.UTC(2026, 0, 5, 12, 0, 5);

export const worldInMemory: MakeWorld = async () => {
  const plane = memoryPlane({ startMs });
  return {
    plane: { ...plane, queues: hidingBriefly(plane.queues) },
    drive: (promise) => drive(plane, promise),
    messages: async (queue) => plane.queues.receive(queue, 1000),
    strand: async (queue, body) => plane.queues.strand(queue, body),
    untilLettersAreBack: () => plane.clock.advance(hideSeconds * 1000),
  };
};

/** Servers of a test file, and worlds on fresh tables and queues. */
export async function worldsOnAws(): Promise<MakeWorld> {
  const tables = await dynamodb();
  const servers = await sqsAndS3();
  const { sqs } = servers;
  return async () => {
    const [runs, control] = await Promise.all([tables.fresh('runs'), tables.fresh('control')]);
    const urls = {
      ingestion: servers.queue('ingestion'),
      system: servers.queue('system'),
      kick: servers.queue('kick'),
    };
    const urlOf = (queue: QueueName) => urls[queue as keyof typeof urls];
    const plane = memoryPlane({ startMs });
    return {
      drive: (promise) => driveInRealTime(plane, promise),
      plane: {
        ...plane,
        ledger: runtimeLedger({ client: tables.client, table: runs, shards: 2 }),
        control: runtimeControl(tables.client, control),
        queues: hidingBriefly(runtimeQueues(sqs, urls)),
      },
      async messages(queue) {
        const all: Received[] = [];
        for (let found = 1; found > 0;) {
          const answer = await sqs.send(
            new ReceiveMessageCommand({ QueueUrl: urlOf(queue).queue, MaxNumberOfMessages: 10 }),
          );
          found = answer.Messages?.length ?? 0;
          for (const { MessageId: id = '', Body: body = '', ReceiptHandle: receipt = '' } of answer.Messages ?? [])
            all.push({ id, body, receipt, receives: 1 });
        }
        return all;
      },
      strand: (queue, body) =>
        runtimeQueues(sqs, { [queue]: { queue: urlOf(queue).deadLetters, deadLetters: '-' } }).send(queue, {
          body,
          group: 'stranded',
          deduplicationId: body.slice(0, 100),
        }),
      untilLettersAreBack: () => sleep(hideSeconds * 1000 + 100),
    };
  };
}

async function driveInRealTime<T>(plane: Pick<MemoryPlane, 'clock'>, promise: Promise<T>): Promise<T> {
  let over = false;
  const settled = promise.finally(() => (over = true));
  settled.catch(() => undefined);
  for (const stepMs = 10; !over;) {
    await sleep(stepMs);
    await plane.clock.advance(stepMs);
  }
  return settled;
}

/** Takes what waits on a queue through the pipeline, as its consumer would. */
export async function deliverAll(world: World, queue: QueueName, bodies: AnyBodies): Promise<number> {
  const messages = await world.messages(queue);
  const deadlineMs = world.plane.clock.nowMs() + 50_000;
  await world.drive(consume(world.plane, messages, { queue, bodies, deadlineMs }));
  return messages.length;
}
