import type { Clock } from '#core/ports.ts';

/** A clock that moves only when told; sleepers wake in the order of their time. */
export interface MemoryClock extends Clock {
  /** Moves time on by `ms`, waking sleepers one after another and letting what they started run before the next. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export function memoryClock(startMs = Date.UTC(2026, 0, 5, 12)): MemoryClock {
  let elapsedMs = 0;
  const sleepers = new Set<Sleeper>();

  const earliest = (untilMs: number): Sleeper | undefined => {
    const due = [...sleepers].filter((one) => one.atMs <= untilMs);
    return due.toSorted((one, other) => one.atMs - other.atMs)[0];
  };

  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper: Sleeper = { atMs: elapsedMs + ms, wake: () => done(resolve) };
        const abort = () => done(() => reject(signal?.reason));
        const done = (then: () => void) => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', abort);
          then();
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', abort);
      });
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await settleMicrotasks();
      for (let next = earliest(untilMs); next; next = earliest(untilMs)) {
        elapsedMs = Math.max(elapsedMs, next.atMs);
        next.wake();
        await settleMicrotasks();
      }
      elapsedMs = untilMs;
      await settleMicrotasks();
    },
  };
}

/** Twins answer within microtasks, so a turn of the event loop is enough for all that is under way. */
const settleMicrotasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
