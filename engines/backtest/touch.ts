// Whether a bar touches an order, and at which price: the part of matching that looks at prices only.
import type { Bar } from '#engines/backtest/bars.ts';
import type { Broker, Order } from '#engines/backtest/broker.ts';

/** A market order: no limit, no stop. */
export const isPlain = ({ limit, stop }: Order): boolean => limit === null && stop === null;

/** The price at which the bar fills an order, or null. Marks a stop-limit whose stop was touched. */
export const touchedPrice = (broker: Broker, order: Order, bar: Bar): number | null => {
  if (isPlain(order)) return broker.options.tradeOnClose ? broker.previousClose : bar.open;
  const { stop } = order;
  if (stop === null || order.triggered) return limitPrice(order, bar, bar.open);
  const buying = order.size > 0;
  if (buying ? bar.high < stop : bar.low > stop) return null;
  order.triggered = true;
  const reached = buying ? Math.max(bar.open, stop) : Math.min(bar.open, stop);
  return order.limit !== null && isNearSide(order, stop) ? null : limitPrice(order, bar, reached);
};

/** The limit lies where the price was before it reached the stop: it may not have come back in the bar that did. */
const isNearSide = ({ size, limit }: Order, stop: number): boolean =>
  limit !== null && (size > 0 ? limit <= stop : limit >= stop);

/** An order that may trade from price `reached` on. */
const limitPrice = ({ size, limit }: Order, bar: Bar, reached: number): number | null => {
  if (limit === null) return reached;
  if (size > 0) return bar.low > limit ? null : Math.min(reached, limit);
  return bar.high < limit ? null : Math.max(reached, limit);
};
