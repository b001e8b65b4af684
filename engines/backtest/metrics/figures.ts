// What figures are computed from, and what they look like before the undefined ones become null.
import type { Bars } from '#engines/backtest/bars.ts';
import type { Broker } from '#engines/backtest/broker.ts';
import type { EquityCurve } from '#engines/backtest/equity.ts';
import type { MetricName } from '#engines/backtest/metrics/catalogue.ts';
import { typicalGapMs } from '#engines/backtest/metrics/periods.ts';

export const DAY_MS = 86_400_000;

export interface Finished {
  bars: Bars;
  broker: Broker;
  curve: EquityCurve;
  /** The bar from which buy-and-hold counts. */
  warmUpBars: number;
}

/** A figure, or why there is none. */
export type Figure = number | string;
export type Figures = Partial<Record<MetricName, Figure>>;

/** Days, rounded up to the data's grain: a bar, at most a day. */
export const roundedUp = (bars: Bars, days: number): number => {
  const grainDays = Math.min(1, (typicalGapMs(bars.tsMs) ?? DAY_MS) / DAY_MS);
  // A mean of whole grains may miss one by rounding.
  return Math.ceil(days / grainDays - 1e-9) * grainDays;
};
