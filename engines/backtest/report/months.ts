import { at } from '#engines/backtest/bars.ts';

export interface MonthReturn {
  year: number;
  /** 1 to 12; 13 is the whole year. */
  month: number;
  percent: number;
}

/** Return of each UTC month, from the equity before it; and of each year. */
export const monthReturns = (tsMs: Float64Array, equity: Float64Array): MonthReturn[] => [
  ...stretches(tsMs, equity, (date) => ({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 })),
  ...stretches(tsMs, equity, (date) => ({ year: date.getUTCFullYear(), month: 13 })),
];

type Label = Omit<MonthReturn, 'percent'>;

const stretches = (tsMs: Float64Array, equity: Float64Array, labelOf: (date: Date) => Label): MonthReturn[] => {
  const found: MonthReturn[] = [];
  let before = at(equity, 0);
  for (let index = 0; index < tsMs.length; index += 1) {
    const label = labelOf(new Date(at(tsMs, index)));
    const next = index + 1 < tsMs.length ? labelOf(new Date(at(tsMs, index + 1))) : undefined;
    if (next && next.year === label.year && next.month === label.month) continue;
    const after = at(equity, index);
    if (before > 0) found.push({ ...label, percent: (after / before - 1) * 100 });
    before = after;
  }
  return found;
};
