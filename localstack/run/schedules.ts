// Schedules as LocalStack has stored them, which fires none: what is run is what was deployed.
import { GetScheduleCommand, paginateListSchedules, type SchedulerClient } from '@aws-sdk/client-scheduler';
import type { QueueSpec } from '#local/resources.ts';
import { scheduleSchema, toScheduleSpec, type ScheduleSpec } from '#local/schedule-resources.ts';

/** Every schedule, read by ListSchedules and GetSchedule. Throws TEMPLATE_UNSUPPORTED for a target that is no queue. */
export async function readSchedules(client: SchedulerClient, queues: readonly QueueSpec[]): Promise<ScheduleSpec[]> {
  const found: ScheduleSpec[] = [];
  for await (const { Schedules = [] } of paginateListSchedules({ client }, {})) {
    for (const { Name, GroupName } of Schedules) {
      const read = await client.send(new GetScheduleCommand({ Name, GroupName }));
      const dates = { StartDate: read.StartDate?.toISOString(), EndDate: read.EndDate?.toISOString() };
      const named = { name: read.Name ?? '', arn: read.Arn ?? '' };
      found.push(toScheduleSpec(scheduleSchema.parse({ ...read, ...dates }), named, queues));
    }
  }
  return found;
}
