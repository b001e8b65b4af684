// Matching: what becomes of orders when the next bar comes. Pure, deterministic, one bar at a time, so that a backtest and
// a paper session that is fed the same bars make the same trades.
//
// Life cycle of an order: a strategy sees bar i whole and places it (desk.ts); `advance` tries it on bar i+1, and on every
// bar after that until it is filled or cancelled. An order without limit and stop is filled at the open of i+1, or with
// tradeOnClose at the close of i, before anything that needs bar i+1 to move. Among those, closings come first, the newest
// first, so that their money is there for the entry that was placed with them; then entries, the oldest first. Limits and
// stops follow: stop-losses, the newest first, then entries and take-profits, the oldest first.
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
  if (broker.ruin) return;
  if (broker.orders.length > 0) matchOrders(broker, bar);
  if (equityOf(broker) <= 0) ruin(broker);
};

const matchOrders = (broker: Broker, bar: Bar): void => {
  tryAll(broker, bar, broker.orders.filter(isPlain));
  // Brackets of what has just been opened at the open are among these; those of later entries are not.
  tryAll(
    broker,
    bar,
    broker.orders.filter((order) => !isPlain(order)),
  );
};

const tryAll = (broker: Broker, bar: Bar, orders: readonly Order[]): void => {
  for (const order of orders) if (broker.orders.includes(order)) tryOrder(broker, order, bar);
};

const tryOrder = (broker: Broker, order: Order, bar: Bar): void => {
  const price = touchedPrice(broker, order, bar);
  if (price === null) return;
  const atClose =
    isPlain(order) && broker.options.tradeOnClose && order.role !== 'stop-loss' && order.role !== 'take-profit';
  const fill = { bar: atClose ? broker.bar - 1 : broker.bar, raw: price };
  if (order.tradeId === null) enter(broker, order, fill);
  else leave(broker, order, executionOf(broker, order, { ...fill, opens: false }));
};

/** Where an order is filled: a bar, and a price before spread and slippage. */
interface Fill {
  bar: number;
  raw: number;
  opens: boolean;
}

/** Adds what the broker takes: spread where a trade is opened, slippage wherever no limit protects. */
const executionOf = (broker: Broker, order: Order, fill: Fill): Execution => {
  const { spread, slippage } = broker.options;
  const spreadPerUnit = fill.opens ? fill.raw * spread : 0;
  const slippagePerUnit = order.limit === null ? fill.raw * slippage : 0;
  const worse = (fill.opens ? spread : 0) + (order.limit === null ? slippage : 0);
  const price = fill.raw * (1 + Math.sign(order.size) * worse);
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

const enter = (broker: Broker, order: Order, fill: Omit<Fill, 'opens'>): void => {
  const execution = executionOf(broker, order, { ...fill, opens: true });
  const unitCost = unitCostOf(broker, order, { ...execution, raw: fill.raw });
  const size = unitsOf(broker, order, unitCost);
  if (size === 0) {
    warn(
      broker,
      order,
      `its share of the free margin ${freeMargin(broker)} does not buy one unit at ${execution.price}`,
    );
    return;
  }
  const closing = executionOf(broker, order, { ...fill, opens: false });
  const rest = broker.options.hedging ? size : closeOpposite(broker, size, closing);
  if (Math.abs(rest) * unitCost > buyingPower(broker)) {
    warn(
      broker,
      order,
      `${Math.abs(rest)} units at ${execution.price} need more than the free margin ${freeMargin(broker)}`,
    );
    return;
  }
  settle(broker, order, { price: execution.price, filled: size });
  if (rest !== 0) openWithBrackets(broker, { order, rest, execution });
};

const buyingPower = (broker: Broker): number => freeMargin(broker) / broker.options.margin;

const warn = (broker: Broker, order: Order, reason: string): void => {
  cancel(broker, order.id, reason);
  broker.warnings.push({ bar: broker.bar, message: `order ${order.id} was cancelled: ${reason}` });
};

/**
 * What one unit takes of the buying power. The fixed fee is counted by the order's size as it was asked for, a share for
 * relative sizes, so that it weighs on every unit: deliberately careful, and equal to the program we compare with.
 */
const unitCostOf = (broker: Broker, order: Order, { price, raw }: { price: number; raw: number }): number =>
  price + feeOf(broker, order.size, raw) / Math.abs(order.size);

const unitsOf = (broker: Broker, order: Order, unitCost: number): number => {
  const share = Math.abs(order.size);
  if (share >= 1) return order.size;
  return Math.sign(order.size) * Math.floor((buyingPower(broker) * share) / unitCost);
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

const openWithBrackets = (broker: Broker, entry: { order: Order; rest: number; execution: Execution }): void => {
  const { order, rest, execution } = entry;
  const trade = openTrade(broker, rest, execution);
  const { stopLoss, takeProfit } = order;
  if (takeProfit !== null) setBracket(broker, trade, { takeProfit });
  if (stopLoss !== null) setBracket(broker, trade, { stopLoss });
};

/** A debt is not carried: the account stands at zero, and the shortfall is told. */
const ruin = (broker: Broker): void => {
  for (const order of broker.orders.slice()) cancel(broker, order.id, 'the equity is spent');
  for (const trade of broker.trades.slice()) {
    closeTrade(broker, trade);
    const order = broker.orders[0] as Order;
    leave(broker, order, { bar: broker.bar, price: broker.close, spreadPerUnit: 0, slippagePerUnit: 0, order });
  }
  broker.ruin = { bar: broker.bar, shortfall: Math.max(0, -broker.cash) };
  broker.cash = 0;
  broker.warnings.push({
    bar: broker.bar,
    message: 'the equity is spent: everything was closed, nothing trades any more',
  });
};

/**
 * Closes every open trade on the last bar that was fed, as a closing ordered on the bar before would. A trade that this
 * very bar opened after its open is closed at its close: not before it began.
 */
export const finalize = (broker: Broker, last: Bar): void => {
  for (const order of broker.orders.slice()) cancel(broker, order.id, 'the data ends');
  for (const trade of broker.trades.slice()) {
    closeTrade(broker, trade);
    const order = broker.orders[0] as Order;
    if (trade.intraday && trade.entryBar === broker.bar) closeNow(broker, order);
  }
  matchOrders(broker, last);
};

/** Fills a closing order at the close of the bar that was fed. */
const closeNow = (broker: Broker, order: Order): void =>
  leave(broker, order, executionOf(broker, order, { bar: broker.bar, raw: broker.close, opens: false }));
