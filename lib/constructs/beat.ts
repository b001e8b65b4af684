import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { scheduleKeys, scheduleRow, type Cadence, type ScheduleKey } from '#core/catalogue/schedules.ts';
import { planeName } from '#lib/names.ts';
import type { TaskQueue } from '#lib/constructs/task-queue.ts';

export interface BeatProps {
  readonly cell: string;
  /** The queue `system`. Its dead letters also take the ticks that could not be delivered: the same runbook page. */
  readonly target: TaskQueue;
}

/** ARN of each schedule, by group and name: known before the schedules are made. */
export const scheduleArns = (scope: Construct, cell: string): string[] =>
  scheduleKeys.map((key) =>
    Stack.of(scope).formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${planeName(cell, scheduleRow(key).cadence)}/${key}`,
    }),
  );

/** The body of a tick. Scheduler fills in the slot: the scheduled time, the same for every retry. */
const tickOf = (schedule: ScheduleKey): string =>
  JSON.stringify({ v: 1, schedule, slot: '<aws.scheduler.scheduled-time>' });

/** Every schedule of the catalogue, in one group a cadence, since Scheduler has its metrics per group only. */
export class Beat extends Construct {
  readonly role: Role;
  private readonly target: TaskQueue;

  constructor(scope: Construct, id: string, { cell, target }: BeatProps) {
    super(scope, id);
    this.target = target;
    const cadences = [...new Set(scheduleKeys.map((key) => scheduleRow(key).cadence))];
    this.role = this.deliverer(cadences.map((cadence) => planeName(cell, cadence)));
    const groups = new Map(cadences.map((cadence) => [cadence, this.group(cell, cadence)]));
    for (const key of scheduleKeys) this.schedule(key, groups.get(scheduleRow(key).cadence)?.ref ?? '');
  }

  private group(cell: string, cadence: Cadence): CfnScheduleGroup {
    return new CfnScheduleGroup(this, `Group${cadence}`, { name: planeName(cell, cadence) });
  }

  /** Trusted for these groups of this account only: a schedule elsewhere cannot borrow the role (confused deputy). */
  private deliverer(groupNames: string[]): Role {
    const stack = Stack.of(this);
    const groupArns = groupNames.map((resourceName) =>
      stack.formatArn({
        service: 'scheduler',
        resource: 'schedule-group',
        resourceName,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    );
    const role = new Role(this, 'Role', {
      description: 'EventBridge Scheduler: delivers ticks',
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': groupArns } },
      }),
    });
    const { queue, deadLetters } = this.target;
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn, deadLetters.queueArn] }),
    );
    return role;
  }

  // The L1 resource: the L2 target makes a role for each target, and wants its own idea of the input.
  private schedule(key: ScheduleKey, groupName: string): void {
    const row = scheduleRow(key);
    const schedule = new CfnSchedule(this, key, {
      name: key,
      groupName,
      description: row.task,
      scheduleExpression: row.cron,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: this.target.queue.queueArn,
        roleArn: this.role.roleArn,
        input: tickOf(key),
        // Scheduler's own, 185 retries within 24 h, would deliver minutely ticks of yesterday.
        retryPolicy: { maximumRetryAttempts: row.maximumRetries, maximumEventAgeInSeconds: row.maximumEventAge },
        deadLetterConfig: { arn: this.target.deadLetters.queueArn },
      },
    });
    // With its policy, not only the role: the first tick comes within a minute.
    schedule.node.addDependency(this.role);
  }
}
