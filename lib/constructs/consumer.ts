import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { entryPoints, type ConsumerName } from '#core/catalogue/entry-points.ts';
import { queueRow } from '#core/catalogue/queues.ts';
import { PlaneFunction, type PlaneFunctionProps } from '#lib/constructs/plane-function.ts';
import type { Stage } from '#lib/stages.ts';

export interface ConsumerProps<E extends ConsumerName> extends PlaneFunctionProps<E> {
  readonly pollers: Stage['pollers'];
}

/** The function of one queue, and the mapping that feeds it. */
export class Consumer<E extends ConsumerName> extends PlaneFunction<E> {
  constructor(scope: Construct, id: string, props: ConsumerProps<E>) {
    super(scope, id, props);
    const { consumes } = entryPoints[props.entryPoint];
    const { batch, concurrency } = queueRow(consumes);
    new EventSourceMapping(this, 'Mapping', {
      target: this.handler,
      ...(props.pollers === 'outside' ? { enabled: false } : {}),
      eventSourceArn: props.reach.queues[consumes].queue.queueArn,
      batchSize: batch.size,
      maxBatchingWindow: Duration.seconds(batch.window),
      reportBatchItemFailures: true,
      maxConcurrency: Math.max(leastConcurrency, concurrency.maximum),
    });
  }
}

/** SQS mappings take no smaller maximum; one at a time is a matter of the queue's groups. */
const leastConcurrency = 2;
