import type { TaskBody } from '#core/task.ts';
import { nextStatus } from '#engines/status/publish.ts';

/** Looks at queues, dead letters, heartbeat and last slots, and writes the next status page. */
export const syncStatus: TaskBody<'status.sync'> = async (_payload, { ports }) => {
  const [sample, stored] = await Promise.all([ports.status.sample(), ports.status.history()]);
  const { status, files } = nextStatus(sample, stored);
  await ports.status.publish(files);
  return { overall: status.overall, components: status.components.length, incidentsOpen: status.incidents.open.length };
};
