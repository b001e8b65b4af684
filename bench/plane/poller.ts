// What Lambda's event source mapping does: receives batches, hands them over, deletes what was done. On AWS it is not our
// processor that does it; how much of the measured time it is, `poll` tells.
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import type { Received } from '#core/consume.ts';

export interface Source {
  readonly sqs: SQSClient;
  readonly url: string;
}
const batchSize = 10;

/** Waits up to a second for a message. Never given up: the server would hand what comes to whoever has gone. */
export async function receive({ sqs, url }: Source, limit = batchSize): Promise<Received[]> {
  const command = new ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: limit,
    WaitTimeSeconds: 1,
    MessageSystemAttributeNames: ['ApproximateReceiveCount'],
  });
  const { Messages: messages = [] } = await sqs.send(command);
  return messages.map(receivedOf);
}

const receivedOf = ({ MessageId, Body, ReceiptHandle, Attributes }: Message): Received => ({
  id: MessageId ?? '',
  body: Body ?? '',
  receipt: ReceiptHandle ?? '',
  receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
});

export async function remove({ sqs, url }: Source, messages: readonly Received[]): Promise<void> {
  const Entries = messages.map(({ receipt }, at) => ({ Id: String(at), ReceiptHandle: receipt }));
  const { Failed: failed = [] } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
  if (failed.length > 0) throw new Error(`${failed.length} messages were not deleted: ${failed[0]?.Message}`);
}

export interface Polling {
  /** Rejects with what `take` throws; resolves once it was stopped. */
  readonly ended: Promise<void>;
  /** No further batch is asked for; resolves when the last answer is there, within a second. */
  stop(): Promise<void>;
}
interface PollOptions {
  /** Batches in flight. */
  readonly width: number;
  /** Resolves with what is to be deleted. */
  readonly take: (messages: readonly Received[]) => Promise<readonly Received[]>;
  /** Called with the number of messages once they are deleted. */
  readonly onDeleted?: (count: number) => void;
}

export function startPolling(source: Source, { width, take, onDeleted }: PollOptions): Polling {
  let stopped = false;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const messages = await receive(source);
      const done = messages.length === 0 ? [] : await take(messages);
      if (done.length === 0) continue;
      await remove(source, done);
      onDeleted?.(done.length);
    }
  };
  const ended = Promise.all(Array.from({ length: width }, loop)).then(() => undefined);
  return {
    ended,
    stop() {
      stopped = true;
      return ended;
    },
  };
}
