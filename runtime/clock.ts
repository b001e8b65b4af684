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
      await wait(Math.min(ms, 2 ** 31 - 1), undefined, { ...(signal && { signal }) });
    },
  };
}

function readOffsetMs(file: string): number {
  const offsetMs = Number(readFileSync(file, 'utf8'));
  if (Number.isFinite(offsetMs)) return offsetMs;
  throw new RangeError(
    `the clock file ${file} does not hold a number of milliseconds: stop the plane and start it again`,
  );
}
