// The arithmetic of a benchmark, and its line of JSON.

/** Nearest rank: the smallest sample that `percent` of all samples do not exceed. Throws RangeError without samples. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('no samples: the benchmark measured nothing');
  return value;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Of an even number of repetitions the lower of the two in the middle: a value that was measured. */
export const spread = (samples: readonly number[]): Spread => ({
  min: percentile(samples, 0),
  median: percentile(samples, 50),
  max: percentile(samples, 100),
});

/** Four significant digits: more would be noise. */
export const rounded = (value: number): number => Number(value.toPrecision(4));

export interface Figure extends Spread {
  readonly bench: string;
  readonly figure: string;
  /** The median of the repetitions. */
  readonly value: number;
  readonly unit: string;
  readonly repetitions: number;
}

/** One figure of `samples`, one sample a repetition. */
export function figureOf(bench: string, [figure, unit]: readonly [string, string], samples: readonly number[]): Figure {
  const { min, median, max } = spread(samples.map(rounded));
  return { bench, figure, value: median, unit, min, median, max, repetitions: samples.length };
}

/** The same for a person: name, median, unit, and how far the repetitions lay apart. */
export function sentenceOf({ figure, value, unit, min, max, repetitions }: Figure): string {
  const apart = repetitions > 1 ? `  (${min} to ${max})` : '';
  return `${figure.padEnd(44)} ${String(value).padStart(9)} ${unit}${apart}`;
}
