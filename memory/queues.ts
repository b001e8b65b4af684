import type { Received } from '#core/consume.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { Clock, Queues } from '#core/ports.ts';

interface Stored {
  readonly id: string;
  readonly body: string;
  visibleMs: number;
  receives: number;
}
export interface Letter {
  readonly body: string;
  readonly code: string;
  readonly reason: string;
}
export interface MemoryQueues extends Queues {
  /** Takes up to `count` visible messages and hides them, as ReceiveMessage does. */
  receive(queue: QueueName, count: number, visibilityMs?: number): Received[];
  /** Deletes a received message. */
  acknowledge(queue: QueueName, receipt: string): void;
  letters(queue: QueueName): readonly Letter[];
}

/** Standard queues with visibility timeouts on the plane's clock. */
export function memoryQueues(clock: Clock): MemoryQueues {
  const queues = new Map<QueueName, Map<string, Stored>>();
  const dead = new Map<QueueName, Letter[]>();
  let counter = 0;
  const of = (queue: QueueName) => queues.get(queue) ?? queues.set(queue, new Map()).get(queue)!;
  const deadOf = (queue: QueueName) => dead.get(queue) ?? dead.set(queue, []).get(queue)!;
  return {
    async send(queue, message) {
      counter += 1;
      const id = `message-${counter}`;
      of(queue).set(id, {
        id,
        body: message.body,
        visibleMs: clock.nowMs() + (message.delaySeconds ?? 0) * 1000,
        receives: 0,
      });
    },
    async deadLetter(queue, { body, code, reason }) {
      deadOf(queue).push({ body, code, reason });
    },
    async delay(queue, receipt, seconds) {
      const stored = of(queue).get(receipt);
      if (stored) stored.visibleMs = clock.nowMs() + seconds * 1000;
    },
    async depth(queue, which) {
      if (which === 'dead-letters') return { waiting: deadOf(queue).length, inFlight: 0, delayed: 0 };
      const stored = [...of(queue).values()];
      const visible = stored.filter((one) => one.visibleMs <= clock.nowMs());
      const inFlight = stored.filter((one) => one.visibleMs > clock.nowMs() && one.receives > 0);
      return {
        waiting: visible.length,
        inFlight: inFlight.length,
        delayed: stored.length - visible.length - inFlight.length,
      };
    },
    receive(queue, count, visibilityMs = 30_000) {
      const visible = [...of(queue).values()].filter((one) => one.visibleMs <= clock.nowMs()).slice(0, count);
      return visible.map((one) => {
        one.receives += 1;
        one.visibleMs = clock.nowMs() + visibilityMs;
        return { id: one.id, body: one.body, receipt: one.id, receives: one.receives };
      });
    },
    acknowledge(queue, receipt) {
      of(queue).delete(receipt);
    },
    letters: (queue) => deadOf(queue),
  };
}
