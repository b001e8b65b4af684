import type { QueueName } from './catalogue/queues.ts';

export interface Send {
  readonly body: string;
  /** Message group (tenant, session ...); on a FIFO queue it orders. */
  readonly group: string;
  readonly deduplicationId: string;
  readonly delaySeconds?: number;
}
export interface QueueDepth {
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}
export interface Queues {
  send(queue: QueueName, message: Send): Promise<void>;
  deadLetter(
    queue: QueueName,
    letter: { body: string; code: string; reason: string; group: string; deduplicationId: string },
  ): Promise<void>;
  /** Makes a received message visible again after `seconds`. */
  delay(queue: QueueName, receipt: string, seconds: number): Promise<void>;
  depth(queue: QueueName, which: 'queue' | 'dead-letters'): Promise<QueueDepth>;
  /**
   * Takes up to ten dead letters and hides them from everybody for `hideSeconds`. SQS cannot search: whoever looks for
   * one letter takes them all. None: there is none, or all are hidden. Of a FIFO queue, letters behind a hidden one of
   * their group are hidden as well.
   */
  takeLetters(queue: QueueName, take: { limit: number; hideSeconds: number }): Promise<DeadLetter[]>;
  /** Deletes a letter that was taken. */
  removeLetter(queue: QueueName, receipt: string): Promise<void>;
  /** Shows a letter that was taken again, at once. */
  returnLetter(queue: QueueName, receipt: string): Promise<void>;
}
export interface DeadLetter {
  readonly id: string;
  readonly receipt: string;
  readonly body: string;
  /** Code and reason of a letter that the plane wrote; those that SQS or Scheduler moved have none. */
  readonly code?: string;
  readonly reason?: string;
  readonly sentMs: number;
}
