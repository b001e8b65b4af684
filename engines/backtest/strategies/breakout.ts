import * as z from 'zod';
import { positionSize } from '#engines/backtest/account.ts';
import { at } from '#engines/backtest/bars.ts';
import { buy, closePosition } from '#engines/backtest/desk.ts';
import { channel } from '#engines/backtest/indicators.ts';
import type { Strategy } from '#engines/backtest/strategy.ts';

const length = z.int().gte(1).lte(100_000);
const params = z.strictObject({ entry: length.default(20), exit: length.default(10) });

/** Donchian channel, long only: in above the highest high of `entry` bars, out below the lowest low of `exit` bars. */
export const breakout: Strategy<z.output<typeof params>> = {
  title: 'Breakout of the Donchian channel, long only',
  params,
  warmUpBars: ({ entry, exit }) => Math.max(entry, exit),
  prepare: ({ high, low }, { entry, exit }) => ({
    top: channel(high, entry, 'highest'),
    bottom: channel(low, exit, 'lowest'),
  }),
  start: null,
  next: ({ columns, bars, index, broker }) => {
    const { top, bottom } = columns as { top: Float64Array; bottom: Float64Array };
    const close = at(bars.close, index);
    const holds = positionSize(broker) > 0;
    if (!holds && close > at(top, index)) buy(broker);
    else if (holds && close < at(bottom, index)) closePosition(broker);
    return null;
  },
};
