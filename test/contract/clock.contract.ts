import { describe, expect, it } from 'vitest';
import { Failure } from '#core/errors.ts';
import type { Clock } from '#core/ports.ts';

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets `ms` pass: by waiting, or by moving the hands. */
  readonly pass: (ms: number) => Promise<void>;
}

/** What leases, permits and watchers rely on in a clock, whichever it is. */
export function clockContract(name: string, make: () => ClockUnderTest): void {
  describe(`clock: ${name}`, () => {
    it('tells the time in milliseconds since 1970, and never goes back', async () => {
      const { clock, pass } = make();
      const [atMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()];
      expect(Number.isInteger(atMs)).toBe(true);
      expect(atMs).toBeGreaterThan(Date.UTC(2026, 0));
      await pass(30);
      expect(clock.nowMs() - atMs).toBeGreaterThanOrEqual(29);
      expect(clock.monotonicMs() - monotonicMs).toBeGreaterThanOrEqual(29);
    });

    it('wakes sleepers when their time has come, in the order of their time', async () => {
      const { clock, pass } = make();
      const woken: number[] = [];
      const beganMs = clock.monotonicMs();
      const sleepers = [60, 20, 40].map(async (ms) => {
        await clock.sleep(ms);
        expect(clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(ms - 2);
        woken.push(ms);
      });
      await pass(10);
      expect(woken).toEqual([]);
      await pass(90);
      await Promise.all(sleepers);
      expect(woken).toEqual([20, 40, 60]);
    });

    it.each([0, -5])('wakes who sleeps for %j at once', async (ms) => {
      const { clock, pass } = make();
      const slept = clock.sleep(ms);
      await pass(5);
      await slept;
    });

    it('ends a sleep that is aborted with the very reason of the signal', async () => {
      const { clock } = make();
      const ending = new AbortController();
      const reason = new Failure('LEASE_LOST', 'another has it');
      const slept = clock.sleep(60_000, ending.signal);
      ending.abort(reason);
      await expect(slept).rejects.toBe(reason);
    });

    it('does not begin a sleep whose signal was aborted before', async () => {
      const { clock } = make();
      const reason = new Failure('DEADLINE_EXCEEDED', 'over');
      await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
      await expect(clock.sleep(60_000, AbortSignal.abort())).rejects.toHaveProperty('name', 'AbortError');
    });

    it('leaves nothing behind on the signal of a sleep that ended', async () => {
      const { clock, pass } = make();
      const ending = new AbortController();
      const slept = clock.sleep(5, ending.signal);
      await pass(20);
      await slept;
      ending.abort(new Failure('LEASE_LOST', 'too late to matter'));
      await pass(5);
    });
  });
}
