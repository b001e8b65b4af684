import type { TaskBodies } from '#core/task.ts';
import { deliver } from './callback-deliver.ts';

export const defaultTasks: TaskBodies<'default'> = {
  'callback.deliver': deliver,
};
