import * as z from 'zod';
import { buy } from '#engines/backtest/desk.ts';
import type { Strategy } from '#engines/backtest/strategy.ts';

const params = z.strictObject({});

/** Buys once with all there is, and keeps it. Its state says whether it has. */
export const buyAndHold: Strategy<z.output<typeof params>> = {
  title: 'Buy on the first bar, hold to the last',
  params,
  warmUpBars: () => 0,
  prepare: () => ({}),
  start: false,
  next: ({ state, broker }) => {
    if (state !== true) buy(broker);
    return true;
  },
};
