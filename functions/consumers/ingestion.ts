import { anyBodies } from '#core/task.ts';
import { queueHandler } from '#runtime/lambda.ts';
import { ingestionTasks } from '#tasks/ingestion/index.ts';

export const handler = queueHandler('ingestion', anyBodies(ingestionTasks));
