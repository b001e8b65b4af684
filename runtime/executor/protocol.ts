import { Failure, failureCodes, toFailure, type FailureCode } from '#core/errors.ts';
import type { ProgressReport } from '#core/progress.ts';
import type { TaskName } from '#core/catalogue/tasks.ts';
import type { TaskContext } from '#core/task.ts';

/** A failure on its way between two processes. */
export interface CarriedFailure {
  readonly code: FailureCode;
  readonly message: string;
}
export const carry = (thrown: unknown): CarriedFailure => {
  const { code, message } = toFailure(thrown);
  return { code, message };
};
export const uncarry = ({ code, message }: CarriedFailure): Failure =>
  new Failure(failureCodes.includes(code) ? code : 'INTERNAL', message);

/** What the executor tells the child in which a body runs. */
export type ToChild =
  | {
      readonly kind: 'start';
      readonly task: TaskName;
      readonly payload: unknown;
      readonly run: TaskContext<TaskName>['run'];
      readonly cursor: unknown;
      /** The plane's time now, milliseconds: the child adds what passes. */
      readonly nowMs: number;
      /** Ports of the contract with the names of their methods. */
      readonly ports: Readonly<Record<string, readonly string[]>>;
    }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly failure?: CarriedFailure }
  | { readonly kind: 'end'; readonly failure: CarriedFailure };

/** What the child tells the executor. */
export type FromChild =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly port: string;
      readonly method: string;
      readonly values: readonly unknown[];
    }
  | { readonly kind: 'checkpoint'; readonly id: number; readonly cursor: unknown }
  | { readonly kind: 'progress'; readonly report: ProgressReport }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failure'; readonly failure: CarriedFailure };
