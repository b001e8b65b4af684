import * as z from 'zod';
import type { Run } from '#core/run.ts';
import type { Caller } from '#gateway/caller.ts';
import { cursorOf, positionOf } from '#gateway/cursor.ts';
import { notAllowed } from '#gateway/identity/challenge.ts';
import { operation } from '#gateway/operation.ts';
import { sees, systemTenant } from '#gateway/rights.ts';
import { pageOfRuns, positionSchema } from '#gateway/run-page.ts';
import { runView } from '#gateway/run-view.ts';
import { pageSize, queueName, runCursor, runState, taskName } from '#gateway/schemas/common.ts';
import { runPage } from '#gateway/schemas/run.ts';

const query = z.strictObject({
  queue: queueName.optional(),
  task: taskName.optional(),
  actor: z.string().min(1).max(64).optional().meta({ description: 'The id of who started it' }),
  kind: z.enum(['human', 'system', 'service']).optional().meta({ description: 'The kind of who started it' }),
  state: runState.optional(),
  day: z.iso.date().optional().meta({ description: 'The UTC day on which it was created' }),
  tenant: z.literal(systemTenant).optional().meta({ description: "The plane's own runs; for operators" }),
  limit: pageSize,
  cursor: runCursor.optional(),
});
type Query = z.output<typeof query>;

export const listRuns = operation({
  query,
  status: 200,
  answer: runPage,
  problems: [],
  async handle({ ports }, { query: asked, caller }) {
    const tenant = tenantOf(caller, asked);
    const { actor, day, limit } = asked;
    const { runs, next } = await pageOfRuns(ports, {
      ...(actor === undefined ? { by: 'tenant', key: tenant } : { by: 'actor', key: actor }),
      // The index by actor knows no tenants: somebody of that name elsewhere is somebody else.
      matches: (run) => run.tenant === tenant && fits(run, asked),
      limit,
      ...(day === undefined ? {} : { day }),
      ...(asked.cursor === undefined ? {} : { from: positionOf(positionSchema, asked.cursor) }),
    });
    const nowMs = ports.clock.nowMs();
    const more = next === undefined ? {} : { cursor: cursorOf(next) };
    return { body: { runs: runs.map((run) => runView(run, nowMs)), ...more } };
  },
});

function tenantOf(caller: Caller, asked: Query): string {
  const tenant = asked.tenant ?? caller.tenant;
  if (sees(caller, tenant)) return tenant;
  throw notAllowed(`the runs of ${tenant} are for operators: leave tenant out`);
}

const fits = (run: Run, { queue, task, kind, state }: Query): boolean =>
  (queue ?? run.queue) === run.queue &&
  (task ?? run.task) === run.task &&
  (kind ?? run.actor.kind) === run.actor.kind &&
  (state ?? run.state) === run.state;
