import { taskContract } from './catalogue/tasks.ts';
import { enqueue } from './enqueue.ts';
import { Failure } from './errors.ts';
import type { Plane } from './plane.ts';
import type { Runs } from './ports.ts';
import type { Run } from './run.ts';

/** Runs that a run starts: what its contract names, for the same actor and tenant, one hop further. */
export const furtherRuns = (plane: Plane, run: Run): Runs => ({
  idOf: async (name) => plane.ids.named(`further/${run.id}/${run.generation}/${name}`),
  async start({ id, task, payload }) {
    const { starts = [] } = taskContract(run.task);
    if (!starts.includes(task)) {
      throw new Failure(
        'CONFIGURATION_INVALID',
        `${run.task} starts ${task}, which its contract does not name: add it to \`starts\``,
      );
    }
    const { tenant, actor, hops, traceparent } = run;
    await enqueue(plane, { id, task, payload, tenant, actor, as: 'service', parent: { hops, traceparent } });
  },
});
