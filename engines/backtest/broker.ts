// The broker's state: settings, account, live orders, open trades, and the logs of what is over. Plain data, so that
// JSON.stringify freezes it; numbers are finite throughout (absent is null), because JSON has no NaN and no Infinity.
import * as z from 'zod';
import { badSetting } from '#engines/backtest/errors.ts';

/** A fee for each fill: `fixed` in the account's currency plus `relative` times the fill's value. */
const aFraction = 'must be a fraction from 0 up to, not including, 1';
const fraction = z.number(aFraction).gte(0, aFraction).lt(1, aFraction);
const commissionSchema = z.union(
  [fraction, z.strictObject({ fixed: z.number().nonnegative().default(0), relative: fraction.default(0) })],
  `${aFraction}, or {fixed, relative}: an amount of at least 0 and such a fraction`,
);

/** How the simulated broker deals. Fractions, not percent: 0.002 is 20 basis points. */
export const brokerSchema = z.strictObject({
  /** Money at the start. */
  cash: z.number('must be a finite amount of money').positive().default(10_000),
  commission: commissionSchema
    .default(0)
    .transform((commission) => (typeof commission === 'number' ? { fixed: 0, relative: commission } : commission)),
  /** Share of a position's value that must be covered by equity: 1 is no leverage, 0.1 is ten times. */
  margin: z.number().gt(0).lte(1).default(1),
  /** Every entry pays this fraction above (buying) or gets it below (selling) its price; exits do not. */
  spread: z.number().gte(0).lt(1).default(0),
  /** The same at entry and exit, for market and stop fills only: a limit is never filled worse than its price. */
  slippage: z.number().gte(0).lt(1).default(0),
  /** Market orders are filled at the close of the bar that placed them, not at the next open. */
  tradeOnClose: z.boolean().default(false),
  /** Opposite trades live side by side; otherwise an order first closes opposite trades, the oldest first. */
  hedging: z.boolean().default(false),
  /** A new order cancels the others and closes every trade first. */
  exclusiveOrders: z.boolean().default(false),
  /** What is open at the end is closed on the last bar, so that it is among the trades. */
  finalizeTrades: z.boolean().default(false),
});

export type BrokerInput = z.input<typeof brokerSchema>;
export type BrokerOptions = z.output<typeof brokerSchema>;

/** Settings with defaults filled in. Throws PAYLOAD_INVALID naming the field and the value it has. */
export const brokerOptions = (input: unknown): BrokerOptions => {
  const parsed = brokerSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw badSetting(issuesOf(parsed.error, input, 'broker'), parsed.error);
};

/** All issues in one line, each with where it is and which value is there. */
export const issuesOf = (error: z.ZodError, input: unknown, root: string): string =>
  error.issues
    .map(({ path, message }) => {
      const value = path.reduce<unknown>((from, key) => (from as Record<PropertyKey, unknown> | null)?.[key], input);
      return `${[root, ...path].map(String).join('.')} is ${show(value)}: ${message}`;
    })
    .join('; ');

const show = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'missing');

/** Why an order exists: a strategy's own, a bracket of a trade, or the closing of a trade. */
export type OrderRole = 'entry' | 'stop-loss' | 'take-profit' | 'close';

/** A live order. Sizes are signed: above 0 buys; fractions below 1 are shares of the equity. */
export interface Order {
  id: number;
  role: OrderRole;
  /** The bar at whose close it was placed. */
  placedBar: number;
  size: number;
  limit: number | null;
  stop: number | null;
  stopLoss: number | null;
  takeProfit: number | null;
  /** The trade that a bracket or closing order belongs to. */
  tradeId: number | null;
  tag: string | null;
  /** The stop of a stop-limit order was touched: it is a limit order now. */
  triggered: boolean;
}

/** What became of an order. */
export interface DoneOrder extends Order {
  status: 'filled' | 'cancelled';
  doneBar: number;
  /** Null where it was cancelled. */
  price: number | null;
  /** Signed units; a relative order's floored size. */
  filled: number;
  reason: string | null;
}

/** An open trade: units bought or sold at one price. */
export interface Trade {
  id: number;
  size: number;
  entryBar: number;
  entryPrice: number;
  /** The fee paid at entry for the units that are left. */
  entryFee: number;
  /** What spread and slippage made of the entry, money, at least 0. */
  entrySpreadCost: number;
  entrySlippageCost: number;
  /** Entered inside its bar, by a limit or a stop. */
  intraday: boolean;
  stopLossOrder: number | null;
  takeProfitOrder: number | null;
  tag: string | null;
}

export interface ClosedTrade {
  id: number;
  size: number;
  entryBar: number;
  exitBar: number;
  entryPrice: number;
  exitPrice: number;
  /** Fees of entry and exit. */
  commission: number;
  /** After fees. */
  pnl: number;
  /** What spread and slippage cost at entry and exit; already inside the prices. */
  spreadCost: number;
  slippageCost: number;
  tag: string | null;
}

/** A change of the position. The account is marked from these: equity = cash + open trades at the close. */
export interface Fill {
  /** The bar in whose marks it shows first; with tradeOnClose one later than the bar whose price it had. */
  bar: number;
  tradeId: number;
  orderId: number;
  size: number;
  price: number;
  fee: number;
  cashAfter: number;
}

export interface BrokerWarning {
  bar: number;
  message: string;
}

export interface Broker {
  v: 1;
  options: BrokerOptions;
  /** The bar seen last; -1 before the first. */
  bar: number;
  close: number;
  previousClose: number;
  /** Initial cash plus what closed trades made, less all fees. */
  cash: number;
  nextOrderId: number;
  nextTradeId: number;
  /** In the order in which they are tried. */
  orders: Order[];
  trades: Trade[];
  done: DoneOrder[];
  closed: ClosedTrade[];
  fills: Fill[];
  warnings: BrokerWarning[];
  /** The equity was spent at that bar; nothing trades any more. `shortfall` is the debt that was written off. */
  ruin: { bar: number; shortfall: number } | null;
}

export const openBroker = (options: BrokerOptions): Broker => ({
  v: 1,
  options,
  bar: -1,
  close: 0,
  previousClose: 0,
  cash: options.cash,
  nextOrderId: 1,
  nextTradeId: 1,
  orders: [],
  trades: [],
  done: [],
  closed: [],
  fills: [],
  warnings: [],
  ruin: null,
});
