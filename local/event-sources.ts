// Event source mappings: one poller each, which shares nothing with its neighbours but the queue server, so that a slow or
// failing function holds up its own queue alone. A poller receives while it has concurrency to spare, gathers a batch,
// invokes, deletes what succeeded, and leaves the rest to its visibility timeout. Only errors of the function itself (not
// items it reports as failed) make it back off.
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#local/errors.ts';
import type { InvocationResult } from '#local/lambda-environment.ts';
import type { Emit } from '#local/plane-event.ts';
import type { MappingSpec, QueueSpec } from '#local/resources.ts';
import { failedMessageIds, toSqsRecord } from '#local/sqs-event.ts';

export interface Poller {
  queueName: string;
  /** Receipt handles of messages whose invocation failed: they wait for their visibility timeout and are nobody's work. */
  abandoned(): ReadonlySet<string>;
  stop(): Promise<void>;
}

interface PollerOptions {
  mapping: MappingSpec;
  queue: QueueSpec;
  client: SQSClient;
  region: string;
  invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
  emit: Emit;
}

/** AWS begins with five pollers where the template sets no maximum. */
const DEFAULT_CONCURRENCY = 5;
const RECEIVE_LIMIT = 10;
const LONG_POLL_SECONDS = 20;
const BACK_OFF_START_MS = 200;
const BACK_OFF_LIMIT_MS = 5_000;
const ABANDONED_LIMIT = 20_000;

/** Starts polling for one mapping. */
export function startPoller(options: PollerOptions): Poller {
  return new MappingPoller(options);
}

class MappingPoller implements Poller {
  readonly queueName: string;
  readonly #options: PollerOptions;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #abandoned = new Set<string>();
  readonly #loop: Promise<void>;
  #failuresInARow = 0;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.queueName = options.queue.name;
    this.#loop = this.#poll();
  }

  abandoned(): ReadonlySet<string> {
    return this.#abandoned;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([this.#loop, ...this.#running]);
  }

  async #poll(): Promise<void> {
    const limit = this.#options.mapping.maximumConcurrency ?? DEFAULT_CONCURRENCY;
    while (!this.#stopping.signal.aborted) {
      if (this.#running.size >= limit) await Promise.race(this.#running);
      else await this.#pollOnce();
    }
  }

  async #pollOnce(): Promise<void> {
    try {
      await this.#backOff();
      const batch = await this.#gather();
      if (batch.length === 0) return;
      const work = this.#process(batch);
      this.#running.add(work);
      void work.finally(() => this.#running.delete(work));
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#failuresInARow += 1;
      this.#options.emit({ type: 'error', where: `polling ${this.queueName}`, message: messageOf(error) });
    }
  }

  async #backOff(): Promise<void> {
    if (this.#failuresInARow === 0) return;
    const waitMs = Math.min(BACK_OFF_START_MS * 2 ** (this.#failuresInARow - 1), BACK_OFF_LIMIT_MS);
    await sleep(waitMs, undefined, { signal: this.#stopping.signal });
  }

  /** A batch is whole when it is full, or when its window, counted from its first message, has passed. */
  async #gather(): Promise<Message[]> {
    const { batchSize, batchingWindowMs } = this.#options.mapping;
    const batch = await this.#receive(batchSize, LONG_POLL_SECONDS);
    const deadlineMs = Date.now() + batchingWindowMs;
    while (batch.length > 0 && batch.length < batchSize && Date.now() < deadlineMs) {
      const leftMs = deadlineMs - Date.now();
      // A long poll lasts whole seconds: the last part of the window is waited out and then looked at.
      if (leftMs < 1000) await sleep(Math.max(0, leftMs), undefined, { signal: this.#stopping.signal });
      const waitSeconds = Math.min(Math.floor(leftMs / 1000), LONG_POLL_SECONDS);
      batch.push(...(await this.#receive(batchSize - batch.length, waitSeconds)));
    }
    return batch;
  }

  async #receive(wanted: number, waitSeconds: number): Promise<Message[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#options.queue.url,
      MaxNumberOfMessages: Math.min(wanted, RECEIVE_LIMIT),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    const { Messages } = await this.#options.client.send(command, { abortSignal: this.#stopping.signal });
    return Messages ?? [];
  }

  async #process(batch: Message[]): Promise<void> {
    const { mapping, queue, region, invoke, emit } = this.#options;
    try {
      const event = { Records: batch.map((message) => toSqsRecord(message, queue.arn, region)) };
      const result = await invoke(mapping.functionName, event);
      const failed = this.#failedOf(result, batch);
      this.#failuresInARow = failed ? 0 : this.#failuresInARow + 1;
      this.#abandon(batch.filter((message) => !failed || failed.has(message.MessageId ?? '')));
      if (failed) await this.#delete(batch.filter((message) => !failed.has(message.MessageId ?? '')));
    } catch (error) {
      this.#abandon(batch);
      if (!this.#stopping.signal.aborted)
        emit({ type: 'error', where: `mapping of ${queue.name}`, message: messageOf(error) });
    }
  }

  /** Undefined when the invocation as a whole has failed. */
  #failedOf(result: InvocationResult, batch: Message[]): Set<string> | undefined {
    if (result.outcome !== 'success') return undefined;
    if (!this.#options.mapping.reportsItemFailures) return new Set();
    return failedMessageIds(
      result.result,
      batch.map((message) => message.MessageId ?? ''),
    );
  }

  #abandon(messages: Message[]): void {
    for (const message of messages) this.#abandoned.add(message.ReceiptHandle ?? '');
    // Only those still in flight matter, and these are among the youngest.
    for (const oldest of this.#abandoned) {
      if (this.#abandoned.size <= ABANDONED_LIMIT) break;
      this.#abandoned.delete(oldest);
    }
  }

  async #delete(messages: Message[]): Promise<void> {
    for (let first = 0; first < messages.length; first += RECEIVE_LIMIT) {
      const entries = messages
        .slice(first, first + RECEIVE_LIMIT)
        .map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
      await this.#options.client.send(
        new DeleteMessageBatchCommand({ QueueUrl: this.#options.queue.url, Entries: entries }),
      );
    }
  }
}
