// The strategy's side of the broker: placing, cancelling, closing. Nothing is filled here; `advance` fills.
import type { Broker, Order, OrderRole, Trade } from '#engines/backtest/broker.ts';
import { badOrder } from '#engines/backtest/errors.ts';

/** What a strategy may ask for. Prices are absolute; leave out what is not wanted. */
export interface OrderRequest {
  /** Whole units, or a fraction below 1: that share of the free equity, times leverage. Default: all of it. */
  size?: number;
  limit?: number;
  stop?: number;
  stopLoss?: number;
  takeProfit?: number;
  tag?: string;
}

/** Below 1 by one ulp: as much as the account can carry. */
const ALL_IN = 1 - Number.EPSILON;

/** Places a buying order. Returns its id. Throws INPUT_INVALID for a size or prices that no broker would take. */
export const buy = (broker: Broker, request: OrderRequest = {}): number => placed(broker, 1, request);

/** Places a selling order: it goes short, or closes long trades first unless the account is hedging. */
export const sell = (broker: Broker, request: OrderRequest = {}): number => placed(broker, -1, request);

const placed = (broker: Broker, side: 1 | -1, request: OrderRequest): number => {
  const size = request.size ?? ALL_IN;
  checkSize(size);
  checkPrices(broker, side, request);
  if (broker.options.exclusiveOrders) clear(broker);
  const order = makeOrder(broker, { ...request, role: 'entry', size: side * size, tradeId: null });
  broker.orders.push(order);
  return order.id;
};

const checkSize = (size: number): void => {
  if (size > 0 && (size < 1 || Number.isInteger(size)) && Number.isFinite(size)) return;
  throw badOrder(`an order has size ${size}: give a fraction of the equity between 0 and 1, or whole units from 1`);
};

const checkPrices = (broker: Broker, side: 1 | -1, request: OrderRequest): void => {
  const { limit, stop, stopLoss, takeProfit } = request;
  for (const [name, price] of Object.entries({ limit, stop, stopLoss, takeProfit })) {
    if (price === undefined || (Number.isFinite(price) && price > 0)) continue;
    throw badOrder(`an order has ${name} ${price}: prices are finite and above 0; leave the ${name} out to have none`);
  }
  const entry = limit ?? stop ?? broker.close * (1 + side * broker.options.spread);
  // Mirrored for selling, where the stop-loss lies above.
  const gains = (from: number | undefined, to: number | undefined): boolean =>
    from === undefined || to === undefined || side * from < side * to;
  if (gains(stopLoss, entry) && gains(entry, takeProfit)) return;
  throw badOrder(wrongBracket(side, entry, request));
};

const wrongBracket = (side: 1 | -1, entry: number, { stopLoss, takeProfit }: OrderRequest): string => {
  const shown = `stopLoss ${stopLoss ?? 'none'}, entry ${entry}, takeProfit ${takeProfit ?? 'none'}`;
  return side === 1
    ? `a buying order has ${shown}: it needs stopLoss < entry < takeProfit`
    : `a selling order has ${shown}: it needs takeProfit < entry < stopLoss`;
};

interface Making extends OrderRequest {
  role: OrderRole;
  size: number;
  tradeId: number | null;
}

const makeOrder = (broker: Broker, making: Making): Order => {
  const order: Order = {
    id: broker.nextOrderId,
    role: making.role,
    placedBar: broker.bar,
    size: making.size,
    limit: making.limit ?? null,
    stop: making.stop ?? null,
    stopLoss: making.stopLoss ?? null,
    takeProfit: making.takeProfit ?? null,
    tradeId: making.tradeId,
    tag: making.tag ?? null,
    triggered: false,
  };
  broker.nextOrderId += 1;
  return order;
};

const clear = (broker: Broker): void => {
  for (const order of broker.orders.filter(({ role }) => role === 'entry'))
    end(broker, order, 'replaced by a new exclusive order');
  for (const trade of broker.trades) closeTrade(broker, trade);
};

const end = (broker: Broker, order: Order, reason: string): void => {
  broker.orders = broker.orders.filter((each) => each !== order);
  broker.done.push({ ...order, status: 'cancelled', doneBar: broker.bar, price: null, filled: 0, reason });
};

/** Ends a live order without a fill. Does nothing for one that is over. */
export const cancel = (broker: Broker, orderId: number, reason = 'cancelled by the strategy'): void => {
  const order = broker.orders.find(({ id }) => id === orderId);
  if (!order) return;
  const trade = broker.trades.find(({ id }) => id === order.tradeId);
  if (trade?.stopLossOrder === orderId) trade.stopLossOrder = null;
  if (trade?.takeProfitOrder === orderId) trade.takeProfitOrder = null;
  end(broker, order, reason);
};

/** Orders the closing of `portion` (0, 1] of a trade at the next opportunity, before all other orders; at least one unit. */
export const closeTrade = (broker: Broker, trade: Trade, portion = 1): void => {
  if (!(portion > 0 && portion <= 1))
    throw badOrder(`a trade is to be closed by ${portion}: give a share above 0, at most 1`);
  const units = Math.max(1, roundHalfEven(Math.abs(trade.size) * portion));
  const size = -Math.sign(trade.size) * units;
  broker.orders.unshift(
    makeOrder(broker, { role: 'close', size, tradeId: trade.id, ...(trade.tag === null ? {} : { tag: trade.tag }) }),
  );
};

/** Closes a share of every open trade. */
export const closePosition = (broker: Broker, portion = 1): void => {
  for (const trade of broker.trades) closeTrade(broker, trade, portion);
};

// Half a unit up here and half a unit down there: closing by halves does not drift.
const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
};

/** Sets, moves or (null) removes a trade's bracket. */
export const setBracket = (
  broker: Broker,
  trade: Trade,
  bracket: { stopLoss?: number | null; takeProfit?: number | null },
): void => {
  if (bracket.stopLoss !== undefined) setLeg(broker, trade, { role: 'stop-loss', price: bracket.stopLoss });
  if (bracket.takeProfit !== undefined) setLeg(broker, trade, { role: 'take-profit', price: bracket.takeProfit });
};

interface Leg {
  role: 'stop-loss' | 'take-profit';
  price: number | null;
}

const setLeg = (broker: Broker, trade: Trade, { role, price }: Leg): void => {
  const slot = role === 'stop-loss' ? 'stopLossOrder' : 'takeProfitOrder';
  if (price !== null && !(Number.isFinite(price) && price > 0)) {
    throw badOrder(`a trade is given the ${role} ${price}: prices are finite and above 0, null removes it`);
  }
  if (trade[slot] !== null) cancel(broker, trade[slot], 'replaced by another bracket');
  if (price === null) return;
  const at = role === 'stop-loss' ? { stop: price } : { limit: price };
  const tag = trade.tag === null ? {} : { tag: trade.tag };
  const order = makeOrder(broker, { role, size: -trade.size, tradeId: trade.id, ...at, ...tag });
  trade[slot] = order.id;
  // A stop-loss goes before all else, a take-profit behind: of two that one bar touches the worse is assumed.
  if (role === 'stop-loss') broker.orders.unshift(order);
  else broker.orders.push(order);
};
