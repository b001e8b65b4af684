// What a strategy is. It sees bars up to the one that just closed, and acts through the desk; it never sees a fill's future.
import type * as z from 'zod';
import type { Bars } from '#engines/backtest/bars.ts';
import type { Broker } from '#engines/backtest/broker.ts';

export type Columns = Readonly<Record<string, Float64Array>>;

/** Anything JSON carries: it is frozen and thawed with the run. */
export type StrategyState = null | boolean | number | string | StrategyState[] | { [key: string]: StrategyState };

export interface StrategyMoment<P> {
  params: P;
  /** Index of the bar that just closed. */
  index: number;
  /** Must not be read beyond `index`. */
  bars: Bars;
  /** What `prepare` made, aligned with the bars. */
  columns: Columns;
  broker: Broker;
  state: StrategyState;
}

export interface Strategy<P> {
  title: string;
  params: z.ZodType<P>;
  /** Bars before the first on which `next` is called: that many it needs to know anything. */
  warmUpBars: (params: P) => number;
  /** Indicator columns. Causal and pure: the first n values depend on the first n bars only. */
  prepare: (bars: Bars, params: P) => Columns;
  start: StrategyState;
  /** Acts on a closed bar with `buy`, `sell`, `closePosition` ... of desk.ts, and returns its next state. */
  next: (moment: StrategyMoment<P>) => StrategyState;
}
