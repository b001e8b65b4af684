import type { PayloadInputOf, TaskName } from './catalogue/tasks.ts';

/** Further runs that a body starts, each once however often it is asked: its id follows from this run and the name. */
export interface Runs {
  idOf(name: string): Promise<string>;
  /**
   * Starts the run, in the name and tenant of this one. It counts as a hop.
   *
   * @throws Failure CONFIGURATION_INVALID (not a task that this one's contract starts), and what `enqueue` throws.
   */
  start<T extends TaskName>(request: {
    readonly id: string;
    readonly task: T;
    readonly payload: PayloadInputOf<T>;
  }): Promise<void>;
}
