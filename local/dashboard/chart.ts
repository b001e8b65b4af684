// Points as SVG: stacked bars, or lines. Axis labels stand beside it as text, since the drawing is stretched to its place.
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';
import type { MetricPoint } from '#local/metrics.ts';
import type { Range } from '#local/dashboard/series.ts';

export interface Drawn {
  label: string;
  color: string;
  periodMs: number;
  points: readonly MetricPoint[];
}

interface Canvas {
  x: (atMs: number) => number;
  y: (value: number) => number;
}

const [width, height] = [600, 120];
/** Of a bar's period; the rest sets it off from the next one. */
const barShare = 0.8;

/** The drawing and its axes. `summary` says in words what it shows. */
export function chart(
  drawn: readonly Drawn[],
  range: Range,
  { stacked, summary }: { stacked: boolean; summary: string },
): Html {
  const values = drawn.flatMap(({ points }) => points.map(({ value }) => value));
  const top = roundUp(stacked ? highestStack(drawn) : Math.max(...values));
  const bottom = Math.min(0, ...values);
  const canvas: Canvas = {
    x: (atMs) => rounded(((atMs - range.fromMs) / (range.toMs - range.fromMs)) * width),
    y: (value) => rounded(height - ((value - bottom) / (top - bottom)) * height),
  };
  return html`<div class="chart">
    <div class="y"><span>${numberOf(top)}</span><span>${numberOf(bottom)}</span></div>
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${summary}">
      <path class="grid" d="M0 0H${width}M0 ${height / 2}H${width}M0 ${height}H${width}" />
      ${stacked ? bars(drawn, canvas) : lines(drawn, canvas)}
    </svg>
    <div class="x"><span>${clock(range.fromMs, range)}</span><span>${clock(range.toMs, range)}</span></div>
  </div>`;
}

function bars(drawn: readonly Drawn[], { x, y }: Canvas): Html[] {
  const stacks = new Map<number, number>();
  return drawn.flatMap(({ label, color, periodMs, points }) =>
    points.map(({ atMs, value }) => {
      const from = stacks.get(atMs) ?? 0;
      stacks.set(atMs, from + value);
      const left = x(atMs + ((1 - barShare) / 2) * periodMs);
      const wide = rounded(x(atMs + periodMs) - x(atMs)) * barShare;
      const tall = rounded(y(from) - y(from + value));
      return html`<rect x="${left}" y="${y(from + value)}" width="${rounded(wide)}" height="${tall}" fill="${color}">
        <title>${new Date(atMs).toISOString().slice(0, 16)} ${label} ${numberOf(value)}</title>
      </rect>`;
    }),
  );
}

/** Through the middle of each period; a lonely point is a dot: a line without length, but with round ends. */
const lines = (drawn: readonly Drawn[], { x, y }: Canvas): Html[] =>
  drawn.map(({ color, periodMs, points }) => {
    const places = points.map(({ atMs, value }) => `${x(atMs + periodMs / 2)} ${y(value)}`);
    const [kind, end] = places.length === 1 ? ['trace dot', 'h0.01'] : ['trace', ''];
    return html`<path class="${kind}" stroke="${color}" d="M${places.join('L')}${end}" />`;
  });

function highestStack(drawn: readonly Drawn[]): number {
  const stacks = Map.groupBy(
    drawn.flatMap(({ points }) => points),
    ({ atMs }) => atMs,
  );
  return Math.max(...[...stacks.values()].map((points) => points.reduce((total, { value }) => total + value, 0)));
}

/** Few digits, and little room above the highest value. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((step) => step * power >= value) ?? 10) * power || 1;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Whole, or with one decimal. */
export const numberOf = (value: number): string => String(rounded(value));

const dayMs = 86_400_000;
/** With its date where the range is longer than a day. */
const clock = (atMs: number, { fromMs, toMs }: Range): string => {
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  return toMs - fromMs > dayMs ? `${date} ${time.slice(0, 5)}` : time.slice(0, 5);
};
