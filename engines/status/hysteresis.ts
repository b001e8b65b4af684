// One bad sample is noise: a state changes only after several in a row that agree on the direction.
import type { ComponentHistory, SettledState } from '#engines/status/model.ts';
import { SETTLED_STATES } from '#engines/status/model.ts';

/** At a sample a minute: believed after three minutes, which is as fast as one should be woken. */
export const SAMPLES_TO_WORSEN = 3;
/** Slower than to worsen, so that what comes and goes stays one incident. The window is as long as this. */
export const SAMPLES_TO_RECOVER = 5;

export type Settling = Pick<ComponentHistory, 'settled' | 'window'>;

const rank = (state: SettledState): number => SETTLED_STATES.indexOf(state);
const milder = (a: SettledState, b: SettledState): SettledState => (rank(a) < rank(b) ? a : b);
const worse = (a: SettledState, b: SettledState): SettledState => (rank(a) > rank(b) ? a : b);

/**
 * The next settled state. It worsens to the mildest of the last SAMPLES_TO_WORSEN samples if all of them are worse than
 * it, and recovers to the worst of the last SAMPLES_TO_RECOVER if all of them are better.
 * A component never settled takes its first good sample at its word, and counts bad ones as if it had been operational.
 */
export const settle = (previous: Settling, seen: SettledState, at: string): Settling => {
  const window = [...previous.window, { seen, at }].slice(-SAMPLES_TO_RECOVER);
  if (previous.settled === null && seen === 'operational') return { settled: seen, window };
  const from = previous.settled ?? 'operational';
  const lowest = agreed(window, SAMPLES_TO_WORSEN, milder) ?? from;
  if (rank(lowest) > rank(from)) return { settled: lowest, window };
  const highest = agreed(window, SAMPLES_TO_RECOVER, worse) ?? from;
  return { settled: rank(highest) < rank(from) ? highest : previous.settled, window };
};

/** What the last samples agree on, or undefined while there are too few. */
const agreed = (
  window: Settling['window'],
  needed: number,
  choose: (a: SettledState, b: SettledState) => SettledState,
): SettledState | undefined =>
  window.length < needed
    ? undefined
    : window
        .slice(-needed)
        .map((each) => each.seen)
        .reduce(choose);

/** When what has just settled began: the first of the samples that settled it. */
export const beganAt = (settled: Settling, direction: 'worse' | 'better'): string | undefined =>
  settled.window.at(direction === 'worse' ? -SAMPLES_TO_WORSEN : -SAMPLES_TO_RECOVER)?.at;
