import { anyBodies } from '#core/task.ts';
import { systemServices } from '#runtime/system-services.ts';
import { queueHandler } from '#runtime/lambda.ts';
import { systemTasks } from '#tasks/system/index.ts';

export const handler = queueHandler('system', anyBodies(systemTasks), systemServices);
