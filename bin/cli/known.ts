// Names of the catalogue, with a suggestion for one that is nearly right.
import { queueNames } from '#core/catalogue/queues.ts';
import { scheduleKeys } from '#core/catalogue/schedules.ts';
import { taskNames } from '#core/catalogue/tasks.ts';
import { oneOf } from './similar.ts';

const kinds = {
  queue: { what: 'a queue', names: queueNames },
  task: { what: 'a task', names: taskNames },
  schedule: { what: 'a schedule', names: scheduleKeys },
} as const;

/** @throws CliError */
export const knownName = (kind: keyof typeof kinds, word: string): string => oneOf(word, kinds[kind]);

export interface Narrowing {
  readonly queue?: string;
  readonly task?: string;
}

/** What `--queue` and `--task` name. @throws CliError */
export const knownNarrowing = ({ queue, task }: Narrowing): Narrowing => ({
  ...(queue === undefined ? {} : { queue: knownName('queue', queue) }),
  ...(task === undefined ? {} : { task: knownName('task', task) }),
});

export const catalogueNames = { queue: queueNames, task: taskNames, schedule: scheduleKeys } as const;
