import * as z from 'zod';
import { roles } from '#core/catalogue/roles.ts';
import { actor, instant, queueName, scheduleKey, taskName } from './common.ts';

export const health = z
  .strictObject({ status: z.literal('ok'), door: z.enum(['gateway', 'halt', 'mcp']), version: z.string() })
  .meta({ id: 'Health' });

export const readiness = z
  .strictObject({
    status: z.enum(['ready', 'not-ready']),
    checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), ms: z.number().nonnegative() })),
  })
  .meta({ id: 'Readiness' });

const role = z.enum(roles).meta({ id: 'Role' });
export const me = z
  .strictObject({
    actor,
    tenant: z.string(),
    roles: z.array(role),
    issuer: z.string(),
    tokenExpiresAt: instant,
    steppedUpAt: instant.optional().meta({ description: 'When the bearer authenticated strongly' }),
    mayStart: z.array(taskName),
    mayCall: z.array(z.string()).meta({ description: 'Method and path' }),
  })
  .meta({ id: 'Me' });

/** JSON Schema 2020-12. */
const jsonSchema = z.record(z.string(), z.unknown());
export const catalogue = z
  .strictObject({
    version: z.string(),
    tasks: z.array(
      z.strictObject({
        name: taskName,
        title: z.string(),
        queue: queueName,
        effect: z.enum(['reads', 'mutates']),
        whenHalted: z.enum(['run', 'skip', 'hold']),
        startableBy: z.array(z.enum(['schedule', 'operator', 'researcher', 'service'])),
        shortcut: z.string().optional(),
        costClass: z.string(),
        payload: jsonSchema,
        result: jsonSchema,
      }),
    ),
    queues: z.array(
      z.strictObject({
        name: queueName,
        tier: z.enum(['light', 'heavy', 'internal']),
        kind: z.enum(['standard', 'fifo']),
        drives: z.string(),
        timeoutSeconds: z.number(),
        maximumAttempts: z.number(),
        hasTasks: z.boolean(),
      }),
    ),
    schedules: z.array(z.strictObject({ key: scheduleKey, task: taskName, cron: z.string() })),
  })
  .meta({ id: 'Catalogue' });
