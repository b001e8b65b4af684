// Costs, settings, trades and the data: what makes a result believable or not.
import type { BacktestResult, OpenTradeRow, TradeRow } from '#engines/backtest/backtest.ts';
import { shownTime } from '#engines/backtest/bars.ts';
import { count, figure, money, percent, price, tone } from '#engines/backtest/report/format.ts';
import type { ReportInput } from '#engines/backtest/report/report.ts';
import type { Simulation } from '#engines/backtest/simulate.ts';
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';

const SHOWN_TRADES = 200;

/** The closed trades, folded; the whole list is in the trades file. */
export const tradeSection = ({ trades }: BacktestResult): Html => {
  if (trades.length === 0) return html`<p>No trade was closed.</p>`;
  const shown = trades.slice(-SHOWN_TRADES);
  const which = shown.length < trades.length ? `the last ${shown.length} of ${trades.length}` : `all ${trades.length}`;
  return html`<details>
    <summary>Closed trades, ${which}</summary>
    <div class="scroll">
      <table class="list">
        <tr>
          <th class="text">Entry</th>
          <th class="text">Exit</th>
          <th>Units</th>
          <th>At</th>
          <th>Out at</th>
          <th>Fees</th>
          <th>Profit</th>
          <th>Return</th>
        </tr>
        ${shown.map(tradeRow)}
      </table>
    </div>
  </details>`;
};

const tradeRow = (trade: TradeRow): Html =>
  html`<tr>
    <td class="text">${trade.entryTime}</td>
    <td class="text">${trade.exitTime}</td>
    <td>${count(trade.size)}</td>
    <td>${price(trade.entryPrice)}</td>
    <td>${price(trade.exitPrice)}</td>
    <td>${money(trade.commission)}</td>
    <td class="${tone(trade.pnl)}">${money(trade.pnl)}</td>
    <td>${percent(trade.returnPercent)}</td>
  </tr>`;

/** What was not closed: it is in the equity, and not among the trades. */
export const openSection = (run: Simulation, { openTrades }: BacktestResult): Html => {
  if (openTrades.length === 0) return html``;
  const close = run.bars.close.at(-1) ?? 0;
  return html`<section>
    <h2>Open at the end</h2>
    <p class="soft small">In the equity at the last close of ${price(close)}, and not among the closed trades.</p>
    <div class="scroll">
      <table class="list">
        <tr>
          <th class="text">Entry</th>
          <th>Units</th>
          <th>At</th>
          <th>Profit so far</th>
        </tr>
        ${openTrades.map(openRow)}
      </table>
    </div>
  </section>`;
};

const openRow = (trade: OpenTradeRow): Html =>
  html`<tr>
    <td class="text">${trade.entryTime}</td>
    <td>${count(trade.size)}</td>
    <td>${price(trade.entryPrice)}</td>
    <td class="${tone(trade.pnl)}">${money(trade.pnl)}</td>
  </tr>`;

/** What trading took. */
export const costSection = (run: Simulation, { statistics }: BacktestResult): Html => {
  const { values } = statistics;
  const total = (values.feesPaid ?? 0) + (values.spreadCost ?? 0) + (values.slippageCost ?? 0);
  return html`<section>
    <h2>Costs</h2>
    <table>
      <tr>
        <th scope="row">Commissions</th>
        <td>${figure('feesPaid', values.feesPaid)}</td>
      </tr>
      <tr>
        <th scope="row">Spread, inside the prices</th>
        <td>${figure('spreadCost', values.spreadCost)}</td>
      </tr>
      <tr>
        <th scope="row">Slippage, inside the prices</th>
        <td>${figure('slippageCost', values.slippageCost)}</td>
      </tr>
      <tr>
        <th scope="row">Together</th>
        <td>${money(total)}</td>
      </tr>
      <tr>
        <th scope="row">Share of the initial cash</th>
        <td>${percent((total / run.broker.options.cash) * 100)}</td>
      </tr>
    </table>
  </section>`;
};

/** Everything that was set. */
export const settingSection = ({ strategy, broker }: Simulation): Html => {
  const { options } = broker;
  const rows: [string, string][] = [
    ['Strategy', `${strategy.name} ${JSON.stringify(strategy.params)}`],
    ['Initial cash', money(options.cash)],
    [
      'Commission',
      `${money(options.commission.fixed)} a fill plus ${percent(options.commission.relative * 100)} of its value`,
    ],
    ['Spread', percent(options.spread * 100)],
    ['Slippage', percent(options.slippage * 100)],
    ['Margin', percent(options.margin * 100)],
    ['Market orders are filled at', options.tradeOnClose ? 'the close of the bar that placed them' : 'the next open'],
    ['Opposite trades', options.hedging ? 'live side by side' : 'are netted, the oldest first'],
    ['A new order', options.exclusiveOrders ? 'replaces all others and closes all trades' : 'joins the others'],
    ['At the end', options.finalizeTrades ? 'open trades are closed' : 'open trades stay open'],
  ];
  return html`<section>
    <h2>Settings</h2>
    ${pairs(rows)}
  </section>`;
};

/** Which data, and what of it was not used. */
export const dataSection = ({ run, selection, data }: ReportInput): Html => {
  const { tsMs } = run.bars;
  const rows: [string, string][] = [
    ['Dataset', data.name],
    ['SHA-256', data.sha256],
    ['Rows', count(data.rows)],
    ['Used', `${count(tsMs.length)} bars, ${shownTime(tsMs[0] ?? 0)} to ${shownTime(tsMs.at(-1) ?? 0)}`],
    ['Left out before from', `${count(selection.droppedBefore)} bars`],
    ['Left out after to', `${count(selection.droppedAfter)} bars`],
    ['Warm-up, no decision', `${count(run.strategy.warmUpBars)} bars`],
    ['Refused at ingestion', data.quarantinedRows === undefined ? 'not told' : `${count(data.quarantinedRows)} rows`],
  ];
  return html`<section>
    <h2>Data, and what was dropped</h2>
    ${pairs(rows)}
  </section>`;
};

const pairs = (rows: readonly [string, string][]): Html =>
  html`<table>
    ${rows.map(
      ([name, value]) =>
        html`<tr>
          <th scope="row">${name}</th>
          <td>${value}</td>
        </tr>`,
    )}
  </table>`;
