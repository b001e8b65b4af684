// Matching: what becomes of orders when the next bar comes. Pure, deterministic, one bar at a time, so that a backtest and
// a paper session that is fed the same bars make the same trades.
//
// Life cycle of an order: a strategy sees bar i whole and places it (desk.ts); `advance` tries it on bar i+1, and on every
// bar after that until it is filled or cancelled. An order without limit and stop is filled at the open of i+1, or with
// tradeOnClose at the close of i. Orders are tried in this order: closings and brackets, the newest first, then entries,
// the oldest first. So the money of a closing is there for the entry that was placed with it.
//
// Guarantees
// - A buying limit is never filled above its price, a stop never better than its price; a bar that opens beyond a stop
//   fills it at the open, one that opens beyond a limit at the better open.
// - Of two things a bar cannot order in time, the worse is assumed: a stop-limit whose limit lies on the near side of its
//   stop waits for the next bar; of stop-loss and take-profit inside one bar, the stop-loss is filled.
// - A bracket lives as long as its trade; the sibling goes with it. It may act in the entry bar only where the entry was a
//   plain market order at that bar's open: elsewhere the bar does not tell what came after the entry.
// - Every change of the position is one fill; cash + value of open trades = equity after each.
// - Units are whole. A share of the equity is floored after spread, slippage and relative commission; what the free margin
//   cannot carry is cancelled with a warning, never shrunk.
//
// Traps
// - Free margin is taken at this bar's close for open trades, although the fill is at its open: it is a rule of sizing, kept
//   for comparability, and matters only where several trades are open.
// - Equity at or below zero at a close ends the account: everything is closed at that close and nothing trades any more.
import { closeUnits, equityOf, feeOf, freeMargin, openTrade } from '#engines/backtest/account.ts';
import type { Execution } from '#engines/backtest/account.ts';
import type { Bar } from '#engines/backtest/bars.ts';
import type { Broker, Order, Trade } from '#engines/backtest/broker.ts';
import { cancel, closeTrade, setBracket } from '#engines/backtest/desk.ts';
import { isPlain, touchedPrice } from '#engines/backtest/touch.ts';

/** Feeds the next bar: fills what it fills, marks the account. */
export const advance = (broker: Broker, bar: Bar): void => {
  broker.bar += 1;
  broker.previousClose = broker.bar === 0 ? bar.open : broker.close;
  broker.close = bar.close;
  if (broker.ruined) return;
  if (broker.orders.length > 0) matchOrders(broker, bar);
  if (broker.trades.length > 0 && equityOf(broker) <= 0) ruin(broker);
};

const matchOrders = (broker: Broker, bar: Bar): void => {
  let again = true;
  while (again) {
    again = false;
    for (const order of broker.orders.slice()) {
      if (broker.orders.includes(order) && tryOrder(broker, order, bar)) again = true;
    }
  }
};

/** True where a bracket was made that may act in this very bar. */
const tryOrder = (broker: Broker, order: Order, bar: Bar): boolean => {
  const price = touchedPrice(broker, order, bar);
  if (price === null) return false;
  const atClose =
    isPlain(order) && broker.options.tradeOnClose && order.role !== 'stop-loss' && order.role !== 'take-profit';
  const execution = executionOf(broker, order, { bar: atClose ? broker.bar - 1 : broker.bar, price });
  if (order.tradeId === null) return enter(broker, order, execution);
  leave(broker, order, execution);
  return false;
};

/** Adds what the broker takes: spread at entries, slippage wherever no limit protects. */
const executionOf = (broker: Broker, order: Order, fill: { bar: number; price: number }): Execution => {
  const { spread, slippage } = broker.options;
  const side = Math.sign(order.size);
  const spreadPerUnit = order.tradeId === null ? fill.price * spread : 0;
  const slippagePerUnit = order.limit === null ? fill.price * slippage : 0;
  const price =
    fill.price * (1 + side * ((order.tradeId === null ? spread : 0) + (order.limit === null ? slippage : 0)));
  return { bar: fill.bar, price, spreadPerUnit, slippagePerUnit, order };
};

/** A closing or bracket order acts on its own trade, whatever else is open. */
const leave = (broker: Broker, order: Order, execution: Execution): void => {
  const trade = broker.trades.find(({ id }) => id === order.tradeId);
  if (!trade) {
    cancel(broker, order.id, 'its trade is over');
    return;
  }
  const units = Math.min(Math.abs(trade.size), Math.abs(order.size));
  settle(broker, order, { price: execution.price, filled: Math.sign(order.size) * units });
  reduce(broker, trade, { units, execution });
};

const settle = (broker: Broker, order: Order, fill: { price: number; filled: number }): void => {
  broker.orders = broker.orders.filter((each) => each !== order);
  broker.done.push({ ...order, status: 'filled', doneBar: broker.bar, ...fill, reason: null });
};

const reduce = (broker: Broker, trade: Trade, closing: { units: number; execution: Execution }): void => {
  closeUnits(broker, trade, closing);
  const left = broker.trades.includes(trade);
  for (const order of broker.orders.filter(({ tradeId }) => tradeId === trade.id)) {
    if (!left) cancel(broker, order.id, 'its trade is over');
    else if (order.role !== 'close') order.size = -trade.size;
  }
};

const enter = (broker: Broker, order: Order, execution: Execution): boolean => {
  const size = unitsOf(broker, order, execution.price);
  if (size === 0) {
    warn(broker, order, 'its share of the equity does not buy one unit');
    return false;
  }
  const rest = broker.options.hedging ? size : closeOpposite(broker, size, execution);
  if (rest !== 0 && !affords(broker, order, { rest, price: execution.price })) {
    warn(
      broker,
      order,
      `${Math.abs(rest)} units at ${execution.price} need more than the free margin of ${freeMargin(broker)}`,
    );
    return false;
  }
  settle(broker, order, { price: execution.price, filled: size });
  return rest === 0 ? false : openWithBrackets(broker, { order, rest, execution });
};

const warn = (broker: Broker, order: Order, reason: string): void => {
  cancel(broker, order.id, reason);
  broker.warnings.push({ bar: broker.bar, message: `order ${order.id} was cancelled: ${reason}` });
};

const unitsOf = (broker: Broker, order: Order, price: number): number => {
  const share = Math.abs(order.size);
  if (share >= 1) return order.size;
  const { margin } = broker.options;
  const unitCost = price + feeOf(broker, order.size, price) / share;
  return Math.sign(order.size) * Math.floor(((freeMargin(broker) / margin) * share) / unitCost);
};

const affords = (broker: Broker, order: Order, { rest, price }: { rest: number; price: number }): boolean => {
  const unitCost = price + feeOf(broker, order.size, price) / Math.abs(order.size);
  return Math.abs(rest) * unitCost <= freeMargin(broker) / broker.options.margin;
};

/** Netting: the oldest opposite trades go first. Returns the signed units that are left to open. */
const closeOpposite = (broker: Broker, size: number, execution: Execution): number => {
  let rest = size;
  for (const trade of broker.trades.slice()) {
    if (rest === 0) break;
    if (trade.size * rest > 0) continue;
    const units = Math.min(Math.abs(trade.size), Math.abs(rest));
    reduce(broker, trade, { units, execution });
    rest -= Math.sign(rest) * units;
  }
  return rest;
};

const openWithBrackets = (broker: Broker, entry: { order: Order; rest: number; execution: Execution }): boolean => {
  const { order, rest, execution } = entry;
  const trade = openTrade(broker, rest, execution);
  const { stopLoss, takeProfit } = order;
  // The stop-loss is placed last, so that it is tried first.
  setBracket(broker, trade, { takeProfit });
  setBracket(broker, trade, { stopLoss });
  return (stopLoss !== null || takeProfit !== null) && isPlain(order);
};

const ruin = (broker: Broker): void => {
  for (const order of broker.orders.slice()) cancel(broker, order.id, 'the equity is spent');
  for (const trade of broker.trades.slice()) closeAt(broker, trade, broker.close);
  broker.ruined = true;
  broker.warnings.push({
    bar: broker.bar,
    message: 'the equity is spent: everything was closed, nothing trades any more',
  });
};

const closeAt = (broker: Broker, trade: Trade, price: number): void => {
  closeTrade(broker, trade);
  const order = broker.orders[0] as Order;
  leave(broker, order, { bar: broker.bar, price, spreadPerUnit: 0, slippagePerUnit: 0, order });
};

/** Closes every open trade on the last bar that was fed, at its open (with tradeOnClose at the close before it). */
export const finalize = (broker: Broker, last: Bar): void => {
  for (const order of broker.orders.slice()) cancel(broker, order.id, 'the data ends');
  for (const trade of broker.trades.slice()) closeAt(broker, trade, last.open);
};
