import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { metrics, type MetricName, type MetricRow } from '#core/catalogue/metrics.ts';

/** On every line that runtime/metrics.ts writes: EMF's schema wants a dimension, and some metrics have no other. */
const service = 'alphaswarm';

/**
 * A series of the bundles: namespace, name, and the very set of dimensions that is emitted, for with one more or one less
 * CloudWatch shows another series, which is empty. `of` is the queue or schedule; a metric without a dimension ignores it.
 */
export function emitted(name: MetricName, of: string, options: MetricOptions): Metric {
  const { namespace, dimension }: MetricRow = metrics[name];
  const own = dimension === 'none' ? {} : { [dimension]: of };
  return new Metric({ namespace, metricName: name, dimensionsMap: { service, ...own }, ...options });
}
