import { CfnRule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import type { Family } from '#core/catalogue/entry-points.ts';
import type { TaskQueue } from '#lib/constructs/task-queue.ts';
import { planeName } from '#lib/names.ts';

export interface StoppedRulesProps {
  readonly cell: string;
  readonly clusterArn: string;
  readonly families: readonly Family[];
  /** The queue `kick`. */
  readonly target: TaskQueue;
  /** Takes the events that could not be delivered. EventBridge takes no FIFO queue for it, so not the target's own. */
  readonly undelivered: TaskQueue;
}

/** The body of the kick, as core/kick.ts parses it. Without quotes around them, variables are put in as JSON strings. */
const kickOf = (family: Family): string =>
  `{"v":1,"family":"${family}","cause":"stopped","task":<task>,"stopCode":<stopCode>,"reason":<reason>}`;

/** Tells the dispatcher of every executor that has stopped, whatever stopped it: one rule a family, one group a family. */
export class StoppedRules extends Construct {
  readonly ruleArns: string[];

  constructor(scope: Construct, id: string, props: StoppedRulesProps) {
    super(scope, id);
    this.ruleArns = props.families.map((family) => this.rule(props, family).attrArn);
  }

  // The L1 resource: the L2 target would write the queues' policies in its own way.
  private rule({ cell, clusterArn, target, undelivered }: StoppedRulesProps, family: Family): CfnRule {
    return new CfnRule(this, family, {
      name: planeName(cell, `${family}-stopped`),
      description: `An executor of ${family} has stopped`,
      // On the default bus, where ECS puts its events.
      state: 'ENABLED',
      eventPattern: {
        source: ['aws.ecs'],
        'detail-type': ['ECS Task State Change'],
        detail: { clusterArn: [clusterArn], group: [`family:${planeName(cell, family)}`], lastStatus: ['STOPPED'] },
      },
      targets: [
        {
          id: 'kick',
          arn: target.queue.queueArn,
          sqsParameters: { messageGroupId: family },
          inputTransformer: {
            inputPathsMap: {
              task: '$.detail.taskArn',
              stopCode: '$.detail.stopCode',
              reason: '$.detail.stoppedReason',
            },
            inputTemplate: kickOf(family),
          },
          // An hour: by then the reaper has kicked sixty times, and leases have ended.
          retryPolicy: { maximumRetryAttempts: 20, maximumEventAgeInSeconds: 3600 },
          deadLetterConfig: { arn: undelivered.deadLetters.queueArn },
        },
      ],
    });
  }
}
