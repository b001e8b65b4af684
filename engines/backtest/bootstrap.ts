// How sure the figures are: confidence intervals by the stationary bootstrap.
//
// Politis and Romano 1994, "The Stationary Bootstrap", JASA 89: a resample strings together blocks of consecutive returns,
// round the end to the beginning, from random starts and with geometrically distributed lengths; so dependence between
// near returns survives. The mean length grows with the cube root of the sample, the rate that is best for variances.
// Intervals are percentiles of the resampled figures (Efron 1979). They speak of chance within this history, not of what
// choosing the best of many strategies does.
//
// Each resample has a generator of its own, seeded by (seed, number of the resample): state is what has been computed, no
// more, and a run that was interrupted after any resample ends in the same bytes.
import { at } from '#engines/backtest/bars.ts';
import { badSetting } from '#engines/backtest/errors.ts';
import { annualOf } from '#engines/backtest/metrics/periods.ts';
import type { Periods } from '#engines/backtest/metrics/periods.ts';

const DEFAULT_RESAMPLES = 20_000;

/** Plain data for JSON. Three values a resample, seven digits each: about 600 kB for the default count. */
export interface BootstrapState {
  v: 1;
  seed: number;
  resamples: number;
  /** Returns in a block, on average. */
  meanBlock: number;
  sharpeRatio: number[];
  annualReturnPercent: number[];
  maxDrawdownPercent: number[];
}

export interface Interval {
  lower: number;
  upper: number;
}

export interface Confidence {
  /** Share of resampled figures inside: 0.95. */
  level: number;
  method: 'stationary-bootstrap';
  resamples: number;
  meanBlock: number;
  seed: number;
  periods: number;
  basis: Periods['basis'];
  sharpeRatio: Interval;
  annualReturnPercent: Interval;
  maxDrawdownPercent: Interval;
}

/** Before the first resample. Throws PAYLOAD_INVALID for a count or seed that is no whole number in range. */
export const startBootstrap = (
  periods: Periods,
  options: { seed?: number; resamples?: number } = {},
): BootstrapState => {
  const { seed = 1, resamples = DEFAULT_RESAMPLES } = options;
  const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least && value < 2 ** 32;
  if (!whole(resamples, 100) || resamples > 1_000_000) {
    throw badSetting(`bootstrap.resamples is ${resamples}: take a whole number from 100 to 1,000,000`);
  }
  if (!whole(seed, 0)) throw badSetting(`bootstrap.seed is ${seed}: take a whole number from 0 to ${2 ** 32 - 1}`);
  const meanBlock = Math.max(1, Math.ceil(Math.cbrt(periods.returns.length)));
  return { v: 1, seed, resamples, meanBlock, sharpeRatio: [], annualReturnPercent: [], maxDrawdownPercent: [] };
};

/** Why there is no interval for these returns, or null. */
export const bootstrapReason = ({ returns }: Periods): string | null => {
  if (returns.length < 30) return `${returns.length} returns are too few to resample: it takes 30`;
  if (returns.some((value) => !(value > -1))) return 'the equity was spent';
  return returns.some((value) => value !== 0) ? null : 'the equity never moved';
};

/** Adds resamples until there are `untilResample` of them, or all. Says whether all are there. */
export const resample = (
  state: BootstrapState,
  periods: Periods,
  untilResample = Number.POSITIVE_INFINITY,
): boolean => {
  const until = Math.min(state.resamples, untilResample);
  while (state.sharpeRatio.length < until) {
    const random = generator(state.seed, state.sharpeRatio.length);
    const drawn = draw(periods.returns, random, state.meanBlock);
    const { sharpe, annualReturn } = annualOf(drawn, periods.periodsPerYear);
    state.sharpeRatio.push(sevenDigits(sharpe));
    state.annualReturnPercent.push(sevenDigits(annualReturn * 100));
    state.maxDrawdownPercent.push(sevenDigits(drawn.depth * 100));
  }
  return state.sharpeRatio.length >= state.resamples;
};

// JSON has no NaN: a resample that never moves (few returns, most of them zero) counts as a ratio of zero.
const sevenDigits = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(7)) : 0);

interface Drawn {
  count: number;
  sumLog: number;
  mean: number;
  variance: number;
  depth: number;
}

/** One resample as long as the sample, its moments and its deepest drawdown. This loop is nearly all of the time. */
const draw = (returns: Float64Array, random: () => number, meanBlock: number): Drawn => {
  const count = returns.length;
  const logStay = Math.log1p(-1 / meanBlock);
  let [sum, squares, equity, peak, depth] = [0, 0, 1, 1, 0];
  for (let drawn = 0; drawn < count;) {
    let from = Math.floor(random() * count);
    const length = meanBlock === 1 ? 1 : 1 + Math.floor(Math.log(1 - random()) / logStay);
    for (const end = Math.min(count, drawn + length); drawn < end; drawn += 1) {
      const value = at(returns, from);
      sum += value;
      squares += value * value;
      equity *= 1 + value;
      if (equity > peak) peak = equity;
      else if (equity / peak - 1 < depth) depth = equity / peak - 1;
      from = from + 1 === count ? 0 : from + 1;
    }
  }
  const mean = sum / count;
  return { count, sumLog: Math.log(equity), mean, variance: (squares - sum * mean) / (count - 1), depth };
};

/**
 * sfc32 (Doty-Humphrey, PractRand): small, fast, passes the usual batteries; 12 rounds mix the seed in. Uniform in [0, 1),
 * 32 bits.
 */
const generator = (seed: number, stream: number): (() => number) => {
  let [a, b, c, counter] = [seed | 0, stream | 0, 0x9e3779b9 | 0, 1];
  const next = (): number => {
    const mixed = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + mixed;
    c |= 0;
    return (mixed >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
};

/** Intervals of a finished state. */
export const confidenceOf = (state: BootstrapState, periods: Periods, level = 0.95): Confidence => ({
  level,
  method: 'stationary-bootstrap',
  resamples: state.resamples,
  meanBlock: state.meanBlock,
  seed: state.seed,
  periods: periods.returns.length,
  basis: periods.basis,
  sharpeRatio: intervalOf(state.sharpeRatio, level),
  annualReturnPercent: intervalOf(state.annualReturnPercent, level),
  maxDrawdownPercent: intervalOf(state.maxDrawdownPercent, level),
});

const intervalOf = (values: readonly number[], level: number): Interval => {
  const sorted = Float64Array.from(values).sort();
  return { lower: quantile(sorted, (1 - level) / 2), upper: quantile(sorted, (1 + level) / 2) };
};

/** Linear between order statistics (Hyndman and Fan 1996, type 7). */
const quantile = (sorted: Float64Array, share: number): number => {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const [low, high] = [at(sorted, below), at(sorted, Math.min(sorted.length - 1, below + 1))];
  return low + (high - low) * (position - below);
};
