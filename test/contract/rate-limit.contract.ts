import { describe, expect, it } from 'vitest';
import type { Rate } from '#core/ports-gateway.ts';

export interface RateUnderTest {
  readonly rate: Rate;
  readonly passMs: (ms: number) => Promise<void>;
}

/** What the doors rely on in counting, wherever it is done. */
export function rateContract(name: string, make: () => Promise<RateUnderTest>): void {
  describe(`rate: ${name}`, () => {
    const limit = { perSecond: 4, burst: 5 };

    it('takes a burst, and then says how long to wait for the next', async () => {
      const { rate, passMs } = await make();
      for (let number = 0; number < 5; number += 1) expect(await rate.take('a', limit)).toEqual({ waitMs: 0 });
      const { waitMs } = await rate.take('a', limit);
      expect(waitMs).toBeGreaterThan(50);
      expect(waitMs).toBeLessThanOrEqual(250);
      await passMs(waitMs + 5);
      expect(await rate.take('a', limit)).toEqual({ waitMs: 0 });
      expect((await rate.take('a', limit)).waitMs).toBeGreaterThan(0);
    });

    it('does not count what it refuses: who asks on and on is let in as soon as who waits', async () => {
      const { rate, passMs } = await make();
      for (let number = 0; number < 40; number += 1) await rate.take('a', limit);
      await passMs(260);
      expect(await rate.take('a', limit)).toEqual({ waitMs: 0 });
    });

    it('keeps callers apart', async () => {
      const { rate } = await make();
      for (let number = 0; number < 6; number += 1) await rate.take('a', limit);
      expect(await rate.take('b', limit)).toEqual({ waitMs: 0 });
    });

    it('fills up again, and no further than the burst', async () => {
      const { rate, passMs } = await make();
      for (let number = 0; number < 5; number += 1) await rate.take('a', limit);
      await passMs(2500);
      const taken = [];
      for (let number = 0; number < 8; number += 1) taken.push((await rate.take('a', limit)).waitMs);
      expect(taken.filter((waitMs) => waitMs === 0)).toHaveLength(5);
    });
  });
}
