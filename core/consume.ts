import { logLines } from './catalogue/metrics.ts';
import type { QueueName } from './catalogue/queues.ts';
import { execute, type Batch } from './execute.ts';
import type { Outcome } from './outcome.ts';
import { readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { AnyBodies } from './task.ts';

/** One received message, as any queue hands it over. */
export interface Received {
  readonly id: string;
  readonly body: string;
  readonly receipt: string;
  readonly receives: number;
}

/**
 * Takes a batch through the pipeline, its messages side by side: a poison message never blocks its neighbours. Resolves
 * with the ids of the messages that must come back; all others are to be acknowledged.
 */
export async function consume(
  plane: Plane,
  messages: readonly Received[],
  options: { queue: QueueName; bodies: AnyBodies; deadlineMs: number },
): Promise<string[]> {
  const reading = await readSwitch(plane);
  const batch: Batch = { reading, deadlineMs: options.deadlineMs, bodies: options.bodies };
  const failed = await Promise.all(
    messages.map(async (message) => {
      const outcome = await execute(
        plane,
        { queue: options.queue, body: message.body, receives: message.receives },
        batch,
      );
      return (await acknowledged(plane, message, { outcome, queue: options.queue })) ? [] : [message.id];
    }),
  );
  plane.metrics.flush();
  return failed.flat();
}

/** Whether the message is to be deleted; one that is to come back has been given its time. */
export async function acknowledged(
  plane: Plane,
  message: Received,
  { outcome, queue }: { outcome: Outcome; queue: QueueName },
): Promise<boolean> {
  switch (outcome.kind) {
    case 'retry':
      // Should this fail the message comes back after the queue's own visibility timeout: later, but it comes.
      await Promise.allSettled([plane.queues.delay(queue, message.receipt, Math.ceil(outcome.afterMs / 1000))]);
      return false;
    case 'rejected':
      return rejectMessage(plane, message, { failure: outcome.failure, queue });
    case 'done':
    case 'held':
    case 'handedBack':
    case 'continue':
      return true;
  }
}

/** Not one of ours, or not to be done: kept in the dead-letter queue with code and reason. Acknowledged only once there. */
export async function rejectMessage(
  plane: Pick<Plane, 'queues' | 'metrics' | 'log'>,
  message: Received,
  { failure, queue }: { failure: { code: string; message: string }; queue: QueueName },
): Promise<boolean> {
  plane.metrics.record('MessageRejected', 1, queue);
  plane.log.warn(logLines.messageRejected, {
    code: failure.code,
    reason: failure.message,
    messageId: message.id,
    queue,
  });
  const letter = {
    body: message.body,
    code: failure.code,
    reason: failure.message,
    group: 'rejected',
    deduplicationId: message.id,
  };
  const [sent] = await Promise.allSettled([plane.queues.deadLetter(queue, letter)]);
  return sent.status === 'fulfilled';
}
