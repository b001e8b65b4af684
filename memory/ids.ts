import { v5 } from 'uuid';
import { idNamespace, type Ids } from '#core/ids.ts';

/** Ids by counting and chance by a small generator (mulberry32): the same seed gives the same plane. */
export function memoryIds(seed = 1): Ids {
  let counter = 0;
  // Any whole number will do as a seed; its lowest 32 bits count.
  const seeded = seed >>> 0;
  let state = seeded;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return {
    runId: () => {
      counter += 1;
      return `${hex(seeded, 8)}-0000-7000-8000-${hex(counter, 12)}`;
    },
    named: (name) => v5(name, idNamespace),
    traceparent: () => {
      counter += 1;
      return `00-${hex(seeded, 16)}${hex(counter, 16)}-${hex(counter, 16)}-01`;
    },
    random,
  };
}
