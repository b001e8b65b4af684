import { queueRow } from './catalogue/queues.ts';
import type { RetryPolicy, TaskContract } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import type { Failure } from './errors.ts';

/** Attempts that a run of this task has in all. */
export const maximumAttempts = (contract: TaskContract): number =>
  contract.retry.maximumAttempts ?? queueRow(contract.queue).maximumAttempts;

/**
 * Milliseconds to wait before the attempt after `attempt` (from 1): uniform between 0 and the exponential step, "full
 * jitter" (M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  // 2^30 s is 34 years: beyond it the longest wait has long won, and the product must stay finite.
  const step = Math.min(toMs(policy.longestWait), toMs(policy.firstWait) * 2 ** Math.min(attempt - 1, 30));
  return Math.floor(random() * step);
}

/** Whether another attempt could help: the failure is of a kind that passes, and the task does not say otherwise. */
export const isRetryable = (failure: Failure, policy: RetryPolicy): boolean =>
  failure.disposition === 'retry' && !policy.nonRetryable.includes(failure.code);
