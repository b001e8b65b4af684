import { at } from '#engines/backtest/bars.ts';

export interface Drawdown {
  /** The peak's bar, and the bar that reached it again (or the last). */
  fromBar: number;
  toBar: number;
  /** Below 0. */
  depth: number;
}

/** Distance to the highest equity so far at each bar, 0 or below, as fractions. */
export const underwater = (equity: Float64Array): Float64Array => {
  let peak = Number.NEGATIVE_INFINITY;
  return equity.map((value) => {
    peak = Math.max(peak, value);
    return value / peak - 1;
  });
};

/** Each stretch below a peak that lasts two bars or more. */
export const drawdowns = (equity: Float64Array): Drawdown[] => {
  const under = underwater(equity);
  const found: Drawdown[] = [];
  const last = equity.length - 1;
  let fromBar = 0;
  for (let bar = 1; bar <= last; bar += 1) {
    if (at(under, bar) !== 0 && bar !== last) continue;
    if (bar > fromBar + 1) found.push({ fromBar, toBar: bar, depth: lowest(under.subarray(fromBar, bar + 1)) });
    fromBar = bar;
  }
  return found;
};

// Not Math.min(...): a stretch may have more bars than a call takes arguments.
const lowest = (values: Float64Array): number => values.reduce((low, value) => Math.min(low, value), 0);
