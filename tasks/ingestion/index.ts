import type { TaskBodies } from '#core/task.ts';
import { pull } from './ingest-pull.ts';

export const ingestionTasks: TaskBodies<'ingestion'> = {
  'ingest.pull': pull,
};
