// Schedules as LocalStack has stored them, which fires none: what is run is what was deployed.
import {
  GetScheduleCommand,
  paginateListSchedules,
  SchedulerClient,
  type GetScheduleOutput,
} from '@aws-sdk/client-scheduler';
import { PlaneError } from '#local/errors.ts';
import type { QueueSpec } from '#local/resources.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';

/** Every schedule, read by ListSchedules and GetSchedule. Throws TEMPLATE_UNSUPPORTED for a target that is no queue. */
export async function readSchedules(client: SchedulerClient, queues: readonly QueueSpec[]): Promise<ScheduleSpec[]> {
  const found: ScheduleSpec[] = [];
  for await (const { Schedules = [] } of paginateListSchedules({ client }, {})) {
    for (const { Name, GroupName } of Schedules)
      found.push(specOf(await client.send(new GetScheduleCommand({ Name, GroupName })), queues));
  }
  return found;
}

function specOf(read: GetScheduleOutput, queues: readonly QueueSpec[]): ScheduleSpec {
  const { Name = '', GroupName = 'default', Arn = '', ScheduleExpression = '', FlexibleTimeWindow: window } = read;
  const queueOf = (arn: string | undefined): QueueSpec => {
    const queue = queues.find((one) => one.arn === arn);
    if (queue) return queue;
    throw new PlaneError(
      'TEMPLATE_UNSUPPORTED',
      `The schedule ${Name} sends to ${arn}, which is not a queue of the template. The local scheduler knows queues only: correct it in lib/.`,
    );
  };
  return {
    name: Name,
    group: GroupName,
    arn: Arn,
    expression: ScheduleExpression,
    timeZone: read.ScheduleExpressionTimezone ?? 'UTC',
    enabled: read.State !== 'DISABLED',
    windowMs: window?.Mode === 'FLEXIBLE' ? (window.MaximumWindowInMinutes ?? 0) * 60_000 : 0,
    ...(read.StartDate && { startMs: read.StartDate.getTime() }),
    ...(read.EndDate && { endMs: read.EndDate.getTime() }),
    target: targetOf(read, queueOf),
  };
}

function targetOf(
  { Target }: GetScheduleOutput,
  queueOf: (arn: string | undefined) => QueueSpec,
): ScheduleSpec['target'] {
  const group = Target?.SqsParameters?.MessageGroupId;
  const deadLetters = Target?.DeadLetterConfig?.Arn;
  return {
    queue: queueOf(Target?.Arn),
    roleArn: Target?.RoleArn ?? '',
    input: Target?.Input ?? '',
    // What AWS takes where nothing is said: 185 attempts in a day.
    maximumRetryAttempts: Target?.RetryPolicy?.MaximumRetryAttempts ?? 185,
    maximumEventAgeMs: (Target?.RetryPolicy?.MaximumEventAgeInSeconds ?? 86_400) * 1000,
    ...(group !== undefined && { messageGroupId: group }),
    ...(deadLetters !== undefined && { deadLetterQueue: queueOf(deadLetters) }),
  };
}
