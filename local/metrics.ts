// CloudWatch's Embedded Metric Format: a log line that is JSON with an `_aws` block becomes points of series. The same line
// makes the same metrics on AWS, so what an alarm or a dashboard would see can be asked for here.
import * as z from 'zod';

export interface MetricPoint {
  atMs: number;
  value: number;
}

interface MetricSeries {
  namespace: string;
  name: string;
  unit: string;
  dimensions: Record<string, string>;
  points: MetricPoint[];
}

interface MetricQuery {
  namespace?: string;
  name?: string;
  /** Those that a series must have; it may have more. */
  dimensions?: Record<string, string>;
}

export interface Metrics {
  series(query?: MetricQuery): MetricSeries[];
}

export interface MetricsRecorder extends Metrics {
  /** Reads one line of a function's log; what is not EMF is left alone. */
  readLine(line: string): void;
  record(series: Omit<MetricSeries, 'points'>, points: MetricPoint[]): void;
}

const emfSchema = z.looseObject({
  _aws: z.object({
    Timestamp: z.number(),
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string().default('None') })),
      }),
    ),
  }),
});

type Emf = z.infer<typeof emfSchema>;
type Directive = Emf['_aws']['CloudWatchMetrics'][number];

/** A plane may run for days: a series keeps its youngest points. */
const POINTS_KEPT = 10_000;

/** Series in memory, in the order in which they first appeared. */
export function createMetrics(): MetricsRecorder {
  const all = new Map<string, MetricSeries>();

  function record(series: Omit<MetricSeries, 'points'>, points: MetricPoint[]): void {
    const key = JSON.stringify([
      series.namespace,
      series.name,
      Object.keys(series.dimensions)
        .sort()
        .map((dimension) => [dimension, series.dimensions[dimension]]),
    ]);
    const known = all.get(key);
    const kept = known?.points ?? [];
    kept.push(...points);
    kept.splice(0, kept.length - POINTS_KEPT);
    if (!known) all.set(key, { ...series, points: kept });
  }

  return {
    record,
    readLine(line) {
      const emf = parseEmf(line);
      for (const directive of emf?._aws.CloudWatchMetrics ?? []) {
        if (emf) recordDirective(emf, directive, record);
      }
    },
    series: (query = {}) => [...all.values()].filter((series) => matches(series, query)),
  };
}

/** Both's series, as if kept by one. */
export const together = (...parts: Metrics[]): Metrics => ({
  series: (query) => parts.flatMap((part) => part.series(query)),
});

/** One point a value, metric and set of dimensions; a set without dimensions is a series too. */
function recordDirective(emf: Emf, directive: Directive, record: MetricsRecorder['record']): void {
  for (const { Name: name, Unit: unit } of directive.Metrics) {
    const points = valuesOf(emf[name]).map((value) => ({ atMs: emf._aws.Timestamp, value }));
    if (points.length === 0) continue;
    for (const set of directive.Dimensions) {
      const dimensions = Object.fromEntries(set.map((dimension) => [dimension, String(emf[dimension])]));
      record({ namespace: directive.Namespace, name, unit, dimensions }, points);
    }
  }
}

function parseEmf(line: string): Emf | undefined {
  if (!line.startsWith('{') || !line.includes('"_aws"')) return undefined;
  try {
    return emfSchema.safeParse(JSON.parse(line)).data;
  } catch {
    // A line that only looks like JSON is a log line.
    return undefined;
  }
}

function valuesOf(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'number');
}

function matches(series: MetricSeries, { namespace, name, dimensions = {} }: MetricQuery): boolean {
  if (namespace !== undefined && series.namespace !== namespace) return false;
  if (name !== undefined && series.name !== name) return false;
  return Object.entries(dimensions).every(([key, value]) => series.dimensions[key] === value);
}
