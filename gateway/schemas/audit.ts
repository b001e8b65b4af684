import * as z from 'zod';
import { actor, auditCursor, count, instant, taskName } from './common.ts';

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
    cursor: auditCursor.optional().meta({ description: 'Absent on the last page' }),
  })
  .meta({ id: 'AuditPage' });

/** The days that there are, leap years and all, from 2000 on: no audit is older. */
const day =
  '(?:2\\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)|2(?:\\d(?:0[48]|[2468][048]|[13579][26])|[048]00)-02-29)';
const hourPattern = new RegExp(`^${day}T(?:[01]\\d|2[0-3])$`);
export const auditHour = z
  .string()
  .regex(hourPattern, 'is not an hour such as 2026-01-05T12')
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
