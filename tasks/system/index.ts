import type { TaskBodies } from '#core/task.ts';
import { anchor } from './audit-anchor.ts';
import { reconcile } from './beat-reconcile.ts';
import { heartbeat } from './killswitch-heartbeat.ts';
import { reap } from './runs-reap.ts';
import { syncStatus } from './status-sync.ts';

export const systemTasks: TaskBodies<'system'> = {
  'audit.anchor': anchor,
  'beat.reconcile': reconcile,
  'killswitch.heartbeat': heartbeat,
  'runs.reap': reap,
  'status.sync': syncStatus,
};
