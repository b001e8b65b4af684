import { Metrics as PowertoolsMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metrics as rows, type MetricName, type MetricRow } from '#core/catalogue/metrics.ts';
import type { Clock, Metrics } from '#core/ports.ts';

interface Value {
  readonly name: MetricName;
  readonly value: number;
}

/** Series as EMF lines on stdout, one a namespace and dimension, when the batch ends. */
export function runtimeMetrics(clock: Clock): Metrics {
  const groups = new Map<string, { row: MetricRow; dimension: string | undefined; values: Value[] }>();
  return {
    record(name, value, dimension) {
      const row: MetricRow = rows[name];
      const key = `${row.namespace} ${dimension ?? ''}`;
      const group = groups.get(key) ?? { row, dimension, values: [] };
      group.values.push({ name, value });
      groups.set(key, group);
    },
    flush() {
      for (const { row, dimension, values } of groups.values()) {
        const sink = new PowertoolsMetrics({ namespace: row.namespace, serviceName: 'alphaswarm' });
        if (dimension !== undefined && row.dimension !== 'none') sink.addDimension(row.dimension, dimension);
        for (const { name, value } of values) sink.addMetric(name, MetricUnit[rows[name].unit], value);
        sink.setTimestamp(clock.nowMs());
        sink.publishStoredMetrics();
      }
      groups.clear();
    },
  };
}
