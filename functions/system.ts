import { anyBodies } from '#core/task.ts';
import { anchorServices } from '#runtime/anchor-services.ts';
import { queueHandler } from '#runtime/lambda.ts';
import { systemTasks } from '#tasks/system/index.ts';

export const handler = queueHandler('system', anyBodies(systemTasks), anchorServices);
