import type { PayloadOf, ResultOf, TaskName, TaskOnQueue, UsesOf } from './catalogue/tasks.ts';
import type { QueueName } from './catalogue/queues.ts';
import type { TaskPorts } from './ports.ts';
import type { ProgressReport } from './progress.ts';

/** What a task body is handed: the ports its contract names, behind the guard, and the means to be watched and stopped. */
export interface TaskContext<T extends TaskName> {
  readonly ports: Pick<TaskPorts, UsesOf<T>>;
  readonly run: { readonly id: string; readonly tenant: string; readonly attempt: number; readonly fence: number };
  /** Where an earlier leg or attempt left off, as it was given to `checkpoint`. */
  readonly cursor: unknown;
  readonly signal: AbortSignal;
  /** The plane's time, milliseconds. */
  nowMs(): number;
  progress(report: ProgressReport): void;
  /**
   * Says where another leg could go on, and ends this one here when it must end: it throws the reason (deadline, halt,
   * cancelled, lost lease). Call it at most a second apart, and await it: that is when the reason is heard.
   */
  checkpoint(cursor: unknown): Promise<void>;
}

export type TaskBody<T extends TaskName> = (payload: PayloadOf<T>, context: TaskContext<T>) => Promise<ResultOf<T>>;

/** The bodies of one queue. A contract without an implementation does not compile. */
export type TaskBodies<Q extends QueueName> = { readonly [T in TaskOnQueue<Q>]: TaskBody<T> };

/** Bodies as the pipeline sees them: payload and result are checked against the contract at run time. */
export type AnyBody = (payload: unknown, context: TaskContext<TaskName>) => Promise<unknown>;
export type AnyBodies = Readonly<Partial<Record<TaskName, AnyBody>>>;

/** Forgets the types of a queue's bodies; the pipeline parses what it passes in and what comes out. */
export const anyBodies = <Q extends QueueName>(bodies: TaskBodies<Q>): AnyBodies => bodies;
