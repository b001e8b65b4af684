import * as z from 'zod';
import { actor, auditCursor, count, instant, queueName, taskName } from './common.ts';

const narrowedHalt = z.strictObject({
  queue: z.string().optional(),
  task: z.string().optional(),
  by: z.string(),
  reason: z.string(),
  at: instant,
});

export const halt = z
  .strictObject({
    state: z.enum(['clear', 'halted', 'unknown']).meta({
      description: '`unknown`: key or mirror cannot be read; nothing begins, as if it were halted',
    }),
    why: z.string(),
    phase: z
      .enum(['clear', 'engaged', 'releasing'])
      .optional()
      .meta({ description: 'Of the mirror, if it can be read' }),
    epoch: count.optional().meta({ description: 'Counts halts; a release names the one it ends' }),
    origin: z.enum(['ours', 'external']).optional(),
    by: z.string().optional(),
    reason: z.string().optional(),
    since: instant.optional(),
    narrowed: z.array(narrowedHalt).meta({ description: 'Halts of one queue or one task' }),
  })
  .meta({ id: 'Halt' });
export type HaltView = z.output<typeof halt>;

/** One of the two, or neither: then it is the whole plane. */
export const haltTarget = { queue: queueName.optional(), task: taskName.optional() };

export const engaged = z
  .strictObject({
    did: z.enum(['engaged', 'narrowed']),
    key: z.enum(['set', 'unwritten']).optional().meta({
      description: '`unwritten`: Redis is away; the mirror halts all the same, and the heartbeat writes the key',
    }),
    halt,
  })
  .meta({ id: 'Engaged', description: 'From now on nothing begins' });

export const released = z
  .strictObject({
    did: z.enum(['released', 'releasing', 'widened', 'nothing']),
    why: z.string().optional(),
    halt,
  })
  .meta({ id: 'Released', description: '`releasing`: still halted, until the key can be deleted' });

export const haltHistory = z
  .strictObject({
    entries: z.array(
      z.strictObject({
        at: instant,
        did: z.string().meta({ description: 'halt, narrow, release or widen' }),
        actor,
        reason: z.string().optional(),
        queue: z.string().optional(),
        task: z.string().optional(),
        outcome: z.enum(['done', 'denied', 'failed']),
      }),
    ),
    cursor: auditCursor.optional(),
  })
  .meta({ id: 'HaltHistory' });
