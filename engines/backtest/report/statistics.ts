import type { BacktestResult } from '#engines/backtest/backtest.ts';
import type { Confidence } from '#engines/backtest/bootstrap.ts';
import { metrics } from '#engines/backtest/metrics/catalogue.ts';
import type { MetricName } from '#engines/backtest/metrics/catalogue.ts';
import { figure, percent, ratio } from '#engines/backtest/report/format.ts';
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';

const GROUPS: { title: string; names: MetricName[] }[] = [
  {
    title: 'Return and risk',
    names: [
      'returnPercent',
      'buyAndHoldReturnPercent',
      'cagrPercent',
      'annualReturnPercent',
      'annualVolatilityPercent',
      'sharpeRatio',
      'sortinoRatio',
      'calmarRatio',
      'alphaPercent',
      'beta',
    ],
  },
  {
    title: 'Drawdown and equity',
    names: [
      'maxDrawdownPercent',
      'avgDrawdownPercent',
      'maxDrawdownDurationDays',
      'avgDrawdownDurationDays',
      'finalEquity',
      'peakEquity',
      'durationDays',
      'timeInMarketPercent',
      'exposurePercent',
      'turnoverPerYear',
    ],
  },
  {
    title: 'Closed trades',
    names: [
      'tradeCount',
      'winRatePercent',
      'bestTradePercent',
      'worstTradePercent',
      'avgTradePercent',
      'maxTradeDurationDays',
      'avgTradeDurationDays',
      'profitFactor',
      'expectancyPercent',
      'sqn',
      'kellyCriterion',
    ],
  },
];

/** All figures in groups, each with its formula, and how sure the annual ones are. */
export const statisticSection = ({ statistics }: BacktestResult, confidence: Confidence | string): Html =>
  html`<section>
    <h2>Statistics</h2>
    <div class="columns">
      ${GROUPS.map(
        ({ title, names }) =>
          html`<div>
            <h3>${title}</h3>
            <table>
              ${names.map((name) => row(name, statistics))}
            </table>
          </div>`,
      )}
      <div>
        <h3>How sure this is</h3>
        ${typeof confidence === 'string' ? html`<p class="soft">No interval: ${confidence}.</p>` : intervals(confidence)}
      </div>
    </div>
  </section>`;

const row = (name: MetricName, { values, reasons }: BacktestResult['statistics']): Html =>
  html`<tr>
    <th scope="row" title="${metrics[name].source}">${metrics[name].title}</th>
    <td>${figure(name, values[name], reasons[name])}</td>
  </tr>`;

const intervals = (confidence: Confidence): Html => {
  const range = (
    key: 'annualReturnPercent' | 'sharpeRatio' | 'maxDrawdownPercent',
    format: (value: number) => string,
  ): string => `${format(confidence[key].lower)} to ${format(confidence[key].upper)}`;
  return html`<table>
      <tr>
        <th scope="row">Annual return</th>
        <td>${range('annualReturnPercent', percent)}</td>
      </tr>
      <tr>
        <th scope="row">Sharpe ratio</th>
        <td>${range('sharpeRatio', ratio)}</td>
      </tr>
      <tr>
        <th scope="row">Max. drawdown</th>
        <td>${range('maxDrawdownPercent', percent)}</td>
      </tr>
    </table>
    <p class="soft small">
      ${confidence.level * 100} % intervals by the stationary bootstrap (Politis and Romano 1994):
      ${confidence.resamples} resamples of ${confidence.periods} returns a ${confidence.basis}, blocks of
      ${confidence.meanBlock} on average, seed ${confidence.seed}. An interval that holds zero means that the result may
      be chance.
    </p>`;
};
