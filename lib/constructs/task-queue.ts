import { Duration, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, ServicePrincipal, type IRole } from 'aws-cdk-lib/aws-iam';
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
      deliveryDelay: Duration.seconds(row.deliveryDelay),
      // A rule can give no deduplication id, so EventBridge insists on SQS making one. Senders of ours give their own.
      ...(row.group === 'family' ? { contentBasedDeduplication: true } : {}),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: limits.maximumReceives },
    });
  }

  /**
   * Refuses messages from everybody else in the account, administrators too: a tick proves that a schedule is due only
   * as long as nobody else can write one, and a pointer without a row would be rejected anyway.
   */
  admitOnly(senders: readonly IRole[]): void {
    this.refuseOthers(senders.length > 0 ? notAmong(senders) : {});
  }

  /** As `admitOnly`, and EventBridge may send on behalf of these rules. */
  admitWithRules(senders: readonly IRole[], ruleArns: readonly string[]): void {
    // EventBridge calls as itself, without an aws:PrincipalArn, and a negated condition holds for a key that is not
    // there: the Deny would meet it too. So it spares services; of these only the rules are allowed, by the line below.
    // IfExists, because a request without a signature has neither key.
    this.refuseOthers({ ...notAmong(senders), BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' } });
    admitRules(this.queue, ruleArns);
  }

  /** Lets EventBridge put here what these rules could not deliver. */
  admitUndelivered(ruleArns: readonly string[]): void {
    admitRules(this.deadLetters, ruleArns);
  }

  private refuseOthers(conditions: Conditions): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'NamedSendersOnly',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        ...(Object.keys(conditions).length > 0 ? { conditions } : {}),
      }),
    );
  }
}

type Conditions = Record<string, Record<string, string | string[]>>;

const notAmong = (senders: readonly IRole[]): Conditions => ({
  ArnNotEquals: { 'aws:PrincipalArn': senders.map(({ roleArn }) => roleArn) },
});

/** For these rules only: EventBridge would act for anybody's (confused deputy). */
function admitRules(queue: Queue, ruleArns: readonly string[]): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: 'RulesOnly',
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': ruleArns } },
    }),
  );
}

/**
 * How long a received message stays hidden. Light: until its function must have ended. Heavy: until an executor must have
 * claimed the run and deleted the message; short, because a message may also be handed to the long poll of an executor
 * that has just died. One that comes back too early finds the run leased, and is acknowledged.
 */
export const visibilityOf = (row: QueueRow): Seconds =>
  row.tier === 'heavy' ? limits.claimWithin : seconds(row.timeout + limits.visibilityBeyondTimeout);

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
