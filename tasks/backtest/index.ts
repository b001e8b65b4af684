import type { TaskBodies } from '#core/task.ts';
import { run } from './backtest-run.ts';

export const backtestTasks: TaskBodies<'backtest'> = {
  'backtest.run': run,
};
