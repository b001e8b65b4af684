import { anyBodies } from '#core/task.ts';
import { callbackServices } from '#runtime/callback-services.ts';
import { queueHandler } from '#runtime/lambda.ts';
import { defaultTasks } from '#tasks/default/index.ts';

export const handler = queueHandler('default', anyBodies(defaultTasks), callbackServices);
