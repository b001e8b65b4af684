// report.html: one file, no script, nothing loaded from anywhere; readable on a phone, printed or mailed.
import type { BacktestResult } from '#engines/backtest/backtest.ts';
import type { Selection } from '#engines/backtest/bars.ts';
import { shownTime } from '#engines/backtest/bars.ts';
import type { Confidence } from '#engines/backtest/bootstrap.ts';
import {
  costSection,
  dataSection,
  openSection,
  settingSection,
  tradeSection,
} from '#engines/backtest/report/sections.ts';
import { drawAll } from '#engines/backtest/report/figures.ts';
import type { Drawing, Drawings } from '#engines/backtest/report/figures.ts';
import { percent, ratio, tone } from '#engines/backtest/report/format.ts';
import { statisticSection } from '#engines/backtest/report/statistics.ts';
import { STYLE } from '#engines/backtest/report/style.ts';
import type { Simulation } from '#engines/backtest/simulate.ts';
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';

/** Where the bars came from, in words for people and digests for machines. */
export interface DataVersion {
  name: string;
  sha256: string;
  /** Rows of the dataset, before from and to. */
  rows: number;
  /** Rows that ingestion refused. */
  quarantinedRows?: number;
}

export interface ReportInput {
  run: Simulation;
  result: BacktestResult;
  selection: Selection;
  data: DataVersion;
  /** Or why there is none. */
  confidence: Confidence | string;
  /** A line at the end: run id, code version, time. */
  provenance?: string;
}

/** The whole page. Same input, same bytes. */
export const reportHtml = async (input: ReportInput): Promise<string> => {
  const drawings = await drawAll(input.run, input.result);
  const { run, data } = input;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <meta name="color-scheme" content="light dark" />
        <title>Backtest of ${run.strategy.name} on ${data.name}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <header>
          <h1>${run.strategy.name} on ${data.name}</h1>
          <p class="soft">${run.strategy.title}. ${span(run.bars.tsMs)}, ${run.bars.tsMs.length} bars.</p>
          ${tiles(input)}
        </header>
        <main>${warningSection(input)} ${sections(input, drawings)}</main>
        ${footer(input.provenance)}
      </body>
    </html> `.html;
};

const sections = (input: ReportInput, drawings: Drawings): Html => {
  const { run, result, confidence } = input;
  return html`${equitySection(drawings)} ${statisticSection(result, confidence)} ${monthSection(drawings.months)}
  ${priceSection(drawings.price, result)} ${openSection(run, result)} ${costSection(run, result)} ${settingSection(run)}
  ${dataSection(input)}`;
};

const equitySection = ({ equity, drawdown }: Drawings): Html =>
  html`<section>
    <h2>Equity beside buy and hold</h2>
    ${shown(equity, 'Equity beside buy and hold')}
    <p class="key small">
      <span style="color:var(--equity)"><i>&#9472;</i> strategy, after costs</span>
      <span class="soft"><i>&#9476;</i> buy and hold from the end of the warm-up, without costs</span>
    </p>
    <h2>Drawdown</h2>
    ${shown(drawdown, 'Distance to the highest equity so far')}
  </section>`;

const monthSection = (months: Drawing | null): Html =>
  months === null
    ? html``
    : html`<section>
        <h2>Returns by month, percent</h2>
        ${shown(months, 'Return of each month and year')}
      </section>`;

const priceSection = (drawing: Drawing, result: BacktestResult): Html =>
  html`<section>
    <h2>Price and trades</h2>
    ${shown(drawing, 'Close with entries and exits')}
    <p class="key small">
      <span class="gain"><i>&#9650;</i> long entry</span><span class="loss"><i>&#9660;</i> short entry</span>
      <span class="soft"><i>+</i> exit</span>
    </p>
    ${tradeSection(result)}
  </section>`;

const footer = (provenance: string | undefined): Html =>
  html`<footer class="small">
    <p>
      A backtest says what would have happened to one history under the rules above. It is no promise, and choosing
      among many backtests makes the best one look better than it is.
    </p>
    ${provenance === undefined ? [] : html`<p>${provenance}</p>`}
  </footer>`;

const span = (tsMs: Float64Array): string => `${shownTime(tsMs[0] ?? 0)} to ${shownTime(tsMs.at(-1) ?? 0)}`;

const shown = (drawing: Drawing, label: string): Html =>
  html`<figure aria-label="${label}">
    <div class="wide">${{ html: drawing.wide }}</div>
    <div class="narrow">${{ html: drawing.narrow }}</div>
  </figure>`;

const tiles = ({ result, confidence }: ReportInput): Html => {
  const { values } = result.statistics;
  const interval = (key: 'sharpeRatio' | 'annualReturnPercent', format: (value: number) => string): string =>
    typeof confidence === 'string' ? '' : `95 %: ${format(confidence[key].lower)} to ${format(confidence[key].upper)}`;
  const known = (value: number | null, format: (value: number) => string): string =>
    value === null ? 'none' : format(value);
  return html`<div class="tiles">
    ${tile('Return', known(values.returnPercent, percent), { tone: tone(values.returnPercent) })}
    ${tile('Buy and hold', known(values.buyAndHoldReturnPercent, percent), {})}
    ${tile('A year', known(values.annualReturnPercent, percent), {
      tone: tone(values.annualReturnPercent),
      below: interval('annualReturnPercent', percent),
    })}
    ${tile('Sharpe ratio', known(values.sharpeRatio, ratio), { below: interval('sharpeRatio', ratio) })}
    ${tile('Max. drawdown', known(values.maxDrawdownPercent, percent), { tone: tone(values.maxDrawdownPercent) })}
    ${tile('Closed trades', String(values.tradeCount ?? 0), {
      below: values.winRatePercent === null ? '' : `${percent(values.winRatePercent)} won`,
    })}
  </div>`;
};

const tile = (title: string, value: string, more: { tone?: string; below?: string }): Html =>
  html`<div class="tile">
    <span>${title}</span><b class="${more.tone ?? ''}">${value}</b><span>${more.below ?? ''}</span>
  </div>`;

const warningSection = ({ run, result }: ReportInput): Html => {
  const { warnings } = result;
  if (warnings.length === 0) return html``;
  const shownWarnings = warnings
    .slice(0, 20)
    .map(({ bar, message }) => html`<li>${shownTime(run.bars.tsMs[bar] ?? 0)}: ${message}</li>`);
  const more = warnings.length > 20 ? html`<li>and ${warnings.length - 20} more</li>` : html``;
  return html`<div class="note">
    <details>
      <summary>${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'} of the broker</summary>
      <ul>
        ${shownWarnings} ${more}
      </ul>
    </details>
  </div>`;
};
