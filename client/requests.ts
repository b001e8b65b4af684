/** What is asked of the gateway; that it fits is the gateway's to say. */
export interface StartRequest {
  readonly task: string;
  readonly payload?: unknown;
  /** A JSON file in the inbox, in place of a payload. */
  readonly payloadPath?: string;
  /** ISO 8601. */
  readonly notBefore?: string;
  readonly callback?: { readonly url: string; readonly secret: string };
  readonly idempotencyKey?: string | undefined;
}

export interface RunFilter {
  readonly queue?: string;
  readonly task?: string;
  readonly actor?: string;
  readonly kind?: string;
  readonly state?: string;
  /** UTC. */
  readonly day?: string;
  readonly tenant?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** One queue or one task in place of the whole plane. */
export interface Narrowed {
  readonly queue?: string;
  readonly task?: string;
}
