// Columns of indicators. All are causal: value i depends on inputs 0..i only, so that a growing history and a whole one
// give the same numbers. NaN stands before the first full window.
import { at } from '#engines/backtest/bars.ts';

/**
 * Simple moving average of the last `length` values, by a running sum with Kahan's compensation (Kahan 1965, "Further
 * remarks on reducing truncation errors"), one for what enters and one for what leaves. A plain running sum drifts, and
 * two averages that are equal on paper would then seem to cross. A window of one repeated value averages to that value.
 */
export const sma = (values: Float64Array, length: number): Float64Array => {
  const out = new Float64Array(values.length).fill(Number.NaN);
  let [sum, entering, leaving, same] = [0, 0, 0, 0];
  for (let index = 0; index < values.length; index += 1) {
    const value = at(values, index);
    if (index >= length) {
      const y = -at(values, index - length) - leaving;
      const t = sum + y;
      leaving = t - sum - y;
      sum = t;
    }
    const y = value - entering;
    const t = sum + y;
    entering = t - sum - y;
    sum = t;
    same = index > 0 && value === at(values, index - 1) ? same + 1 : 1;
    if (index >= length - 1) out[index] = same >= length ? value : sum / length;
  }
  return out;
};

/** The extreme of the `length` values before each one, the value itself not included (Donchian channel). */
export const channel = (values: Float64Array, length: number, side: 'highest' | 'lowest'): Float64Array => {
  const pick = side === 'highest' ? Math.max : Math.min;
  const out = new Float64Array(values.length).fill(Number.NaN);
  for (let index = length; index < values.length; index += 1) {
    let extreme = at(values, index - length);
    for (let back = 1; back < length; back += 1) extreme = pick(extreme, at(values, index - back));
    out[index] = extreme;
  }
  return out;
};

/** Whether `a` went from below `b` to above it with this bar. Touching is not crossing. */
export const crossedOver = (a: Float64Array, b: Float64Array, index: number): boolean =>
  at(a, index - 1) < at(b, index - 1) && at(a, index) > at(b, index);
