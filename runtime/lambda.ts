import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { FunctionQueue } from '#core/catalogue/entry-points.ts';
import { consume, type Received } from '#core/consume.ts';
import { consumeKicks } from '#core/consume-kicks.ts';
import type { AnyBodies } from '#core/task.ts';
import { parseEnvironment, type Environment } from './environment.ts';
import { dispatchServices } from './dispatch-services.ts';
import { services, type Services } from './services.ts';

/**
 * The handler of a queue's function: reads the environment once, at init, and takes each batch through the pipeline.
 * What must come back is reported a message, so that the rest of the batch is acknowledged.
 */
export function queueHandler(
  queue: FunctionQueue,
  bodies: AnyBodies,
  compose: (environment: Environment) => Services = services,
) {
  const plane = compose(parseEnvironment(queue, process.env));
  // Begun at init, where a Lambda has more of a processor than later; awaited before each batch, outside the 250 ms that
  // the reading of the switch has.
  void plane.ready();
  return middy<SQSEvent, SQSBatchResponse>().handler(
    async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
      const deadlineMs = plane.clock.nowMs() + context.getRemainingTimeInMillis();
      await plane.ready();
      const failed = await consume(plane, event.Records.map(received), { queue, bodies, deadlineMs });
      return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
    },
  );
}

/** The handler of the dispatcher: kicks, a look a family. */
export function kickHandler() {
  const environment = parseEnvironment('dispatcher', process.env);
  const plane = dispatchServices(environment);
  void plane.ready();
  return middy<SQSEvent, SQSBatchResponse>().handler(async (event: SQSEvent): Promise<SQSBatchResponse> => {
    await plane.ready();
    const failed = await consumeKicks(plane, event.Records.map(received));
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

export const received = (record: SQSEvent['Records'][number]): Received => ({
  id: record.messageId,
  body: record.body,
  receipt: record.receiptHandle,
  receives: Number(record.attributes.ApproximateReceiveCount),
});
