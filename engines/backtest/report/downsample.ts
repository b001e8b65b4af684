// As many points as a chart can show: in each stretch of bars the lowest and the highest, so that no spike is lost.
import { at } from '#engines/backtest/bars.ts';

/** Ascending indices, the first and the last among them; at most about 2 * stretches. */
export const keptIndices = (columns: readonly Float64Array[], stretches: number): number[] => {
  const rows = columns[0]?.length ?? 0;
  if (rows <= stretches * 2) return Array.from({ length: rows }, (_, index) => index);
  const kept = new Set([0, rows - 1]);
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const from = Math.floor((stretch * rows) / stretches);
    const to = Math.floor(((stretch + 1) * rows) / stretches);
    for (const column of columns) for (const index of extremes(column, from, to)) kept.add(index);
  }
  return [...kept].toSorted((a, b) => a - b);
};

const extremes = (column: Float64Array, from: number, to: number): [number, number] => {
  let [low, high] = [from, from];
  for (let index = from + 1; index < to; index += 1) {
    if (at(column, index) < at(column, low)) low = index;
    if (at(column, index) > at(column, high)) high = index;
  }
  return [low, high];
};
