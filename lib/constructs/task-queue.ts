import { Duration, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, type IRole } from 'aws-cdk-lib/aws-iam';
import {
  DeduplicationScope,
  FifoThroughputLimit,
  Queue,
  QueueEncryption,
  RedrivePermission,
  type QueueProps,
} from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { limits } from '#core/catalogue/limits.ts';
import { queueRow, type QueueName, type QueueRow } from '#core/catalogue/queues.ts';
import { seconds, type Seconds } from '#core/duration.ts';
import { planeName } from '#lib/names.ts';

export interface TaskQueueProps {
  readonly cell: string;
  readonly name: QueueName;
}

/** One queue of the catalogue with its dead-letter queue. Nobody may send to it until `admitOnly` has named who. */
export class TaskQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { cell, name }: TaskQueueProps) {
    super(scope, id);
    const row = queueRow(name);
    const suffix = row.kind === 'fifo' ? '.fifo' : '';
    const queueName = planeName(cell, name) + suffix;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      ...common(row),
      queueName: `${planeName(cell, name)}-dlq${suffix}`,
      // By name: a reference to the queue, which itself refers to this one, would be a circle.
      redriveAllowPolicy: {
        redrivePermission: RedrivePermission.BY_QUEUE,
        sourceQueues: [
          Queue.fromQueueArn(this, 'Source', Stack.of(this).formatArn({ service: 'sqs', resource: queueName })),
        ],
      },
    });
    this.queue = new Queue(this, 'Queue', {
      ...common(row),
      queueName,
      visibilityTimeout: Duration.seconds(visibilityOf(row)),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: limits.maximumReceives },
    });
  }

  /**
   * Refuses messages from everybody else in the account, administrators too: a tick proves that a schedule is due only
   * as long as nobody else can write one, and a pointer without a row would be rejected anyway.
   */
  admitOnly(senders: readonly IRole[]): void {
    const others = { ArnNotEquals: { 'aws:PrincipalArn': senders.map((role) => role.roleArn) } };
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'NamedSendersOnly',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        ...(senders.length > 0 ? { conditions: others } : {}),
      }),
    );
  }
}

/**
 * How long a received message stays hidden. Light: until its function must have ended. Heavy: the executor deletes the
 * message as soon as it has claimed the run, so only a crash in between matters; then the message comes back just after
 * the lease has ended, and the run can be claimed again.
 */
export function visibilityOf(row: QueueRow): Seconds {
  const held = row.tier === 'heavy' && row.lease.kind === 'renewed' ? row.lease.length : row.timeout;
  return seconds(held + limits.visibilityBeyondTimeout);
}

const common = (row: QueueRow): QueueProps => ({
  retentionPeriod: Duration.seconds(limits.queueRetention),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
  ...(row.kind === 'fifo' ? fifo(row) : {}),
});

/** High throughput, where groups are many; a queue that is one group has one order, and nothing to gain. */
const fifo = (row: QueueRow): QueueProps => ({
  fifo: true,
  contentBasedDeduplication: false,
  ...(row.group === 'queue'
    ? {}
    : {
        deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
        fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      }),
});
