import * as z from 'zod';
import { count, instant, runState, scheduleKey, taskName } from './common.ts';

const fields = {
  key: scheduleKey,
  task: taskName,
  cron: z.string().meta({ description: 'In the words of EventBridge Scheduler, in UTC' }),
  overlap: z.enum(['skip', 'allow']),
  catchUp: z.enum(['none', 'last', 'all']),
  staleAfterSeconds: count,
  paused: z.strictObject({ by: z.string(), reason: z.string(), at: instant }).optional(),
  lastRun: z.uuid().optional().meta({ description: 'Of the slot that was begun last' }),
  nextSlot: instant.optional(),
};
export const schedule = z.strictObject(fields).meta({ id: 'Schedule' });
export type ScheduleView = z.output<typeof schedule>;

export const scheduleDetail = z
  .strictObject({
    ...fields,
    nextSlots: z.array(instant),
    lastTicks: z
      .array(
        z.strictObject({
          slot: instant,
          run: z.uuid(),
          state: z.union([runState, z.literal('missing')]),
          latenessSeconds: z.number().optional().meta({ description: 'From its time to its claim' }),
        }),
      )
      .meta({ description: 'Newest first' }),
    scheduler: z
      .strictObject({
        state: z.enum(['ENABLED', 'DISABLED', 'missing', 'unknown']),
        expression: z.string().optional(),
        timezone: z.string().optional(),
        maximumRetries: count.optional(),
        maximumEventAgeSeconds: count.optional(),
      })
      .meta({ description: 'What EventBridge Scheduler has; `unknown` when it could not be asked' }),
  })
  .meta({ id: 'ScheduleDetail' });

export const scheduleList = z.strictObject({ schedules: z.array(schedule) }).meta({ id: 'Schedules' });
export const scheduleChanged = z
  .strictObject({ did: z.enum(['paused', 'resumed', 'nothing']), schedule })
  .meta({ id: 'ScheduleChanged' });
