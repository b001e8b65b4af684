import * as z from 'zod';
import { actor, count, cursor, instant, taskName } from './common.ts';

const auditRow = z
  .strictObject({
    at: instant,
    effect: z.string().meta({ description: 'What was done: `operation.start`, `artefacts.put` ...' }),
    subject: z.string().meta({ description: "To what: a run's id, `schedule#KEY`, `queue#NAME`, `kill-switch` ..." }),
    task: taskName.optional(),
    tenant: z.string(),
    actor,
    reason: z.string().optional(),
    arguments: z.unknown().optional().meta({ description: 'Names, keys and sizes; never contents' }),
    from: z.string().optional(),
    outcome: z.enum(['done', 'denied', 'failed']).optional().meta({ description: 'Absent on an intent' }),
    hour: z.string().meta({ description: 'With the writer it names the chain' }),
    writer: z.string(),
    seq: count,
    hash: z.string(),
  })
  .meta({ id: 'AuditRow' });
export const auditPage = z
  .strictObject({
    rows: z.array(auditRow).meta({ description: 'Newest first' }),
    cursor: cursor.optional().meta({ description: 'Absent on the last page' }),
  })
  .meta({ id: 'AuditPage' });

export const auditHour = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d$/, 'is not an hour such as 2026-01-05T12')
  .refine((hour) => Number.isFinite(Date.parse(`${hour}:00:00Z`)), 'is not an hour that there is')
  .meta({ description: 'An hour, UTC: 2026-01-05T12' });

/** As core/audit-verify.ts reports it. */
export const auditReport = z
  .strictObject({
    intact: z.boolean().meta({ description: 'Whether nothing was found' }),
    findings: z.array(
      z.strictObject({
        hour: z.string(),
        what: z.enum([
          'altered',
          'removed',
          'reordered',
          'added',
          'anchor-missing',
          'anchor-altered',
          'anchor-forged',
          'anchor-unchained',
        ]),
        writer: z.string().optional().meta({ description: 'With the hour it names the chain; absent of an anchor' }),
        seq: z.number().optional().meta({ description: 'The row of the chain; absent of a whole one' }),
      }),
    ),
    anchors: count.meta({ description: 'Signed hours that were checked' }),
    chains: count,
    rows: count,
    notAnchored: z.array(z.string()).meta({ description: 'Hours not signed yet: their rows hang together, no more' }),
    expired: z.array(z.string()).meta({ description: 'Hours whose rows have left by their age' }),
    nextHour: z.string().optional().meta({ description: 'Where to go on: a bound ended this look' }),
  })
  .meta({ id: 'AuditReport' });
