import * as z from 'zod';
import { buy, closePosition, sell } from '#engines/backtest/desk.ts';
import { crossedOver, sma } from '#engines/backtest/indicators.ts';
import type { Strategy } from '#engines/backtest/strategy.ts';

const length = z.int().gte(1).lte(100_000);
const params = z
  .strictObject({ fast: length.default(10), slow: length.default(20) })
  .refine(({ fast, slow }) => fast < slow, { path: ['fast'], error: 'must be smaller than slow' });

/** Long while the fast average of the close is above the slow one, short below; turns when they cross. All in. */
export const smaCross: Strategy<z.output<typeof params>> = {
  title: 'Crossing of two simple moving averages, long and short',
  params,
  warmUpBars: ({ slow }) => slow - 1,
  prepare: ({ close }, { fast, slow }) => ({ fast: sma(close, fast), slow: sma(close, slow) }),
  start: null,
  next: ({ columns, index, broker }) => {
    const { fast, slow } = columns as { fast: Float64Array; slow: Float64Array };
    if (crossedOver(fast, slow, index)) turn(broker, buy);
    else if (crossedOver(slow, fast, index)) turn(broker, sell);
    return null;
  },
};

const turn = (broker: Parameters<typeof buy>[0], enter: typeof buy): void => {
  // An exclusive order closes by itself; a second closing would find nothing.
  if (!broker.options.exclusiveOrders) closePosition(broker);
  enter(broker);
};
