import type { StartableBy, TaskContract } from './tasks.ts';

/** What a token may say of its bearer. `viewer` reads, `researcher` and `service` start work, `operator` runs the plane. */
export const roles = ['viewer', 'researcher', 'operator', 'service'] as const;
export type Role = (typeof roles)[number];
export const isRole = (word: unknown): word is Role => roles.some((role) => role === word);

/** In which of these roles its bearer may start the task: the first that its contract names, or none. */
export const startsAs = (
  held: readonly Role[],
  { startableBy }: Pick<TaskContract, 'startableBy'>,
): StartableBy | undefined => startableBy.find((by) => by !== 'schedule' && held.includes(by));
