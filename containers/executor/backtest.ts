import { anyBodies } from '#core/task.ts';
import { executorMain } from '#runtime/executor/main.ts';
import { backtestTasks } from '#tasks/backtest/index.ts';

await executorMain('backtest', anyBodies(backtestTasks));
