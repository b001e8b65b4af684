// The equity curve, from the fills: cash after the last fill plus open trades at the close.
import { at, barCount } from '#engines/backtest/bars.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import type { Broker, Fill } from '#engines/backtest/broker.ts';

/** Equity at each close, money; the net position then, signed units; and how many trades were open. */
export interface EquityCurve {
  equity: Float64Array;
  position: Float64Array;
  openTrades: Float64Array;
}

/** The curve of a finished run, one value a bar. */
export const equityCurve = (bars: Bars, broker: Pick<Broker, 'fills' | 'options' | 'ruin'>): EquityCurve => {
  const rows = barCount(bars);
  const curve = {
    equity: new Float64Array(rows),
    position: new Float64Array(rows),
    openTrades: new Float64Array(rows),
  };
  const lots = new Map<number, { size: number; price: number }>();
  let cash = broker.options.cash;
  let next = 0;
  for (let index = 0; index < rows; index += 1) {
    for (let fill = broker.fills[next]; fill && fill.bar <= index; fill = broker.fills[next]) {
      apply(lots, fill);
      cash = fill.cashAfter;
      next += 1;
    }
    if (broker.ruin && index >= broker.ruin.bar) cash = 0;
    mark(curve, { index, cash, close: at(bars.close, index), lots });
  }
  return curve;
};

type Lots = Map<number, { size: number; price: number }>;

const apply = (lots: Lots, { tradeId, size, price }: Fill): void => {
  const lot = lots.get(tradeId);
  if (!lot) lots.set(tradeId, { size, price });
  else if (lot.size + size === 0) lots.delete(tradeId);
  else lot.size += size;
};

const mark = (curve: EquityCurve, now: { index: number; cash: number; close: number; lots: Lots }): void => {
  let [profit, position] = [0, 0];
  for (const { size, price } of now.lots.values()) {
    profit += size * (now.close - price);
    position += size;
  }
  curve.equity[now.index] = now.cash + profit;
  curve.position[now.index] = position;
  curve.openTrades[now.index] = now.lots.size;
};

/** What the cash would be worth if the market were bought at the close of `fromBar` without costs, in fractions of units. */
export const holdCurve = (bars: Bars, { cash, fromBar }: { cash: number; fromBar: number }): Float64Array =>
  bars.close.map((close, index) => (index <= fromBar ? cash : (cash * close) / at(bars.close, fromBar)));
