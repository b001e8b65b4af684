// Points of the plane's series, put together as CloudWatch does: a value a period.
import { PlaneError } from '#local/errors.ts';
import type { MetricPoint, Metrics } from '#local/metrics.ts';
import type { ShownMetric } from '#local/dashboard/body.ts';

/** From inclusive, to exclusive. */
export interface Range {
  fromMs: number;
  toMs: number;
}

/** Milliseconds of `-PT3H` and the like. */
export function beforeMs(start: string): number {
  const unitsMs = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000 };
  return [...start.matchAll(/(\d+)([WDHM])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitsMs[unit as keyof typeof unitsMs],
    0,
  );
}

/** The points of exactly this series: one with another dimension more is another. */
export function pointsOf(metrics: Metrics, { namespace, name, dimensions }: ShownMetric, range: Range): MetricPoint[] {
  return metrics
    .series({ namespace, name, dimensions })
    .filter((series) => Object.keys(series.dimensions).length === Object.keys(dimensions).length)
    .flatMap(({ points }) => points)
    .filter(({ atMs }) => atMs >= range.fromMs && atMs < range.toMs);
}

/** A point a period that has any, at the beginning of the period. */
export function perPeriod(points: readonly MetricPoint[], { stat, periodMs }: ShownMetric): MetricPoint[] {
  const periods = Map.groupBy(points, ({ atMs }) => Math.floor(atMs / periodMs) * periodMs);
  return [...periods]
    .map(([atMs, inIt]) => ({ atMs, value: statistic(stat, inIt) }))
    .toSorted((one, other) => one.atMs - other.atMs);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const statistics: Record<string, (values: readonly number[]) => number> = {
  Sum: sum,
  SampleCount: ({ length }) => length,
  Average: (values) => sum(values) / values.length,
  Minimum: (values) => values.reduce((least, value) => Math.min(least, value), Infinity),
  Maximum: (values) => values.reduce((most, value) => Math.max(most, value), -Infinity),
};

/** Of at least one point; percentiles by nearest rank. Throws TEMPLATE_UNSUPPORTED for a statistic that is not known. */
export function statistic(stat: string, points: readonly MetricPoint[]): number {
  const values = points.map(({ value }) => value);
  const plain = statistics[stat];
  if (plain) return plain(values);
  const percent = Number(/^p(\d+(?:\.\d+)?)$/.exec(stat)?.[1] ?? NaN);
  if (percent >= 0 && percent <= 100) {
    const ranked = values.toSorted((one, other) => one - other);
    return ranked[Math.max(0, Math.ceil((percent / 100) * ranked.length) - 1)] ?? NaN;
  }
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `The statistic ${stat} is not computed here. Known: ${Object.keys(statistics).join(', ')}, p0 to p100. Teach local/dashboard/series.ts.`,
  );
}
