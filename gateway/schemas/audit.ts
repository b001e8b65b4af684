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
