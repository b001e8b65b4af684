import type { TaskBodies } from '#core/task.ts';
import { heartbeat } from './killswitch-heartbeat.ts';
import { reap } from './runs-reap.ts';
import { syncStatus } from './status-sync.ts';

export const systemTasks: TaskBodies<'system'> = {
  'killswitch.heartbeat': heartbeat,
  'runs.reap': reap,
  'status.sync': syncStatus,
};
