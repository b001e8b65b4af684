import * as z from 'zod';
import type { Frame } from '#core/progress.ts';
import { actor, count, instant, queueName, runCursor, runState, scheduleKey, taskName } from './common.ts';

const compute = z.union([
  z.strictObject({ kind: z.literal('lambda'), memoryMb: z.number() }),
  z.strictObject({ kind: z.literal('container'), vcpu: z.number(), memoryGib: z.number(), gpu: z.number() }),
]);
const said = { by: z.string(), reason: z.string(), at: instant };

const runFields = {
  id: z.uuid(),
  task: taskName,
  queue: queueName,
  tenant: z.string(),
  state: runState,
  actor,
  attempt: count.meta({ description: 'Attempts begun in this generation; a hand-back takes its own back' }),
  maximumAttempts: count,
  starts: count.meta({ description: 'How often it was begun in all' }),
  generation: z.int().positive().meta({ description: '1 at first; each retry, redrive or catch-up adds one' }),
  createdAt: instant,
  notBefore: instant,
  startedAt: instant.optional().meta({ description: 'Of the last attempt' }),
  settledAt: instant.optional(),
  schedule: scheduleKey.optional(),
  slot: instant.optional().meta({ description: 'The scheduled time that it is the run of' }),
  outcome: z
    .strictObject({ code: z.string().optional(), message: z.string().optional() })
    .optional()
    .meta({ description: 'Of a run that has ended: its failure, or why it was skipped; empty when it succeeded' }),
  worker: z
    .string()
    .optional()
    .meta({ description: 'What has it at work: an environment of Lambda, or a task of ECS' }),
  checkpointed: z.boolean().meta({ description: 'Whether its next attempt goes on where the last one stood' }),
  cancel: z.strictObject(said).optional(),
  again: z.strictObject({ how: z.enum(['retry', 'redrive', 'catch-up']), ...said }).optional(),
  callback: z.strictObject({ url: z.string() }).optional(),
  cost: z.strictObject({
    class: z.enum(['housekeeping', 'small', 'medium', 'large']),
    compute,
    seconds: z.number().nonnegative().optional().meta({ description: 'Of the last attempt, until now or its end' }),
  }),
};
export const run = z.strictObject(runFields).meta({ id: 'Run' });
export type RunView = z.output<typeof run>;

/** Fields are added, never renamed. */
export const frame = z
  .looseObject({
    v: z.literal(1),
    run_id: z.string(),
    fence: count,
    seq: count,
    ts: z.string(),
    state: runState,
    pct: z.number().optional(),
    stage: z.string().optional(),
    done: z.number().optional(),
    total: z.number().optional(),
    unit: z.string().optional(),
    eta_s: z.number().optional(),
    message: z.string().optional(),
    metrics: z.record(z.string(), z.number()).optional(),
  })
  .meta({ id: 'Frame', description: 'A message about a run in flight; ordered by fence, then seq' });
export const frameView = (one: Frame): z.output<typeof frame> => ({ ...one });

export const artefact = z
  .strictObject({
    name: z.string(),
    key: z.string(),
    sizeBytes: count,
    href: z
      .string()
      .optional()
      .meta({ description: 'Works without a token, and for a few minutes only; absent while none can be signed' }),
    expiresAt: instant.optional(),
  })
  .meta({ id: 'Artefact' });

export const runDetail = z
  .strictObject({
    ...runFields,
    payload: z.unknown().optional().meta({ description: 'Absent beyond 256 KiB, and when it has expired' }),
    result: z.unknown().optional().meta({ description: 'As the payload' }),
    progress: frame.optional().meta({ description: 'The newest frame' }),
    artefacts: z.array(artefact).meta({ description: 'Of a run that has succeeded: what its last attempt wrote' }),
    moreArtefacts: z.boolean().meta({ description: 'Whether it wrote more than are listed' }),
  })
  .meta({ id: 'RunDetail' });
export type RunDetailView = z.output<typeof runDetail>;

export const runPage = z
  .strictObject({
    runs: z.array(run).meta({ description: 'Newest first. An empty page with a cursor is not the last' }),
    cursor: runCursor.optional().meta({ description: 'Absent on the last page' }),
  })
  .meta({ id: 'RunPage' });

export const started = z
  .strictObject({
    run,
    created: z.boolean().meta({ description: 'False when the same had been asked for before' }),
  })
  .meta({ id: 'Started' });

export const done = z
  .strictObject({
    did: z.enum(['nothing', 'cancelled', 'flagged', 'queued']).meta({
      description: '`flagged`: it is at work and ends within seconds. `nothing`: `why` says why',
    }),
    why: z.string().optional(),
    run,
  })
  .meta({ id: 'Done' });

export const retried = z
  .strictObject({
    runs: z
      .array(
        z.strictObject({
          id: z.uuid(),
          did: z.enum(['queued', 'nothing', 'refused']),
          why: z.string().optional(),
          code: z.string().optional().meta({ description: 'Of the problem, where it was refused' }),
          run: run.optional(),
        }),
      )
      .meta({ description: 'In the order in which they were named' }),
  })
  .meta({ id: 'Retried' });
