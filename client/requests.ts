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

export interface Page {
  /** 1 to 100. */
  readonly limit?: number;
  /** Where the last page ended. */
  readonly cursor?: string;
}

export interface AuditFilter extends Page {
  /** A run's id, `schedule#KEY`, `kill-switch`; not beside a day. */
  readonly subject?: string;
  /** UTC; today when absent. */
  readonly day?: string;
  readonly tenant?: string;
}

/** Hours of UTC, `2026-01-05T12`, both included; the last 24 when absent. */
export interface AuditRange {
  readonly from?: string;
  readonly to?: string;
}

export interface RunFilter extends Page {
  readonly queue?: string;
  readonly task?: string;
  readonly actor?: string;
  readonly kind?: string;
  readonly state?: string;
  /** UTC. */
  readonly day?: string;
  readonly tenant?: string;
}

/** One queue or one task in place of the whole plane. */
export interface Narrowed {
  readonly queue?: string;
  readonly task?: string;
}
