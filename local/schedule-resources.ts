// Schedules of the template, in the shape that the scheduler runs and GetSchedule shows.
import * as z from 'zod';
import { PlaneError } from '#local/errors.ts';
import { parseProperties } from '#local/properties.ts';
import type { Resolver } from '#local/resolver.ts';
import type { QueueSpec } from '#local/resources.ts';

export interface ScheduleSpec {
  name: string;
  group: string;
  arn: string;
  expression: string;
  timeZone: string;
  enabled: boolean;
  /** 0 for a flexible window that is OFF. */
  windowMs: number;
  startMs?: number;
  endMs?: number;
  target: {
    queue: QueueSpec;
    roleArn: string;
    /** With `<aws.scheduler.*>` not yet replaced. */
    input: string;
    messageGroupId?: string;
    maximumRetryAttempts: number;
    maximumEventAgeMs: number;
    deadLetterQueue?: QueueSpec;
  };
}

const instant = z.string().transform((value, context) => {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) context.addIssue(`${value} is not a date`);
  return ms;
});

/** A schedule as a template declares it; GetSchedule answers in the same words. */
export const scheduleSchema = z.object({
  GroupName: z.string().default('default'),
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string().default('UTC'),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  FlexibleTimeWindow: z.object({
    Mode: z.enum(['OFF', 'FLEXIBLE']),
    MaximumWindowInMinutes: z.coerce.number().default(0),
  }),
  StartDate: instant.optional(),
  EndDate: instant.optional(),
  Target: z.strictObject({
    Arn: z.string(),
    RoleArn: z.string(),
    Input: z.string(),
    SqsParameters: z.object({ MessageGroupId: z.string().optional() }).optional(),
    // What AWS takes where nothing is said: 185 attempts in a day.
    RetryPolicy: z
      .object({
        MaximumRetryAttempts: z.coerce.number().default(185),
        MaximumEventAgeInSeconds: z.coerce.number().default(86_400),
      })
      .prefault({}),
    DeadLetterConfig: z.object({ Arn: z.string() }).optional(),
  }),
});

/** Throws TEMPLATE_UNSUPPORTED for a target that is not a queue of the template. */
export function scheduleSpecs(resolver: Resolver, queues: QueueSpec[]): ScheduleSpec[] {
  return resolver.ofType('AWS::Scheduler::Schedule').map((resource) => {
    const named = { name: resolver.physicalName(resource), arn: resolver.attribute(resource, 'Arn') };
    return toScheduleSpec(parseProperties(resolver, resource, scheduleSchema), named, queues);
  });
}

/** Throws TEMPLATE_UNSUPPORTED for a target that is not among `queues`. */
export function toScheduleSpec(
  parsed: z.infer<typeof scheduleSchema>,
  { name, arn }: Pick<ScheduleSpec, 'name' | 'arn'>,
  queues: readonly QueueSpec[],
): ScheduleSpec {
  const { Target: target, FlexibleTimeWindow: window } = parsed;
  const messageGroupId = target.SqsParameters?.MessageGroupId;
  return {
    name,
    group: parsed.GroupName,
    arn,
    expression: parsed.ScheduleExpression,
    timeZone: parsed.ScheduleExpressionTimezone,
    enabled: parsed.State === 'ENABLED',
    windowMs: window.Mode === 'OFF' ? 0 : window.MaximumWindowInMinutes * 60_000,
    ...(parsed.StartDate !== undefined && { startMs: parsed.StartDate }),
    ...(parsed.EndDate !== undefined && { endMs: parsed.EndDate }),
    target: {
      queue: queueOf(target.Arn, queues, name),
      roleArn: target.RoleArn,
      input: target.Input,
      maximumRetryAttempts: target.RetryPolicy.MaximumRetryAttempts,
      maximumEventAgeMs: target.RetryPolicy.MaximumEventAgeInSeconds * 1000,
      ...(messageGroupId !== undefined && { messageGroupId }),
      ...(target.DeadLetterConfig && { deadLetterQueue: queueOf(target.DeadLetterConfig.Arn, queues, name) }),
    },
  };
}

function queueOf(arn: string, queues: readonly QueueSpec[], schedule: string): QueueSpec {
  const queue = queues.find((one) => one.arn === arn);
  if (queue) return queue;
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `The schedule ${schedule} sends to ${arn}, which is not a queue of the template. The local scheduler knows queues only: correct it in lib/.`,
  );
}
