import type { Received } from '#core/consume.ts';
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import type { Clock, DeadLetter, Queues } from '#core/ports.ts';

interface Stored {
  readonly id: string;
  readonly body: string;
  visibleMs: number;
  receives: number;
}
interface Letter extends Omit<DeadLetter, 'receipt'> {
  readonly group: string;
  visibleMs: number;
}
export interface MemoryQueues extends Queues {
  /** Takes up to `count` visible messages and hides them, as ReceiveMessage does. */
  receive(queue: QueueName, count: number, visibilityMs?: number): Received[];
  /** Deletes a received message. */
  acknowledge(queue: QueueName, receipt: string): void;
  /** The dead letters of the plane, hidden ones too. */
  letters(queue: QueueName): readonly { body: string; code: string; reason: string }[];
  /** Puts a letter without attributes there, as SQS does after the last receive and Scheduler after its last try. */
  strand(queue: QueueName, body: string): void;
}

/** Standard queues with visibility timeouts on the plane's clock. */
export function memoryQueues(clock: Clock): MemoryQueues {
  const queues = new Map<QueueName, Map<string, Stored>>();
  const dead = deadLetters(clock);
  let counter = 0;
  const of = (queue: QueueName) => queues.get(queue) ?? queues.set(queue, new Map()).get(queue)!;
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
    async deadLetter(queue, { body, code, reason, group }) {
      dead.put(queue, { body, code, reason, group });
    },
    async delay(queue, receipt, seconds) {
      const stored = of(queue).get(receipt);
      if (stored) stored.visibleMs = clock.nowMs() + seconds * 1000;
    },
    async depth(queue, which) {
      if (which === 'dead-letters') return dead.depth(queue);
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
    ...dead.port,
    letters: (queue) => dead.of(queue).map(({ body, code = '', reason = '' }) => ({ body, code, reason })),
    strand: (queue, body) => dead.put(queue, { body, group: 'stranded' }),
  };
}

function deadLetters(clock: Clock) {
  const queues = new Map<QueueName, Letter[]>();
  let counter = 0;
  const of = (queue: QueueName) => queues.get(queue) ?? queues.set(queue, []).get(queue)!;
  const isHidden = (letter: Letter) => letter.visibleMs > clock.nowMs();
  const port: Pick<Queues, 'takeLetters' | 'removeLetter' | 'returnLetter'> = {
    async takeLetters(queue, { limit, hideSeconds }) {
      // Of a FIFO queue a hidden letter hides those behind it in its group.
      const blocked = new Set(
        queueRow(queue).kind === 'fifo' ? of(queue).flatMap((one) => (isHidden(one) ? [one.group] : [])) : [],
      );
      const taken = of(queue)
        .filter((one) => !isHidden(one) && !blocked.has(one.group))
        .slice(0, Math.min(10, limit));
      for (const letter of taken) letter.visibleMs = clock.nowMs() + hideSeconds * 1000;
      return taken.map(({ group: _group, visibleMs: _visibleMs, ...letter }) => ({ ...letter, receipt: letter.id }));
    },
    async removeLetter(queue, receipt) {
      const at = of(queue).findIndex((one) => one.id === receipt);
      if (at >= 0) of(queue).splice(at, 1);
    },
    async returnLetter(queue, receipt) {
      for (const letter of of(queue)) if (letter.id === receipt) letter.visibleMs = 0;
    },
  };
  return {
    of,
    port,
    put(queue: QueueName, letter: Omit<Letter, 'id' | 'sentMs' | 'visibleMs'>): void {
      counter += 1;
      of(queue).push({ ...letter, id: `letter-${counter}`, sentMs: clock.nowMs(), visibleMs: 0 });
    },
    depth(queue: QueueName) {
      const inFlight = of(queue).filter(isHidden).length;
      return { waiting: of(queue).length - inFlight, inFlight, delayed: 0 };
    },
  };
}
