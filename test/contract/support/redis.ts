import { expect, onTestFinished } from 'vitest';
import { readSwitch, type Reading } from '#core/kill-switch.ts';
import type { Clock } from '#core/ports.ts';
import { memoryControl } from '#memory/control.ts';
import { memoryLifecycle, memoryLog } from '#memory/observed.ts';
import { runtimeClock } from '#runtime/clock.ts';
import { redisConnection, type RedisOptions } from '#runtime/redis.ts';
import { runtimeSwitchKey } from '#runtime/switch-key.ts';

/** The clock of the process, with hands that the test can move on. */
export function shiftedClock(): Clock & { shiftMs: number } {
  const real = runtimeClock();
  const clock = {
    ...real,
    shiftMs: 0,
    nowMs: () => real.nowMs() + clock.shiftMs,
    monotonicMs: () => real.monotonicMs() + clock.shiftMs,
  };
  return clock;
}

/** A connection to `port` and the kill switch's key on it, as services.ts makes them; closed when the test ends. */
export function switchOn(port: number, options: Partial<RedisOptions> = {}) {
  const clock = options.clock ?? runtimeClock();
  const connection = redisConnection({ at: { host: '127.0.0.1', port }, ...options, clock });
  onTestFinished(() => connection.close());
  const key = runtimeSwitchKey(connection, 'test');
  const control = memoryControl();
  /** What the pipeline would make of it: the mirror is clear unless a halt was adopted. */
  const reading = (): Promise<Reading> =>
    readSwitch({ key, control, clock, log: memoryLog(), lifecycle: memoryLifecycle() });
  return { connection, key, control, reading };
}

/** How long `promise` took to settle, and how. */
export async function timed<T>(promise: Promise<T>): Promise<{ ms: number; value?: T; error?: Error }> {
  const beganMs = performance.now();
  try {
    const value = await promise;
    return { ms: performance.now() - beganMs, value };
  } catch (error) {
    return { ms: performance.now() - beganMs, error: error as Error };
  }
}

/** The client's 250 ms and what two busy cores may add to it. */
export const deniedMs = 450;

/** Reads the switch, and expects it to be unknown, and soon so, because of the key. */
export async function expectUnknown(reading: () => Promise<Reading>): Promise<{ ms: number; why: string }> {
  const { ms, value } = await timed(reading());
  expect(value).toMatchObject({ state: 'unknown', why: expect.stringContaining('the key could not be read') });
  expect(ms).toBeLessThan(deniedMs);
  return { ms, why: value?.why ?? '' };
}
