import { Metrics as PowertoolsMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metrics as rows, type MetricName, type MetricRow } from '#core/catalogue/metrics.ts';
import type { Clock, Metrics } from '#core/ports.ts';

interface Group {
  readonly row: MetricRow;
  readonly dimension: string | undefined;
  readonly values: Map<MetricName, number[]>;
}

/**
 * At a hundred values of a metric Powertools writes its line by itself, there and then: without our time, and what comes
 * after it without the dimension. So a line of ours stays below.
 */
const valuesALine = 99;

/**
 * Powertools warns of a time that CloudWatch would refuse, a fortnight old or two hours ahead. On AWS the plane's clock is
 * the wall's; on the local plane it may be driven anywhere, and nobody refuses it.
 */
const nothing = (): void => undefined;
const quiet = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Series as EMF lines on stdout, one a namespace and dimension, when the batch ends. */
export function runtimeMetrics(clock: Clock): Metrics {
  const groups = new Map<string, Group>();
  return {
    record(name, value, dimension) {
      const row: MetricRow = rows[name];
      const key = `${row.namespace} ${dimension ?? ''}`;
      const group = groups.get(key) ?? { row, dimension, values: new Map<MetricName, number[]>() };
      group.values.set(name, [...(group.values.get(name) ?? []), value]);
      groups.set(key, group);
    },
    flush() {
      const atMs = Math.round(clock.nowMs());
      for (const group of groups.values()) {
        const most = Math.max(...[...group.values.values()].map(({ length }) => length));
        for (let from = 0; from < most; from += valuesALine) publish(group, from, atMs);
      }
      groups.clear();
    },
  };
}

function publish({ row, dimension, values }: Group, from: number, atMs: number): void {
  const sink = new PowertoolsMetrics({ namespace: row.namespace, serviceName: 'alphaswarm', logger: quiet });
  sink.setTimestamp(atMs);
  if (dimension !== undefined && row.dimension !== 'none') sink.addDimension(row.dimension, dimension);
  for (const [name, all] of values) {
    for (const value of all.slice(from, from + valuesALine)) sink.addMetric(name, MetricUnit[rows[name].unit], value);
  }
  sink.publishStoredMetrics();
}
