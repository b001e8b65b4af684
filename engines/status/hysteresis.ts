// One bad sample is noise: a state changes only after several in a row that agree on the direction.
import type { ComponentHistory, SettledState } from '#engines/status/model.ts';
import { SETTLED_STATES } from '#engines/status/model.ts';

/** At a sample a minute: believed after three minutes, which is as fast as one should be woken. */
export const SAMPLES_TO_WORSEN = 3;
/** Slower than to worsen, so that what comes and goes stays one incident. */
export const SAMPLES_TO_RECOVER = 5;

export type Settling = Pick<ComponentHistory, 'settled' | 'streak'>;
type Streak = NonNullable<Settling['streak']>;

const rank = (state: SettledState): number => SETTLED_STATES.indexOf(state);
const milder = (a: SettledState, b: SettledState): SettledState => (rank(a) < rank(b) ? a : b);
const worse = (a: SettledState, b: SettledState): SettledState => (rank(a) > rank(b) ? a : b);

/**
 * The next settled state. It worsens after SAMPLES_TO_WORSEN worse samples in a row, to the mildest of them, and recovers
 * after SAMPLES_TO_RECOVER better ones, to the worst of them; a sample equal to the settled state ends either streak.
 * A component never settled takes its first good sample at its word, and a bad one as the first of a streak.
 */
export const settle = (previous: Settling, seen: SettledState, at: string): Settling => {
  if (previous.settled === null && seen === 'operational') return { settled: seen, streak: null };
  const from = previous.settled ?? 'operational';
  if (seen === from) return { settled: previous.settled, streak: null };
  const direction = rank(seen) > rank(from) ? 'worse' : 'better';
  const streak = previous.streak?.direction === direction ? prolong(previous.streak, seen) : begin(direction, seen, at);
  const needed = direction === 'worse' ? SAMPLES_TO_WORSEN : SAMPLES_TO_RECOVER;
  if (streak.samples < needed) return { settled: previous.settled, streak };
  return { settled: streak.candidate, streak: null };
};

const begin = (direction: Streak['direction'], seen: SettledState, at: string): Streak => ({
  direction,
  samples: 1,
  candidate: seen,
  startedAt: at,
});

const prolong = (streak: Streak, seen: SettledState): Streak => {
  const choose = streak.direction === 'worse' ? milder : worse;
  return { ...streak, samples: streak.samples + 1, candidate: choose(streak.candidate, seen) };
};
