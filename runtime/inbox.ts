import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { Inbox } from '#core/executor.ts';
import { Failure } from '#core/errors.ts';
import type { Environment } from './environment.ts';

/** Messages that an executor pulls: one at a time, by long polling. */
export function runtimeInbox(client: SQSClient, urls: Environment['queueUrls']): Inbox {
  const urlOf = (queue: QueueName): string => {
    const url = urls[queue]?.queue;
    if (url) return url;
    throw new Failure('CONFIGURATION_INVALID', `this executor was not given the address of the queue ${queue}`);
  };
  return {
    async take(queue, { waitMs, signal }) {
      const command = new ReceiveMessageCommand({
        QueueUrl: urlOf(queue),
        MaxNumberOfMessages: 1,
        WaitTimeSeconds: Math.round(waitMs / 1000),
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      });
      try {
        // The answer comes when a message does: the client's usual patience would be too short.
        const answer = await client.send(command, { abortSignal: signal, requestTimeout: waitMs + 5000 });
        const [message] = answer.Messages ?? [];
        if (!message) return undefined;
        return {
          id: message.MessageId ?? '',
          body: message.Body ?? '',
          receipt: message.ReceiptHandle ?? '',
          receives: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
        };
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    },
    async acknowledge(queue, receipt) {
      await client.send(new DeleteMessageCommand({ QueueUrl: urlOf(queue), ReceiptHandle: receipt }));
    },
  };
}
