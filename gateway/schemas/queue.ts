import * as z from 'zod';
import { count, instant, queueName, runState, taskName } from './common.ts';

export const queue = z
  .strictObject({
    name: queueName,
    tier: z.enum(['light', 'heavy', 'internal']),
    kind: z.enum(['standard', 'fifo']),
    drives: z.string(),
    waiting: count,
    inFlight: count,
    delayed: count,
    oldestAgeSeconds: z.number().nonnegative().meta({ description: 'The longest that a run of it waits' }),
    ageObjectiveSeconds: count,
    deadLetters: count,
    consumers: z.union([
      z.strictObject({ kind: z.literal('function'), maximum: count }),
      z
        .strictObject({
          kind: z.literal('executors'),
          live: count,
          starting: count,
          slots: count,
          freeSlots: count,
          maximum: count,
          lastFailure: z.string().optional(),
        })
        .meta({ description: 'Live: they renewed their record within 45 s' }),
    ]),
  })
  .meta({ id: 'Queue' });
export const queueList = z.strictObject({ queues: z.array(queue) }).meta({ id: 'Queues' });

export const deadLetters = z
  .strictObject({
    letters: z.array(
      z.strictObject({
        id: z.string(),
        sentAt: instant,
        code: z.string().optional().meta({ description: 'Absent when SQS or Scheduler moved it here' }),
        reason: z.string().optional(),
        run: z.uuid().optional(),
        generation: count.optional(),
        task: taskName.optional(),
        tenant: z.string().optional(),
        state: runState.optional().meta({ description: 'Of the run, now' }),
      }),
    ),
    ofOthers: count.meta({ description: 'Letters of other tenants: counted, not shown' }),
    complete: z.boolean().meta({ description: 'False when letters may be left that were not looked at' }),
  })
  .meta({ id: 'DeadLetters' });

export const redriven = z
  .strictObject({
    queued: z.array(z.uuid()).meta({ description: 'Runs that were begun again, each once' }),
    resent: z.array(z.string()).meta({ description: 'Letters without a row that were sent again as they were' }),
    obsolete: count.meta({ description: 'Letters that told of what is over, and are gone' }),
    kept: z.array(z.strictObject({ letter: z.string(), why: z.string() })),
    unknown: z.array(z.string()).meta({ description: 'Letters that were named and are not there' }),
    complete: z.boolean().meta({ description: 'False when letters may be left: ask again' }),
  })
  .meta({ id: 'Redriven' });
