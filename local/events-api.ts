// EventBridge's PutEvents, and what Scheduler tells of the template's schedules.
import * as z from 'zod';
import { failure, jsonOf, type Call, type Reply } from '#local/aws-call.ts';
import type { EventBuses } from '#local/events.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';

interface EventsContents {
  buses?: EventBuses | undefined;
  schedules?: (() => readonly ScheduleSpec[]) | undefined;
}

const putEventsSchema = z.object({
  Entries: z.array(
    z.object({
      EventBusName: z.string().optional(),
      Source: z.string().optional(),
      DetailType: z.string().optional(),
      Detail: z.string().optional(),
    }),
  ),
});

export function askEvents(call: Call, { buses, schedules }: EventsContents): Reply | undefined {
  if (buses && call.target === 'AWSEvents.PutEvents') return putEvents(call.body, buses);
  if (!schedules || call.service !== 'scheduler' || call.method !== 'GET') return undefined;
  if (call.url.pathname === '/schedules') return listSchedules(call.url.searchParams, schedules());
  const [, name] = /^\/schedules\/([^/]+)$/.exec(call.url.pathname) ?? [];
  return name === undefined ? undefined : getSchedule(decodeURIComponent(name), call.url.searchParams, schedules());
}

function putEvents(body: string, buses: EventBuses): Reply {
  const parsed = putEventsSchema.safeParse(jsonOf(body));
  if (!parsed.success)
    return failure(
      400,
      'SerializationException',
      `PutEvents takes { Entries: [...] }: ${parsed.error.issues[0]?.message}`,
    );
  const results = buses.put(parsed.data.Entries);
  const failed = results.filter((result) => 'ErrorCode' in result).length;
  return { status: 200, body: { FailedEntryCount: failed, Entries: results } };
}

function listSchedules(query: URLSearchParams, schedules: readonly ScheduleSpec[]): Reply {
  const [group, prefix, state] = ['ScheduleGroup', 'NamePrefix', 'State'].map((name) => query.get(name));
  const found = schedules.filter(
    (spec) =>
      (group === null || spec.group === group) &&
      spec.name.startsWith(prefix ?? '') &&
      (state === null || stateOf(spec) === state),
  );
  const rows = found.map((spec) => ({
    Arn: spec.arn,
    GroupName: spec.group,
    Name: spec.name,
    State: stateOf(spec),
    Target: { Arn: spec.target.queue.arn },
  }));
  return { status: 200, body: { Schedules: rows } };
}

function getSchedule(name: string, query: URLSearchParams, schedules: readonly ScheduleSpec[]): Reply {
  const group = query.get('groupName') ?? 'default';
  const spec = schedules.find((one) => one.name === name && one.group === group);
  if (!spec) return failure(404, 'ResourceNotFoundException', `Schedule ${name} does not exist in group ${group}.`);
  const { target } = spec;
  const window =
    spec.windowMs === 0 ? { Mode: 'OFF' } : { Mode: 'FLEXIBLE', MaximumWindowInMinutes: spec.windowMs / 60_000 };
  const body = {
    Arn: spec.arn,
    GroupName: spec.group,
    Name: spec.name,
    ScheduleExpression: spec.expression,
    ScheduleExpressionTimezone: spec.timeZone,
    State: stateOf(spec),
    FlexibleTimeWindow: window,
    ...(spec.startMs !== undefined && { StartDate: spec.startMs / 1000 }),
    ...(spec.endMs !== undefined && { EndDate: spec.endMs / 1000 }),
    Target: {
      Arn: target.queue.arn,
      RoleArn: target.roleArn,
      Input: target.input,
      RetryPolicy: {
        MaximumRetryAttempts: target.maximumRetryAttempts,
        MaximumEventAgeInSeconds: target.maximumEventAgeMs / 1000,
      },
      ...(target.deadLetterQueue && { DeadLetterConfig: { Arn: target.deadLetterQueue.arn } }),
      ...(target.messageGroupId !== undefined && { SqsParameters: { MessageGroupId: target.messageGroupId } }),
    },
  };
  return { status: 200, body };
}

function stateOf(spec: ScheduleSpec): 'ENABLED' | 'DISABLED' {
  return spec.enabled ? 'ENABLED' : 'DISABLED';
}
