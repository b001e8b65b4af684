// A dashboard's body, as far as it is drawn here. What is not known is refused by its name: a widget left out, or drawn
// without a part of it, would look like the dashboard on AWS and say something else.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
import * as z from 'zod';
import { PlaneError } from '#local/errors.ts';
import type { DashboardSpec } from '#local/dashboard/resources.ts';

export interface ShownMetric {
  namespace: string;
  name: string;
  dimensions: Record<string, string>;
  stat: string;
  periodMs: number;
  label: string;
  color: string | undefined;
}

/** In cells of a grid 24 wide. */
interface Place {
  x: number;
  y: number;
  width: number;
}

export interface MetricWidget {
  type: 'metric';
  view: 'timeSeries' | 'singleValue';
  title: string;
  metrics: ShownMetric[];
  stacked: boolean;
  /** A duration before now, as ISO 8601 has it after a minus sign; the dashboard's own when absent. */
  start: string | undefined;
  /** One value of the whole range instead of that of the last period. */
  wholeRange: boolean;
}

export type Widget = Place &
  (MetricWidget | { type: 'text'; markdown: string } | { type: 'log'; title: string; query: string });

export interface Dashboard {
  name: string;
  start: string;
  /** From top to bottom, and from left to right. */
  widgets: Widget[];
}

const before = z.string().regex(/^-P(?=.)(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?)?$/, 'is not a duration like -PT3H');
const place = {
  x: z.number().default(0),
  y: z.number().default(0),
  width: z.number().default(6),
  height: z.number().default(6),
};
const options = z.strictObject({
  label: z.string().optional(),
  stat: z.string().optional(),
  period: z.number().positive().optional(),
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'is not a colour like #1a2b3c')
    .optional(),
  region: z.string().optional(),
});
const metricProperties = z.strictObject({
  view: z.enum(['timeSeries', 'singleValue']).default('timeSeries'),
  title: z.string().default(''),
  region: z.string().optional(),
  metrics: z.array(z.array(z.union([z.string(), z.record(z.string(), z.unknown())]))),
  stat: z.string().default('Average'),
  period: z.number().positive().default(300),
  stacked: z.boolean().default(false),
  start: before.optional(),
  setPeriodToTimeRange: z.boolean().default(false),
  // Every axis begins at zero here.
  yAxis: z.strictObject({ left: z.strictObject({ min: z.literal(0) }) }).optional(),
});

const widgetTypes = {
  metric: z
    .strictObject({ ...place, type: z.literal('metric'), properties: metricProperties })
    .transform(({ properties: { setPeriodToTimeRange: wholeRange, ...properties }, ...widget }, context) => {
      const { view, title, stacked, start } = properties;
      const metrics = inFull(properties.metrics).map((parts) => shown(parts, properties, context));
      return { ...widget, view, title, stacked, start, wholeRange, metrics };
    }),
  text: z
    .strictObject({
      ...place,
      type: z.literal('text'),
      properties: z.strictObject({ markdown: z.string(), background: z.string().optional() }),
    })
    .transform(({ properties: { markdown }, ...widget }) => ({ ...widget, markdown })),
  log: z
    .strictObject({
      ...place,
      type: z.literal('log'),
      properties: z.strictObject({
        view: z.literal('table'),
        title: z.string().default(''),
        region: z.string().optional(),
        query: z.string(),
      }),
    })
    .transform(({ properties: { title, query }, ...widget }) => ({ ...widget, title, query })),
};

const bodySchema = z.strictObject({
  start: before.default('-PT3H'),
  periodOverride: z.enum(['auto', 'inherit']).optional(),
  widgets: z.array(z.looseObject({ type: z.string() })),
});

type Parts = (string | Record<string, unknown>)[];

/** Writes out what a row takes from the one above it: `...` for all that comes before, `.` for one part. */
function inFull(rows: Parts[]): Parts[] {
  const written: Parts[] = [];
  for (const row of rows) {
    const above = (written.at(-1) ?? []).filter((part) => typeof part === 'string');
    const strings = row.filter((part) => typeof part === 'string').length;
    const spread = row[0] === '...' ? [...above.slice(0, above.length - strings + 1), ...row.slice(1)] : row;
    written.push(spread.map((part, at) => (part === '.' ? (above[at] ?? part) : part)));
  }
  return written;
}

/** One row: namespace, name, dimensions by turns, and perhaps an object of options. */
function shown(row: Parts, defaults: { stat: string; period: number }, { issues }: z.core.$RefinementCtx): ShownMetric {
  const [namespace = '', name = '', ...rest] = row.filter((part) => typeof part === 'string');
  if (name === '' || rest.length % 2 === 1) complain(issues, row, 'is not namespace, name and pairs of dimensions');
  const { stat, period, label, color } = optionsOf(row, issues);
  return {
    namespace,
    name,
    dimensions: Object.fromEntries(rest.flatMap((key, at) => (at % 2 === 0 ? [[key, rest[at + 1] ?? '']] : []))),
    stat: stat ?? defaults.stat,
    periodMs: 1000 * (period ?? defaults.period),
    label: label ?? name,
    color,
  };
}

function optionsOf(row: Parts, issues: z.core.$RefinementCtx['issues']): z.infer<typeof options> {
  const { success, data, error } = options.safeParse(row.find((part) => typeof part === 'object') ?? {});
  if (!success) complain(issues, row, error.issues[0]?.message ?? 'is not understood');
  return data ?? {};
}

const complain = (issues: z.core.$RefinementCtx['issues'], row: Parts, what: string): void =>
  void issues.push({ code: 'custom', input: row, message: `the metric ${JSON.stringify(row)}: ${what}` });

/** Throws TEMPLATE_UNSUPPORTED with the widget and what of it is not drawn here. */
export function readBody({ name, body }: DashboardSpec): Dashboard {
  const { start, widgets } = parsed(bodySchema, jsonOf(body, name), name);
  const read = widgets.map((widget, at): Widget => {
    const where = `${name}, widget ${at + 1}`;
    if (!isKnown(widget.type)) throw unsupported(where, `its type is ${JSON.stringify(widget.type)}`);
    return parsed<Widget>(widgetTypes[widget.type], widget, where);
  });
  return { name, start, widgets: read.toSorted((one, other) => one.y - other.y || one.x - other.x) };
}

const isKnown = (type: string): type is keyof typeof widgetTypes => Object.hasOwn(widgetTypes, type);

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unsupported(where, 'its body is no JSON', cause);
  }
}

function parsed<Out>(schema: z.ZodType<Out>, value: unknown, where: string): Out {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw unsupported(where, [issue?.path.join('.'), issue?.message].filter(Boolean).join(': '));
}

const unsupported = (where: string, what: string, cause?: unknown): PlaneError =>
  new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `The dashboard ${where} cannot be drawn here: ${what}. Teach local/dashboard/body.ts, or correct it in lib/.`,
    { cause },
  );
