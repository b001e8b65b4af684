import * as z from 'zod';
import { queueNames } from '#core/catalogue/queues.ts';
import { scheduleKeys } from '#core/catalogue/schedules.ts';
import { taskNames } from '#core/catalogue/tasks.ts';
import { runStates } from '#core/run.ts';

// What several answers and requests have in common. `id` of a schema's meta is its name in the OpenAPI document.

export const instant = z.iso.datetime();
export const at = (ms: number): string => new Date(ms).toISOString();
export const count = z.int().nonnegative();

export const taskName = z.enum(taskNames).meta({ id: 'TaskName', description: 'A task of the catalogue' });
export const queueName = z.enum(queueNames).meta({ id: 'QueueName', description: 'A queue of the catalogue' });
export const scheduleKey = z.enum(scheduleKeys).meta({ id: 'ScheduleKey', description: 'A schedule of the catalogue' });
export const runState = z.enum(runStates).meta({ id: 'RunState' });

export const actor = z
  .strictObject({
    kind: z.enum(['human', 'system', 'service']),
    id: z.string(),
    onBehalfOf: z.string().optional().meta({ description: 'For whom a machine acts' }),
  })
  .meta({ id: 'Actor', description: 'Who: a person, a machine, or the beat' });

/** Why, as it is written into the audit and onto the row. */
export const reason = z.string().trim().min(1).max(300).meta({ description: 'Why: kept in the audit' });

/** Opaque: what it is made of is ours to change, so no pattern says it. The format says which answers have such a one. */
const cursor = (format: string) =>
  z
    .string()
    .max(512)
    .meta({ format, description: 'Where the last page ended, as it was given; the next one begins there' });
export const runCursor = cursor('run-cursor');
export const auditCursor = cursor('audit-cursor');

/** As text, since it stands in the address. */
export const pageSize = z
  .string()
  .regex(/^(?:[1-9]\d?|100)$/, 'is not a number from 1 to 100')
  .optional()
  .transform((text) => Number(text ?? 25))
  .meta({
    description: 'How many at most',
    // As a reader has it: a number.
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: 25,
    pattern: undefined,
  });

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Never changes its meaning; the list is in docs/api.md' }),
    detail: z.string(),
    instance: z.string(),
    issues: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457)' });
