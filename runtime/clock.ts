import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '#core/ports.ts';

/**
 * The clock of a process. On the local plane the plane's time may be ahead of the machine's: the milliseconds between
 * them stand in `offsetFile`, as a decimal number. It is read each time, because it moves between invocations, and costs
 * about ten microseconds.
 */
export function runtimeClock(offsetFile?: string): Clock {
  const offsetMs = offsetFile === undefined ? () => 0 : () => readOffsetMs(offsetFile);
  return {
    nowMs: () => Date.now() + offsetMs(),
    monotonicMs: () => performance.now(),
    sleep: async (ms, signal) => {
      // setTimeout takes at most 2^31 - 1 ms and would fire at once beyond it.
      const waitMs = Math.min(Math.max(0, ms), 2 ** 31 - 1);
      try {
        await wait(waitMs, undefined, { ...(signal && { signal }) });
      } catch (aborted) {
        // Node wraps the reason in an AbortError of its own; ours is the failure that says why.
        signal?.throwIfAborted();
        throw aborted;
      }
    },
  };
}

function readOffsetMs(file: string): number {
  const text = readFileSync(file, 'utf8');
  if (/^-?\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number(text));
  throw new RangeError(
    `the clock file ${file} does not hold a number of milliseconds: stop the plane and start it again`,
  );
}
