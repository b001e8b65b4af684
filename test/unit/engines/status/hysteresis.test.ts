import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SAMPLES_TO_RECOVER, SAMPLES_TO_WORSEN, beganAt, settle } from '#engines/status/hysteresis.ts';
import type { Settling } from '#engines/status/hysteresis.ts';
import { SETTLED_STATES } from '#engines/status/model.ts';
import type { SettledState } from '#engines/status/model.ts';

const at = '2026-11-20T12:00:00.000Z';
const rank = (state: SettledState | null): number => SETTLED_STATES.indexOf(state ?? 'operational');

const settleAll = (seen: SettledState[], from: Settling = { settled: null, window: [] }): Settling[] => {
  const states: Settling[] = [];
  for (const each of seen) states.push(settle(states.at(-1) ?? from, each, at));
  return states;
};

const state = fc.constantFrom(...SETTLED_STATES);

describe('hysteresis', () => {
  it('never worsens on fewer than three worse samples in a row, nor recovers on fewer than five better ones', () => {
    fc.assert(
      fc.property(fc.array(state, { maxLength: 60 }), (seen) => {
        const states = settleAll(seen);
        states.forEach((after, index) => {
          const before = states[index - 1]?.settled ?? null;
          if (before === null || after.settled === before) return;
          const worsened = rank(after.settled) > rank(before);
          const needed = worsened ? SAMPLES_TO_WORSEN : SAMPLES_TO_RECOVER;
          const witnesses = seen.slice(index + 1 - needed, index + 1);
          expect(witnesses).toHaveLength(needed);
          // Each of them was at least as far from the old state as the new one is.
          for (const each of witnesses) {
            if (worsened) expect(rank(each)).toBeGreaterThanOrEqual(rank(after.settled));
            else expect(rank(each)).toBeLessThanOrEqual(rank(after.settled));
          }
        });
      }),
    );
  });

  it('always follows when the samples stay', () => {
    fc.assert(
      fc.property(fc.array(state, { maxLength: 20 }), state, (seen, last) => {
        const states = settleAll([...seen, ...Array<SettledState>(SAMPLES_TO_RECOVER).fill(last)]);
        expect(states.at(-1)?.settled).toBe(last);
      }),
    );
  });

  it('does not move for input that flaps each sample', () => {
    const flapping = Array.from({ length: 50 }, (_, index): SettledState =>
      index % 2 === 0 ? 'operational' : 'outage',
    );
    expect(new Set(settleAll(flapping).map((each) => each.settled))).toEqual(new Set(['operational']));
  });

  it('settles to the mildest of a worsening streak and to the worst of a recovering one', () => {
    expect(settleAll(['operational', 'outage', 'degraded', 'outage']).at(-1)?.settled).toBe('degraded');
    const from: Settling = { settled: 'outage', window: [] };
    const recovering: SettledState[] = ['operational', 'degraded', 'operational', 'operational', 'operational'];
    expect(settleAll(recovering, from).at(-1)?.settled).toBe('degraded');
  });

  it('remembers when what it settled on began', () => {
    const minute = (index: number): string => `2026-11-20T12:0${index}:00.000Z`;
    let settling: Settling = { settled: 'operational', window: [] };
    for (const index of [0, 1, 2, 3])
      settling = settle(settling, index === 0 ? 'operational' : 'outage', minute(index));
    expect([settling.settled, beganAt(settling, 'worse')]).toEqual(['outage', minute(1)]);
    for (const index of [4, 5, 6, 7, 8]) settling = settle(settling, 'operational', minute(index));
    expect([settling.settled, beganAt(settling, 'better')]).toEqual(['operational', minute(4)]);
  });
});
