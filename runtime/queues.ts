import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message,
  type SendMessageCommandInput,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { Failure } from '#core/errors.ts';
import type { DeadLetter, QueueDepth, Queues } from '#core/ports.ts';
import type { Environment } from './environment.ts';

/** SQS does not hide a message for longer than this. */
const longestDelaySeconds = 43_200;

export function runtimeQueues(client: SQSClient, urls: Environment['queueUrls']): Queues {
  const urlOf = (queue: QueueName, which: 'queue' | 'deadLetters'): string => {
    const url = urls[queue]?.[which];
    if (url) return url;
    throw new Failure(
      'CONFIGURATION_INVALID',
      `this function does not write to the queue ${queue}: the catalogue's entryPoints do not give it the address`,
    );
  };
  const send = async (
    queue: QueueName,
    message: Omit<SendMessageCommandInput, 'MessageGroupId'> & { group: string; deduplicationId: string },
  ) => {
    const { group, deduplicationId, ...rest } = message;
    const fifo = queueRow(queue).kind === 'fifo' ? { MessageDeduplicationId: deduplicationId } : {};
    await client.send(new SendMessageCommand({ ...rest, MessageGroupId: groupId(group), ...fifo }));
  };
  return {
    async send(queue, { body, group, deduplicationId, delaySeconds }) {
      const delay = delaySeconds === undefined ? {} : { DelaySeconds: delaySeconds };
      await send(queue, { QueueUrl: urlOf(queue, 'queue'), MessageBody: body, group, deduplicationId, ...delay });
    },
    async deadLetter(queue, { body, code, reason, group, deduplicationId }) {
      await send(queue, {
        QueueUrl: urlOf(queue, 'deadLetters'),
        MessageBody: body,
        MessageAttributes: { code: text(code), reason: text(reason) },
        group,
        deduplicationId,
      });
    },
    async delay(queue, receipt, seconds) {
      const timeout = Math.min(longestDelaySeconds, Math.max(0, seconds));
      await client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: urlOf(queue, 'queue'),
          ReceiptHandle: receipt,
          VisibilityTimeout: timeout,
        }),
      );
    },
    ...letters(client, (queue) => urlOf(queue, 'deadLetters')),
    depth: (queue, which) => depth(client, urlOf(queue, which === 'queue' ? 'queue' : 'deadLetters')),
  };
}

/** SQS takes letters, digits and punctuation of ASCII; a tenant may be called anything. */
const groupId = (group: string): string =>
  group
    .toWellFormed()
    .replaceAll(/[^!-~]/gu, encodeURIComponent)
    .slice(0, 128) || '-';

/** An attribute may not be empty, nor hold characters that XML has no place for: SQS then refuses the whole message. */
const text = (value: string) => ({
  DataType: 'String',
  StringValue: value.toWellFormed().replaceAll(unsendable, '\ufffd').slice(0, 500).toWellFormed() || '-',
});
// oxlint-disable-next-line no-control-regex -- these are the ones that SQS refuses
const unsendable = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function letters(
  client: SQSClient,
  urlOf: (queue: QueueName) => string,
): Pick<Queues, 'takeLetters' | 'removeLetter' | 'returnLetter'> {
  return {
    takeLetters: (queue, take) => takeLetters(client, urlOf(queue), take),
    async removeLetter(queue, receipt) {
      await client.send(new DeleteMessageCommand({ QueueUrl: urlOf(queue), ReceiptHandle: receipt }));
    },
    async returnLetter(queue, receipt) {
      const now = { QueueUrl: urlOf(queue), ReceiptHandle: receipt, VisibilityTimeout: 0 };
      await client.send(new ChangeMessageVisibilityCommand(now));
    },
  };
}

async function takeLetters(
  client: SQSClient,
  url: string,
  { limit, hideSeconds }: { limit: number; hideSeconds: number },
): Promise<DeadLetter[]> {
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: Math.min(10, limit),
      VisibilityTimeout: hideSeconds,
      // Without a wait SQS asks some of its servers only, and may say that there is nothing where there is something.
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['code', 'reason'],
      MessageSystemAttributeNames: ['SentTimestamp'],
    }),
  );
  return messages.map(letterOf);
}

function letterOf({ MessageId, ReceiptHandle, Body, Attributes, MessageAttributes }: Message): DeadLetter {
  const said = (name: 'code' | 'reason') => {
    const value = MessageAttributes?.[name]?.StringValue;
    return value === undefined ? {} : { [name]: value };
  };
  return {
    id: MessageId ?? '',
    receipt: ReceiptHandle ?? '',
    body: Body ?? '',
    ...said('code'),
    ...said('reason'),
    sentMs: Number(Attributes?.SentTimestamp ?? 0),
  };
}

async function depth(client: SQSClient, url: string): Promise<QueueDepth> {
  const found = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  const count = (value: string | undefined) => Number(value ?? 0);
  return {
    waiting: count(found.Attributes?.ApproximateNumberOfMessages),
    inFlight: count(found.Attributes?.ApproximateNumberOfMessagesNotVisible),
    delayed: count(found.Attributes?.ApproximateNumberOfMessagesDelayed),
  };
}
