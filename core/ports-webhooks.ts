/** One webhook: who is told, what, and by whose secret it is signed. */
export interface WebhookMessage {
  /** The same on each attempt: receivers drop repeats by it. */
  readonly id: string;
  readonly url: string;
  /** The name of the secret. */
  readonly secret: string;
  /** JSON, as it is signed. */
  readonly body: string;
}

/** Tells the world outside, as Standard Webhooks says (https://www.standardwebhooks.com). */
export interface Webhooks {
  /**
   * Posts it once and resolves with the status of the answer, whichever it is. A redirect is an answer.
   *
   * @throws Failure CALLBACK_REFUSED: the address is not one that may be called, or the secret cannot sign;
   *   DEPENDENCY_UNAVAILABLE: no answer within ten seconds; CONFIGURATION_INVALID: there is no such secret.
   */
  deliver(message: WebhookMessage): Promise<{ readonly status: number }>;
}
