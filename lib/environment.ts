import {
  addressedBy,
  dlqUrlVariable,
  queueUrlVariable,
  type CommonVariable,
  type EnvironmentOf,
  type OwnVariablesOf,
} from '#core/catalogue/entry-environment.ts';
import type { EntryPointName } from '#core/catalogue/entry-points.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { TaskQueue } from '#lib/constructs/task-queue.ts';

export interface EnvironmentOptions<E extends EntryPointName> {
  readonly entryPoint: E;
  /** Spelled out by the caller, so that a variable added to the catalogue does not compile until it has a value. */
  readonly common: Readonly<Record<CommonVariable, string>>;
  readonly queues: Readonly<Record<QueueName, TaskQueue>>;
  /** What only this entry point is given. */
  readonly own: Readonly<Record<OwnVariablesOf<E>, string>>;
}

/** The variables of one entry point: the common ones, the URLs of the queues to which it writes, and its own. */
export function environmentOf<E extends EntryPointName>(options: EnvironmentOptions<E>): EnvironmentOf<E> {
  const { entryPoint, common, queues, own } = options;
  const urls = addressedBy(entryPoint).flatMap((name) => [
    [queueUrlVariable(name), queues[name].queue.queueUrl],
    [dlqUrlVariable(name), queues[name].deadLetters.queueUrl],
  ]);
  // `addressedBy` gives exactly the queues of AddressedBy<E>; the law in test/template/functions.test.ts compares the names.
  return { ...common, ...Object.fromEntries(urls), ...own } as EnvironmentOf<E>;
}
