import type { Inbox } from '#core/executor.ts';
import type { Clock } from '#core/ports.ts';
import type { MemoryQueues } from './queues.ts';

const lookEveryMs = 100;

/** Pulls from the queues in memory, looking again each tenth of a second of the plane's clock. */
export function memoryInbox(queues: MemoryQueues, clock: Clock): Inbox {
  return {
    async take(queue, { waitMs, signal }) {
      const untilMs = clock.nowMs() + waitMs;
      for (;;) {
        const [message] = signal.aborted ? [] : queues.receive(queue, 1);
        if (message || signal.aborted || clock.nowMs() >= untilMs) return message;
        await Promise.allSettled([clock.sleep(lookEveryMs, signal)]);
      }
    },
    async acknowledge(queue, receipt) {
      queues.acknowledge(queue, receipt);
    },
  };
}
