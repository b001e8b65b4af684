// Charts of a run as Vega specifications, drawn to SVG text: no canvas, no DOM, no script in the page. Colours are CSS
// variables, so that one drawing serves light and dark.
import { View, parse } from 'vega';
import type { Axis, Mark, Scale, Spec } from 'vega';

/** Wide for a desk, narrow for a phone: text keeps its size, the plot changes. */
export interface Frame {
  width: number;
  height: number;
  narrow: boolean;
}

export type Row = Record<string, number | string>;

/** Draws a specification. */
export const draw = async (spec: Spec): Promise<string> => {
  const view = new View(parse(spec), { renderer: 'none', logLevel: 0 });
  try {
    return responsive(await view.toSVG());
  } finally {
    view.finalize();
  }
};

/** The drawing scales with the column it stands in, down from its natural width. */
const responsive = (svg: string): string =>
  svg.replace(/ width="([\d.]+)" height="[\d.]+"/, (_, width: string) => ` style="max-width:${width}px" width="100%"`);

const axisStyle = {
  labelColor: 'var(--soft)',
  titleColor: 'var(--soft)',
  gridColor: 'var(--line)',
  domain: false,
  ticks: false,
  labelPadding: 6,
  labelFontSize: 11,
  labelFont: 'system-ui,sans-serif',
} as const;

const axes = (frame: Frame, format: string): Axis[] => [
  { ...axisStyle, scale: 'y', orient: 'left', grid: true, tickCount: 5, format },
  { ...axisStyle, scale: 'x', orient: 'bottom', tickCount: frame.narrow ? 4 : 8, labelOverlap: true, labelFlush: true },
];

const scales = (y: { fields: readonly string[]; log?: boolean; zero?: boolean }): Scale[] => {
  const domain = { data: 'points', fields: [...y.fields] };
  const value: Scale = y.log
    ? { name: 'y', type: 'log', range: 'height', domain }
    : { name: 'y', type: 'linear', range: 'height', nice: true, zero: y.zero ?? false, domain };
  return [{ name: 'x', type: 'utc', range: 'width', domain: { data: 'points', field: 'ts' } }, value];
};

const frameOf = (frame: Frame): Pick<Spec, 'width' | 'height' | 'padding' | 'autosize'> => ({
  width: frame.width,
  height: frame.height,
  padding: 4,
  autosize: { type: 'fit', contains: 'padding' },
});

export const line = (field: string, colour: string, dash?: number[]): Mark => ({
  type: 'line',
  from: { data: 'points' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'ts' },
      y: { scale: 'y', field },
      stroke: { value: colour },
      strokeWidth: { value: dash ? 1.25 : 1.75 },
      ...(dash ? { strokeDash: { value: dash } } : {}),
    },
  },
});

export interface LineChart {
  frame: Frame;
  points: Row[];
  /** Fields, each with a mark of its own. */
  fields: readonly string[];
  marks: Mark[];
  format: string;
  log?: boolean;
  zero?: boolean;
  /** Further data sets for the marks. */
  data?: Record<string, Row[]>;
}

/** Lines, areas or symbols over time. */
export const timeChart = (chart: LineChart): Spec => ({
  ...frameOf(chart.frame),
  data: [
    { name: 'points', values: chart.points },
    ...Object.entries(chart.data ?? {}).map(([name, values]) => ({ name, values })),
  ],
  scales: scales({ fields: chart.fields, log: chart.log ?? false, zero: chart.zero ?? false }),
  axes: axes(chart.frame, chart.format),
  marks: chart.marks,
});

/** From zero down to a field. */
export const area = (field: string, colour: string): Mark => ({
  type: 'area',
  from: { data: 'points' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'ts' },
      y: { scale: 'y', field },
      y2: { scale: 'y', value: 0 },
      fill: { value: colour },
      fillOpacity: { value: 0.25 },
      stroke: { value: colour },
      strokeWidth: { value: 1 },
    },
  },
});

export const symbols = (data: string, style: { shape: string; colour: string; size: number }): Mark => ({
  type: 'symbol',
  from: { data },
  encode: {
    enter: {
      x: { scale: 'x', field: 'ts' },
      y: { scale: 'y', field: 'price' },
      shape: { value: style.shape },
      size: { value: style.size },
      fill: { value: style.colour },
      stroke: { value: 'var(--ground)' },
      strokeWidth: { value: 0.75 },
    },
  },
});

// Percent at which a cell's shade changes: a quiet month, a good one, a large one.
const STEPS = [-10, -5, -2, 0, 2, 5, 10];
const SHADES = STEPS.map((_, index) => `var(--heat${index})`).concat(`var(--heat${STEPS.length})`);

/** Years down, months across, the year's return at the end. */
export const heatMap = (frame: Frame, cells: Row[]): Spec => ({
  ...frameOf(frame),
  data: [{ name: 'cells', values: cells }],
  scales: [
    { name: 'x', type: 'band', range: 'width', domain: [...MONTHS], padding: 0.06 },
    { name: 'y', type: 'band', range: 'height', domain: { data: 'cells', field: 'year', sort: true }, padding: 0.08 },
    { name: 'shade', type: 'threshold', domain: STEPS, range: SHADES },
  ],
  axes: [
    { ...axisStyle, scale: 'x', orient: 'top', ...(frame.narrow ? { labelFontSize: 9, labelPadding: 3 } : {}) },
    { ...axisStyle, scale: 'y', orient: 'left' },
  ],
  marks: [heatCell, heatText(frame)],
});

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec', 'Year'] as const;
export const monthName = (month: number): string => MONTHS[month - 1] ?? '';

const heatCell: Mark = {
  type: 'rect',
  from: { data: 'cells' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'month' },
      y: { scale: 'y', field: 'year' },
      width: { scale: 'x', band: 1 },
      height: { scale: 'y', band: 1 },
      cornerRadius: { value: 3 },
      fill: { scale: 'shade', field: 'percent' },
    },
  },
};

const heatText = (frame: Frame): Mark => ({
  type: 'text',
  from: { data: 'cells' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'month', band: 0.5 },
      y: { scale: 'y', field: 'year', band: 0.5 },
      align: { value: 'center' },
      baseline: { value: 'middle' },
      fontSize: { value: frame.narrow ? 8.5 : 11 },
      font: { value: 'system-ui,sans-serif' },
      fill: { value: 'var(--text)' },
      text: { signal: `format(datum.percent, '${frame.narrow ? '.0f' : '.1f'}')` },
    },
  },
});
