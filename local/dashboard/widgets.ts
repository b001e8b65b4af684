// One widget as HTML, from what the plane has of it.
import { escapeHtml, html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';
import { chart, numberOf, type Drawn } from '#local/dashboard/chart.ts';
import type { Dashboard, MetricWidget, ShownMetric, Widget } from '#local/dashboard/body.ts';
import { runQuery } from '#local/dashboard/log-query.ts';
import { beforeMs, perPeriod, pointsOf, statistic, type Range } from '#local/dashboard/series.ts';
import type { LogLine } from '#local/logs.ts';
import type { MetricPoint, Metrics } from '#local/metrics.ts';
import { SCHEDULER_NAMESPACE } from '#local/scheduler-metrics.ts';

/** What a page is drawn from. */
export interface Sources {
  metrics: Metrics;
  /** Lines of a log group, oldest first. */
  linesOf: (logGroup: string) => readonly LogLine[];
  nowMs: number;
  /** Before it there is nothing to be shown. */
  sinceMs: number;
}

interface Found extends Drawn {
  metric: ShownMetric;
  all: MetricPoint[];
}

/** Between the lightness of both grounds; for series that name no colour. */
const palette = ['#3f7fd9', '#c8781a', '#8a6fd6', '#2e9e5b', '#d9483b', '#1f95a3'];

/** The content of a widget, its heading included. Throws TEMPLATE_UNSUPPORTED. */
export function draw(widget: Widget, { start }: Dashboard, sources: Sources): Html {
  switch (widget.type) {
    case 'text':
      return markdown(widget.markdown);
    case 'log':
      return html`<h2>${widget.title}</h2>
        ${logTable(widget.query, rangeOf(start, sources), sources)}`;
    case 'metric':
      return html`<h2>${widget.title}</h2>
        ${metricWidget(widget, rangeOf(widget.start ?? start, sources), sources)}`;
  }
}

/** From `start`, but not before the plane began, to now. */
const rangeOf = (start: string, { nowMs, sinceMs }: Sources): Range => ({
  fromMs: Math.max(nowMs - beforeMs(start), sinceMs),
  toMs: nowMs + 1,
});

function metricWidget(widget: MetricWidget, asked: Range, { metrics }: Sources): Html {
  const range = inPeriods(widget, asked);
  const found = widget.metrics.map((metric, at): Found => {
    const all = pointsOf(metrics, metric, range);
    const { label, periodMs } = metric;
    const color = metric.color ?? palette[at % palette.length] ?? '';
    return { metric, all, label, color, periodMs, points: perPeriod(all, metric) };
  });
  if (widget.view === 'singleValue') return values(found, widget);
  const drawn = found.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return html`<p class="none">${whyNothing(widget)}</p>`;
  const told = found.map(({ label, all, metric }) => `${label} ${whole(all, metric) ?? 'no data'}`);
  return html`${chart(drawn, range, { stacked: widget.stacked, summary: `${widget.title}: ${told.join(', ')}` })}
    <ul class="key">
      ${found.map((one) => keyOf(one))}
    </ul>`;
}

/** Whole periods, so that the first value and the last have their place. */
function inPeriods({ metrics }: MetricWidget, { fromMs, toMs }: Range): Range {
  const periodMs = Math.max(1, ...metrics.map((metric) => metric.periodMs));
  return { fromMs: Math.floor(fromMs / periodMs) * periodMs, toMs: Math.ceil(toMs / periodMs) * periodMs };
}

/** The statistic over the whole range. */
const whole = (points: readonly MetricPoint[], { stat }: ShownMetric): string | undefined =>
  points.length === 0 ? undefined : numberOf(statistic(stat, points));

const shownValue = (value: string | undefined): Html =>
  value === undefined ? html`<b class="none">no data</b>` : html`<b>${value}</b>`;

const keyOf = ({ label, color, all, metric }: Found): Html =>
  html`<li><span class="swatch" style="background:${color}"></span>${label} ${shownValue(whole(all, metric))}</li>`;

const values = (found: readonly Found[], { wholeRange }: MetricWidget): Html =>
  html`<ul class="values">
    ${found.map(({ label, color, all, points, metric }) => {
      const last = points.at(-1);
      const value = wholeRange ? whole(all, metric) : last && numberOf(last.value);
      return html`<li style="border-color:${color}"><span>${label}</span>${shownValue(value)}</li>`;
    })}
  </ul>`;

/** Series of AWS's own, the scheduler's apart, do not exist here; ours may only have no point yet. */
function whyNothing({ metrics }: MetricWidget): string {
  const foreign = new Set(
    metrics.map(({ namespace }) => namespace).filter((name) => name.startsWith('AWS/') && name !== SCHEDULER_NAMESPACE),
  );
  if (foreign.size === 0) return 'No data in this range.';
  return `The local plane keeps no series of ${[...foreign].join(', ')}: look at them on AWS.`;
}

function logTable(query: string, { fromMs, toMs }: Range, { linesOf }: Sources): Html {
  const { fields, rows } = runQuery(query, (logGroup) =>
    linesOf(logGroup).filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
  );
  if (rows.length === 0) return html`<p class="none">No line matches in this range.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${fields.join(', ')}">
    <table>
      <thead>
        <tr>
          ${fields.map((field) => html`<th scope="col">${field}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${fields.map((field) => html`<td>${cell(field, row[field])}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell(field: string, value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (field === '@timestamp') return new Date(Number(value)).toISOString().slice(0, 19).replace('T', ' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Headings, paragraphs, `code`, **bold** and *emphasis*; anything else of Markdown is shown as it is written. */
const markdown = (text: string): Html => {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return html`${lines.map((line) => {
    const heading = /^#+\s+(.*)$/.exec(line);
    return heading ? html`<h2>${inline(heading[1] ?? '')}</h2>` : html`<p>${inline(line)}</p>`;
  })}`;
};

/** Escaped first: what is put around the words is the only markup. */
const inline = (text: string): Html => ({
  html: escapeHtml(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/\*([^*]+)\*/g, '<em>$1</em>'),
});
