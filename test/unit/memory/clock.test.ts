import { describe, expect, it } from 'vitest';
import { memoryClock } from '#memory/clock.ts';

describe('the clock in memory', () => {
  it('stands still until it is moved, and then shows exactly the time that it was moved to', async () => {
    const clock = memoryClock(1_000_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000_000, 0]);
    await clock.advance(1500);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_001_500, 1500]);
  });

  it('shows each sleeper the time for which it asked, however far the clock is moved at once', async () => {
    const clock = memoryClock(0);
    const woken: [string, number][] = [];
    const sleeper = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push([name, clock.nowMs()]);
    };
    void Promise.all([sleeper('b', 20), sleeper('a', 10), sleeper('c', 20)]);
    await clock.advance(100);
    expect(woken).toEqual([
      ['a', 10],
      ['b', 20],
      ['c', 20],
    ]);
  });

  it('lets a woken sleeper sleep again within the same move', async () => {
    const clock = memoryClock(0);
    const seen: number[] = [];
    void (async () => {
      for (;;) {
        await clock.sleep(250);
        seen.push(clock.nowMs());
      }
    })();
    await clock.advance(1000);
    expect(seen).toEqual([250, 500, 750, 1000]);
  });

  it('wakes nobody before the time, nor anybody twice', async () => {
    const clock = memoryClock(0);
    let count = 0;
    void clock.sleep(10).then(() => (count += 1));
    await clock.advance(9);
    expect(count).toBe(0);
    await clock.advance(1);
    await clock.advance(100);
    expect(count).toBe(1);
  });
});
