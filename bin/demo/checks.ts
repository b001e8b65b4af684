import type { Plane } from '#local/plane.ts';

class CheckError extends Error {}

/** Throws CheckError when what the demo is about to say is not so. */
export function check(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new CheckError(`a check failed: ${claim}`);
}
/** Ends the demo for a reason that a person can act on. */
export const stop = (why: string): Error => new CheckError(why);

export const minuteMs = 60_000;
export const nextMinute = (nowMs: number): number => Math.floor(nowMs / minuteMs) * minuteMs + minuteMs;

/**
 * Drives the clock to an instant and waits for all that is due by then, what is to be tried again included: on a busy
 * machine a reading of the switch may take longer than its 250 ms, and its tick comes back 5 s later.
 */
export async function liveUntil(plane: Plane, instantMs: number): Promise<void> {
  await plane.clock.advanceTo(instantMs);
  await untilQuiet(plane);
}
const patienceMs = 60_000;

/** Throws CheckError when messages still come back after a minute: something that they need is gone for good. */
export async function untilQuiet(plane: Plane): Promise<void> {
  const patience = AbortSignal.timeout(patienceMs);
  await plane.idle(patience).catch((error: unknown) => {
    check(
      !patience.aborted,
      `the plane came to rest within ${patienceMs / 1000} s (messages still come back: Valkey or a function may have ended; run it again)`,
    );
    throw error;
  });
}
