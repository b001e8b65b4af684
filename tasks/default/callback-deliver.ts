import { Failure } from '#core/errors.ts';
import type { TaskBody } from '#core/task.ts';

/** What a receiver answers when it cannot now, but may yet: too slow, too early, too many. */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * One attempt to tell a receiver. Its id is the run's, on each attempt the same: receivers drop repeats by it.
 *
 * It throws Failure DEPENDENCY_UNAVAILABLE (tried again: no answer, or the receiver is ill or busy), CALLBACK_REFUSED
 * (given up: it answered that it never will, 410 for instance, or sent us elsewhere).
 */
export const deliver: TaskBody<'callback.deliver'> = async ({ url, secret, event }, { ports, run }) => {
  const { type, timestamp, data } = event;
  const body = JSON.stringify({ type, timestamp, data });
  const { status } = await ports.webhooks.deliver({ id: run.id, url, secret, body });
  if (status >= 200 && status < 300) return { status, attempts: run.attempt };
  const { host } = new URL(url);
  if (status >= 500 || laterStatuses.has(status)) {
    throw new Failure('DEPENDENCY_UNAVAILABLE', `${host} answered ${status} to the callback: it is tried again`);
  }
  const hint = status >= 300 && status < 400 ? 'redirects are not followed, name the address itself' : 'look there why';
  throw new Failure('CALLBACK_REFUSED', `${host} answered ${status} to the callback: ${hint}, then retry the run`);
};
