// Sizes, costs, margin and the end of a run, with numbers worked out by hand.
import { describe, expect, it } from 'vitest';
import { equityOf } from '#engines/backtest/account.ts';
import { buy, closePosition, sell } from '#engines/backtest/desk.ts';
import { equityCurve } from '#engines/backtest/equity.ts';
import { barsOf, flat, open, played, shut } from './support.ts';

type Row = readonly [number, number, number, number];
const up: Row[] = [flat, flat, [110, 110, 110, 110], [110, 110, 110, 110]];

describe('sizes', () => {
  const bought = (size: number | undefined, options: Parameters<typeof played>[2]) =>
    open(played([flat, flat], { 0: (b) => buy(b, size === undefined ? {} : { size }) }, options));

  it('all in is floored to whole units', () => {
    expect(bought(undefined, { cash: 1050 })).toEqual([[10, 1, 100]]);
    expect(bought(undefined, { cash: 1099.99 })).toEqual([[10, 1, 100]]);
  });

  it('all in leaves room for a relative commission and the spread', () => {
    expect(bought(undefined, { cash: 1001.9, commission: 0.002 })).toEqual([[9, 1, 100]]);
    expect(bought(undefined, { cash: 1002.1, commission: 0.002 })).toEqual([[10, 1, 100]]);
    expect(bought(undefined, { cash: 1009, spread: 0.01 })).toEqual([[9, 1, 101]]);
    expect(bought(undefined, { cash: 1010.1, spread: 0.01 })).toEqual([[10, 1, 101]]);
  });

  it('a fixed fee is held back for every unit, by the share that was asked for', () => {
    expect(bought(undefined, { cash: 1009, commission: { fixed: 1 } })).toEqual([[9, 1, 100]]);
    expect(bought(undefined, { cash: 1010.1, commission: { fixed: 1 } })).toEqual([[10, 1, 100]]);
    expect(bought(0.5, { cash: 2039, commission: { fixed: 1 } })).toEqual([[9, 1, 100]]);
  });

  it('a share is a share of the free margin, times leverage', () => {
    expect(bought(0.25, { cash: 10_000 })).toEqual([[25, 1, 100]]);
    expect(bought(0.25, { cash: 10_000, margin: 0.1 })).toEqual([[250, 1, 100]]);
  });

  it('a share that buys no unit is cancelled with a warning', () => {
    const broker = played([flat, flat], { 0: (b) => buy(b) }, { cash: 99 });
    expect(broker.fills).toEqual([]);
    expect(broker.warnings).toEqual([{ bar: 1, message: expect.stringContaining('does not buy one unit at 100') }]);
    expect(broker.done).toMatchObject([{ status: 'cancelled' }]);
  });

  it('whole units beyond the free margin are cancelled with a warning, not shrunk', () => {
    const broker = played([flat, flat], { 0: (b) => buy(b, { size: 11 }) }, { cash: 1000 });
    expect(broker.fills).toEqual([]);
    expect(broker.warnings).toEqual([
      { bar: 1, message: expect.stringContaining('11 units at 100 need more than the free margin 1000') },
    ]);
    expect(open(played([flat, flat], { 0: (b) => buy(b, { size: 10 }) }, { cash: 1000 }))).toEqual([[10, 1, 100]]);
    expect(open(played([flat, flat], { 0: (b) => buy(b, { size: 20 }) }, { cash: 1000, margin: 0.5 }))).toEqual([
      [20, 1, 100],
    ]);
  });
});

describe('costs', () => {
  it('a relative commission is paid on the value of entry and exit', () => {
    const { closed, cash } = played(
      up,
      { 0: (b) => buy(b, { size: 10 }), 1: (b) => closePosition(b) },
      { commission: 0.01 },
    );
    expect(closed).toMatchObject([{ commission: 21, pnl: 79 }]);
    expect(cash).toBe(100_079);
  });

  it('fixed and relative add up, a fill at a time', () => {
    const commission = { fixed: 2, relative: 0.01 };
    const { closed } = played(up, { 0: (b) => sell(b, { size: 10 }), 1: (b) => closePosition(b) }, { commission });
    expect(closed).toMatchObject([{ size: -10, commission: 25, pnl: -125 }]);
  });

  it('the entry fee is split over parts by their units, and the parts add up to what was paid', () => {
    const commission = { fixed: 10 };
    const script = {
      0: (b: Parameters<typeof buy>[0]) => buy(b, { size: 10 }),
      1: (b: Parameters<typeof buy>[0]) => closePosition(b, 0.4),
      2: (b: Parameters<typeof buy>[0]) => closePosition(b),
    };
    const { closed, cash } = played(up, script, { commission });
    expect(closed).toMatchObject([
      { size: 4, commission: 14, pnl: 26 },
      { size: 6, commission: 16, pnl: 44 },
    ]);
    expect(cash).toBe(100_070);
  });

  it('the spread is paid where a trade is opened, not where it is closed', () => {
    const options = { spread: 0.01 };
    const long = played(up, { 0: (b) => buy(b, { size: 10 }), 1: (b) => sell(b, { size: 10 }) }, options);
    expect(long.closed).toMatchObject([{ entryPrice: 101, exitPrice: 110, pnl: 90, spreadCost: 10 }]);
    const short = played(up, { 0: (b) => sell(b, { size: 10 }), 1: (b) => closePosition(b) }, options);
    expect(short.closed).toMatchObject([{ entryPrice: 99, exitPrice: 110, pnl: -110, spreadCost: 10 }]);
  });

  it('slippage is paid at entry and exit of market and stop fills, never by a limit', () => {
    const options = { slippage: 0.01 };
    const market = played(up, { 0: (b) => buy(b, { size: 10 }), 1: (b) => closePosition(b) }, options);
    expect(market.closed).toMatchObject([{ entryPrice: 101, slippageCost: 21 }]);
    expect(market.closed[0]?.exitPrice).toBeCloseTo(108.9, 12);
    const limit = played(up, { 0: (b) => buy(b, { size: 10, limit: 100, takeProfit: 105 }) }, options);
    expect(limit.closed).toMatchObject([{ entryPrice: 100, exitPrice: 110, slippageCost: 0 }]);
    const stop = played([flat, flat, [90, 90, 90, 90]], { 0: (b) => buy(b, { size: 10, stopLoss: 95 }) }, options);
    expect(stop.closed[0]?.exitPrice).toBeCloseTo(89.1, 12);
  });
});

describe('the end', () => {
  it('leaves trades open, in the equity and not among the trades', () => {
    const broker = played(up, { 0: (b) => buy(b, { size: 10 }) }, { commission: 0.01 });
    expect(broker.closed).toEqual([]);
    expect(equityOf(broker)).toBe(100_090);
  });

  it('closes them on the last bar where that is asked for, and fills nothing else there', () => {
    const rows: Row[] = [flat, flat, [110, 120, 105, 115]];
    const script = {
      0: (b: Parameters<typeof buy>[0]) => buy(b, { size: 10 }),
      2: (b: Parameters<typeof buy>[0]) => buy(b, { size: 5 }),
    };
    const broker = played(rows, script, { finalizeTrades: true });
    expect(shut(broker)).toEqual([[10, 1, 100, 2, 110]]);
    expect([broker.trades, broker.orders]).toEqual([[], []]);
    const atClose = played(rows, script, { finalizeTrades: true, tradeOnClose: true });
    expect(shut(atClose)).toEqual([[10, 0, 100, 1, 100]]);
  });

  it('what the last bar opened after its open is closed at its close', () => {
    const rows: Row[] = [flat, [100, 110, 95, 104]];
    for (const tradeOnClose of [false, true]) {
      const broker = played(rows, { 0: (b) => buy(b, { size: 1, limit: 97 }) }, { finalizeTrades: true, tradeOnClose });
      expect(shut(broker)).toEqual([[1, 1, 97, 1, 104]]);
    }
  });

  it('spent equity closes everything at that close, stands at zero and stops trading', () => {
    const rows: Row[] = [flat, flat, [100, 160, 100, 150], [150, 150, 150, 150], flat];
    const script = {
      0: (b: Parameters<typeof buy>[0]) => (
        sell(b, { size: 15 }),
        sell(b, { size: 15 }),
        buy(b, { size: 1, limit: 10 })
      ),
      3: (b: Parameters<typeof buy>[0]) => buy(b, { size: 1 }),
    };
    const broker = played(rows, script, { cash: 1000, margin: 0.25 });
    expect(shut(broker)).toEqual([
      [-15, 1, 100, 2, 150],
      [-15, 1, 100, 2, 150],
    ]);
    expect(broker.ruin).toEqual({ bar: 2, shortfall: 500 });
    expect([broker.trades, broker.orders]).toEqual([[], []]);
    expect([...equityCurve(barsOf(rows), broker).equity]).toEqual([1000, 1000, 0, 0, 0]);
  });
});
