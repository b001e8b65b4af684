// How the kill switch is shown.
import type { Client } from '#client/client.ts';
import type { Cell } from './output.ts';
import { stateCell, timeText } from './words.ts';

export type Halt = Awaited<ReturnType<Client['halted']>>;

export function haltFacts({ state, why, epoch, by, reason, since, narrowed }: Halt): Record<string, Cell> {
  return {
    switch: stateCell(state),
    ...(state === 'clear' ? {} : { why, epoch, by, reason, since: since && timeText(since) }),
    ...Object.fromEntries(narrowed.map((one) => [`halted ${nameOf(one)}`, narrowedText(one)])),
  };
}

type Narrowed = Halt['narrowed'][number];
const nameOf = ({ queue, task }: Pick<Narrowed, 'queue' | 'task'>): string =>
  queue === undefined ? `task ${task}` : `queue ${queue}`;
export const stillHalted = (one: Narrowed): string => `Still halted: ${nameOf(one)} ${narrowedText(one)}`;
export const narrowedText = ({ by, reason, at }: Narrowed): string => `by ${by} since ${timeText(at)}: ${reason}`;
