// Every matching rule with numbers worked out by hand. Orders are placed at bar 0 unless said otherwise.
import { describe, expect, it } from 'vitest';
import { equityOf } from '#engines/backtest/account.ts';
import type { Broker } from '#engines/backtest/broker.ts';
import { buy, cancel, closePosition, closeTrade, sell, setBracket } from '#engines/backtest/desk.ts';
import type { OrderRequest } from '#engines/backtest/desk.ts';
import { flat, open, played, shut } from './support.ts';

type Row = readonly [number, number, number, number];

const entered = (bar: Row, request: OrderRequest, side: typeof buy = buy) =>
  open(played([flat, bar, flat], { 0: (broker) => side(broker, { size: 1, ...request }) }));

describe('market orders', () => {
  it('are filled at the next open, never at the close that placed them', () => {
    expect(entered([103, 110, 90, 105], {})).toEqual([[1, 1, 103]]);
    expect(entered([97, 110, 90, 105], {}, sell)).toEqual([[-1, 1, 97]]);
  });

  it('are filled at the close that placed them with tradeOnClose, and show in the next mark', () => {
    const broker = played(
      [
        [100, 100, 100, 99],
        [103, 110, 90, 105],
      ],
      { 0: (b) => buy(b, { size: 2 }) },
      { tradeOnClose: true },
    );
    expect(open(broker)).toEqual([[2, 0, 99]]);
    expect(broker.fills).toMatchObject([{ bar: 1, price: 99 }]);
    expect(equityOf(broker)).toBe(100_012);
  });

  it('go before limits and stops of the same bar, which need it to move', () => {
    const rows: Row[] = [flat, flat, [100, 110, 90, 100]];
    const limitFirst = { 0: (b: Broker) => buy(b, { size: 1, limit: 95 }), 1: (b: Broker) => sell(b, { size: 2 }) };
    expect(shut(played(rows, limitFirst))).toEqual([[-1, 2, 100, 2, 95]]);
    const guarded = { 0: (b: Broker) => buy(b, { size: 1, stopLoss: 95 }), 1: (b: Broker) => sell(b, { size: 1 }) };
    expect(shut(played(rows, guarded))).toEqual([[1, 1, 100, 2, 100]]);
  });

  it('that are placed on the last bar are never filled', () => {
    const broker = played([flat, flat], { 1: (b) => buy(b, { size: 1 }) });
    expect(broker.fills).toEqual([]);
    expect(broker.orders).toHaveLength(1);
  });
});

describe('limit orders', () => {
  it('wait until the price is there', () => {
    expect(entered([100, 101, 98, 100], { limit: 97 })).toEqual([]);
    expect(entered([100, 101, 97, 100], { limit: 97 })).toEqual([[1, 1, 97]]);
    expect(entered([100, 102, 99, 100], { limit: 103 }, sell)).toEqual([]);
    expect(entered([100, 103, 99, 100], { limit: 103 }, sell)).toEqual([[-1, 1, 103]]);
  });

  it('get the better open where the bar opens beyond them', () => {
    expect(entered([95, 101, 94, 100], { limit: 97 })).toEqual([[1, 1, 95]]);
    expect(entered([105, 106, 99, 100], { limit: 103 }, sell)).toEqual([[-1, 1, 105]]);
  });

  it('stay until they are filled or cancelled', () => {
    const rows: Row[] = [flat, flat, flat, [100, 100, 90, 95]];
    expect(open(played(rows, { 0: (b) => buy(b, { size: 1, limit: 92 }) }))).toEqual([[1, 3, 92]]);
    const broker = played(rows, { 0: (b) => buy(b, { size: 1, limit: 92 }), 2: (b) => cancel(b, 1) });
    expect(open(broker)).toEqual([]);
    expect(broker.done).toMatchObject([{ id: 1, status: 'cancelled', doneBar: 2, price: null, filled: 0 }]);
  });
});

describe('stop orders', () => {
  it('wait until the price is touched and are filled there', () => {
    expect(entered([100, 104, 90, 100], { stop: 105 })).toEqual([]);
    expect(entered([100, 105, 90, 100], { stop: 105 })).toEqual([[1, 1, 105]]);
    expect(entered([100, 110, 96, 100], { stop: 95 }, sell)).toEqual([]);
    expect(entered([100, 110, 95, 100], { stop: 95 }, sell)).toEqual([[-1, 1, 95]]);
  });

  it('get the worse open where the bar opens beyond them, with tradeOnClose too', () => {
    expect(entered([107, 110, 90, 100], { stop: 105 })).toEqual([[1, 1, 107]]);
    expect(entered([93, 110, 90, 100], { stop: 95 }, sell)).toEqual([[-1, 1, 93]]);
    const broker = played(
      [flat, [107, 110, 90, 100]],
      { 0: (b) => buy(b, { size: 1, stop: 105 }) },
      { tradeOnClose: true },
    );
    expect(open(broker)).toEqual([[1, 1, 107]]);
  });
});

describe('stop-limit orders', () => {
  it('are filled at the stop where the limit lies beyond it', () => {
    expect(entered([100, 110, 90, 100], { stop: 105, limit: 107 })).toEqual([[1, 1, 105]]);
    expect(entered([106, 110, 90, 100], { stop: 105, limit: 107 })).toEqual([[1, 1, 106]]);
  });

  it('are filled at the limit where the bar opens beyond both and comes back', () => {
    expect(entered([108, 110, 90, 100], { stop: 105, limit: 107 })).toEqual([[1, 1, 107]]);
  });

  it('become limits where the bar does not come back', () => {
    const rows: Row[] = [flat, [108, 110, 107.5, 108], [107.2, 108, 106, 107]];
    expect(open(played(rows, { 0: (b) => buy(b, { size: 1, stop: 105, limit: 107 }) }))).toEqual([[1, 2, 107]]);
  });

  it('wait for the next bar where the limit lies before the stop: the worse of what one bar cannot tell', () => {
    const rows: Row[] = [flat, [100, 110, 90, 100], [99, 100, 96, 97]];
    expect(open(played(rows, { 0: (b) => buy(b, { size: 1, stop: 105, limit: 97 }) }))).toEqual([[1, 2, 97]]);
    expect(open(played(rows.slice(0, 2), { 0: (b) => buy(b, { size: 1, stop: 105, limit: 97 }) }))).toEqual([]);
  });

  it('that wait are not tried again in the same bar when another order opens a trade', () => {
    const rows: Row[] = [flat, [100, 110, 90, 100]];
    const both = {
      0: (b: Broker) => (buy(b, { size: 1, stop: 105, limit: 97 }), buy(b, { size: 2, stopLoss: 80 })),
    };
    expect(open(played(rows, both))).toEqual([[2, 1, 100]]);
  });
});

describe('brackets', () => {
  const bracket = { size: 1, stopLoss: 95, takeProfit: 105 };

  it('act in the entry bar of a market order', () => {
    expect(shut(played([flat, [100, 104, 94, 100]], { 0: (b) => buy(b, bracket) }))).toEqual([[1, 1, 100, 1, 95]]);
    expect(shut(played([flat, [100, 106, 96, 100]], { 0: (b) => buy(b, bracket) }))).toEqual([[1, 1, 100, 1, 105]]);
    const short = { size: 1, stopLoss: 105, takeProfit: 95 };
    expect(shut(played([flat, [100, 106, 96, 100]], { 0: (b) => sell(b, short) }))).toEqual([[-1, 1, 100, 1, 105]]);
  });

  it('do not act in the entry bar of a limit or a stop order', () => {
    const wild: Row = [100, 110, 90, 100];
    for (const entry of [{ limit: 98 }, { stop: 102 }]) {
      const broker = played([flat, wild], { 0: (b) => buy(b, { ...bracket, ...entry }) });
      expect(shut(broker)).toEqual([]);
      expect(broker.orders).toHaveLength(2);
    }
  });

  it('both touched by one bar: the stop-loss is filled, however they were set', () => {
    const rows: Row[] = [flat, flat, [100, 110, 90, 100]];
    expect(shut(played(rows, { 0: (b) => buy(b, bracket) }))).toEqual([[1, 1, 100, 2, 95]]);
    const later = {
      0: (b: Broker) => buy(b, { size: 1, stopLoss: 95 }),
      1: (b: Broker) => b.trades.forEach((trade) => setBracket(b, trade, { takeProfit: 105 })),
    };
    expect(shut(played(rows, later))).toEqual([[1, 1, 100, 2, 95]]);
  });

  it('that the market gaps through are filled at the open, worse for a stop-loss, better for a take-profit', () => {
    expect(shut(played([flat, flat, [90, 92, 89, 90]], { 0: (b) => buy(b, bracket) }))).toEqual([[1, 1, 100, 2, 90]]);
    expect(shut(played([flat, flat, [112, 115, 111, 112]], { 0: (b) => buy(b, bracket) }))).toEqual([
      [1, 1, 100, 2, 112],
    ]);
  });

  it('take their sibling with them', () => {
    const broker = played([flat, flat, [100, 106, 99, 100]], { 0: (b) => buy(b, bracket) });
    expect(broker.orders).toEqual([]);
    expect(broker.done.map(({ role, status }) => [role, status])).toEqual([
      ['entry', 'filled'],
      ['take-profit', 'filled'],
      ['stop-loss', 'cancelled'],
    ]);
  });

  it('shrink with their trade, move and go', () => {
    const rows: Row[] = [flat, flat, flat, [100, 100, 94, 95], [100, 100, 90, 95]];
    const broker = played(rows, {
      0: (b) => buy(b, { size: 10, stopLoss: 95 }),
      1: (b) => closePosition(b, 0.4),
      2: (b) => b.trades.forEach((trade) => setBracket(b, trade, { stopLoss: 93 })),
      3: (b) => b.trades.forEach((trade) => setBracket(b, trade, { stopLoss: null })),
    });
    expect(shut(broker)).toEqual([[4, 1, 100, 2, 100]]);
    expect(open(broker)).toEqual([[6, 1, 100]]);
    expect(broker.done.filter(({ role }) => role === 'stop-loss').map(({ stop, size }) => [stop, size])).toEqual([
      [95, -6],
      [93, -6],
    ]);
  });
});

describe('netting and hedging', () => {
  const rows: Row[] = [flat, [101, 101, 101, 101], [102, 102, 102, 102], [110, 110, 110, 110]];
  const script = {
    0: (b: Broker) => buy(b, { size: 3 }),
    1: (b: Broker) => buy(b, { size: 5 }),
    2: (b: Broker) => sell(b, { size: 4 }),
  };

  it('netting closes the oldest first and splits what it needs a part of', () => {
    const broker = played(rows, script);
    expect(shut(broker)).toEqual([
      [3, 1, 101, 3, 110],
      [1, 2, 102, 3, 110],
    ]);
    expect(open(broker)).toEqual([[4, 2, 102]]);
  });

  it('netting opens what is left over', () => {
    const broker = played(rows, { ...script, 2: (b) => sell(b, { size: 10 }) });
    expect(open(broker)).toEqual([[-2, 3, 110]]);
  });

  it('hedging keeps both sides', () => {
    const broker = played(rows, script, { hedging: true });
    expect(shut(broker)).toEqual([]);
    expect(open(broker)).toEqual([
      [3, 1, 101],
      [5, 2, 102],
      [-4, 3, 110],
    ]);
  });

  it('a closing acts on its own trade, not on the oldest', () => {
    const broker = played(rows, {
      ...script,
      2: (b) => b.trades.slice(1).forEach((trade) => closeTrade(b, trade, 0.5)),
    });
    // Half of 5 is 2.5: to the even neighbour.
    expect(shut(broker)).toEqual([[2, 2, 102, 3, 110]]);
    expect(open(broker)).toEqual([
      [3, 1, 101],
      [3, 2, 102],
    ]);
  });

  it('an exclusive order cancels the others and closes all first', () => {
    const broker = played(rows, { ...script, 1: (b) => buy(b, { size: 5, limit: 50 }) }, { exclusiveOrders: true });
    expect(shut(broker)).toEqual([[3, 1, 101, 2, 102]]);
    expect(open(broker)).toEqual([[-4, 3, 110]]);
    expect(broker.done.find(({ limit }) => limit === 50)).toMatchObject({ status: 'cancelled', doneBar: 2 });
  });
});
