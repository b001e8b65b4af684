// Money and trades: opening, reducing, closing, and what the account is worth.
import type { Broker, Order, Trade } from '#engines/backtest/broker.ts';

/** The fee of one fill, money. */
export const feeOf = ({ options }: Broker, size: number, price: number): number =>
  options.commission.fixed + Math.abs(size) * price * options.commission.relative;

/** What the open trades would bring at a price, before exit fees. */
const openProfit = ({ trades }: Broker, price: number): number => {
  let sum = 0;
  for (const trade of trades) sum += trade.size * (price - trade.entryPrice);
  return sum;
};

/** Cash and open trades at the last close. */
export const equityOf = (broker: Broker): number => broker.cash + openProfit(broker, broker.close);

/** Signed units over all open trades. */
export const positionSize = ({ trades }: Broker): number => {
  let sum = 0;
  for (const trade of trades) sum += trade.size;
  return sum;
};

/** Equity that no open trade ties up; at least 0. */
export const freeMargin = (broker: Broker): number => {
  let tied = 0;
  for (const trade of broker.trades) tied += Math.abs(trade.size) * broker.close * broker.options.margin;
  return Math.max(0, equityOf(broker) - tied);
};

/** Where and what for a fill happens. */
export interface Execution {
  /** The bar whose price it has. */
  bar: number;
  price: number;
  /** Which part of the price is spread and slippage, money a unit. */
  spreadPerUnit: number;
  slippagePerUnit: number;
  order: Order;
}

/** Opens a trade and pays its fee. */
export const openTrade = (broker: Broker, size: number, execution: Execution): Trade => {
  const { bar, price, order } = execution;
  const trade: Trade = {
    id: broker.nextTradeId,
    size,
    entryBar: bar,
    entryPrice: price,
    entryFee: feeOf(broker, size, price),
    entrySpreadCost: Math.abs(size) * execution.spreadPerUnit,
    entrySlippageCost: Math.abs(size) * execution.slippagePerUnit,
    intraday: order.limit !== null || order.stop !== null,
    stopLossOrder: null,
    takeProfitOrder: null,
    tag: order.tag,
  };
  broker.nextTradeId += 1;
  broker.trades.push(trade);
  record(broker, { trade, size, fee: trade.entryFee, execution });
  return trade;
};

/**
 * Closes `units` (above 0, at most the whole) of a trade. A part that is left keeps the trade's id, brackets and place in
 * the queue. A fixed fee of the entry is split by units, so that the parts' fees add up to what was paid.
 */
export const closeUnits = (broker: Broker, trade: Trade, closing: { units: number; execution: Execution }): void => {
  const { units, execution } = closing;
  const { price } = execution;
  const size = Math.sign(trade.size) * units;
  const share = units / Math.abs(trade.size);
  const exitFee = feeOf(broker, size, price);
  const gross = size * (price - trade.entryPrice);
  const entryFee = trade.entryFee * share;
  broker.cash += gross;
  broker.closed.push({
    id: trade.id,
    size,
    entryBar: trade.entryBar,
    exitBar: execution.bar,
    entryPrice: trade.entryPrice,
    exitPrice: price,
    commission: entryFee + exitFee,
    pnl: gross - entryFee - exitFee,
    spreadCost: trade.entrySpreadCost * share,
    slippageCost: trade.entrySlippageCost * share + units * execution.slippagePerUnit,
    tag: trade.tag,
  });
  shrink(broker, trade, units);
  record(broker, { trade, size: -size, fee: exitFee, execution });
};

const shrink = (broker: Broker, trade: Trade, units: number): void => {
  const left = Math.abs(trade.size) - units;
  if (left <= 0) {
    broker.trades = broker.trades.filter((each) => each !== trade);
    return;
  }
  const share = left / Math.abs(trade.size);
  trade.size = Math.sign(trade.size) * left;
  trade.entryFee *= share;
  trade.entrySpreadCost *= share;
  trade.entrySlippageCost *= share;
};

interface Entry {
  trade: Trade;
  size: number;
  fee: number;
  execution: Execution;
}

const record = (broker: Broker, { trade, size, fee, execution }: Entry): void => {
  broker.cash -= fee;
  broker.fills.push({
    bar: broker.bar,
    tradeId: trade.id,
    orderId: execution.order.id,
    size,
    price: execution.price,
    fee,
    cashAfter: broker.cash,
  });
};
