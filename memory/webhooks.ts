import { Failure } from '#core/errors.ts';
import type { WebhookMessage, Webhooks } from '#core/ports.ts';

/** Somebody's receiver, as a test has it: it keeps what it was told and answers in turn, 204 when nothing is left. */
export function memoryWebhooks(answers: (number | 'silent')[] = []): Webhooks & { readonly told: WebhookMessage[] } {
  const told: WebhookMessage[] = [];
  return {
    told,
    async deliver(message) {
      told.push(message);
      const status = answers.shift() ?? 204;
      if (status === 'silent') throw new Failure('DEPENDENCY_UNAVAILABLE', 'the twin did not answer in time');
      return { status };
    },
  };
}
