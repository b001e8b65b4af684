import type { TaskName } from './catalogue/tasks.ts';
import type { Effect } from './ports.ts';
import type { Actor } from './run.ts';

/** What a person, a service or the beat does to the plane from outside. */
export type Operation = `operation.${OperationName}`;
export type OperationName =
  | 'start'
  | 'cancel'
  | 'retry'
  | 'redrive'
  | 'catch-up'
  | 'pause'
  | 'resume'
  | 'trigger'
  | 'upload'
  | 'halt'
  | 'narrow'
  | 'release'
  | 'widen';

/** What is done to what, by whom: written before the effect. */
export interface AuditIntent {
  readonly effect: Effect | Operation;
  /** A run's id, `schedule#<key>`, `queue#<name>`, `inbox#<path>` or `kill-switch`. */
  readonly subject: string;
  readonly task?: TaskName;
  readonly tenant: string;
  readonly actor: Actor;
  /** Of the run's claim; 0 outside one. */
  readonly fence: number;
  readonly atMs: number;
  /** Why, of an operation: a person said it. */
  readonly reason?: string;
  /** With what, redacted: names, keys and sizes, never contents. */
  readonly arguments?: unknown;
  /** The address or the worker that it came from. */
  readonly from?: string;
}
export type AuditOutcome = 'done' | 'denied' | 'failed';

/** Where intents go before an effect and outcomes after it. An intent that cannot be written stops the effect. */
export interface AuditSink {
  intent(entry: AuditIntent): Promise<void>;
  outcome(entry: AuditIntent & { readonly outcome: AuditOutcome }): Promise<void>;
}

/** SHA-256 of the text's UTF-8, in lower-case hex. */
export type Hash = (text: string) => string;

/** An intent, or with `outcome` what became of it. */
export interface AuditEntry extends AuditIntent {
  readonly outcome?: AuditOutcome;
}

/** One row of `audit_events`, as it is read. `hash` covers every other field and the hash before it in its chain. */
export interface AuditRow extends AuditEntry {
  readonly v: 1;
  /** UTC hour in which it was written, `YYYY-MM-DDTHH`: with the writer it names the chain. */
  readonly hour: string;
  readonly writer: string;
  /** Dense from 1 within a chain. */
  readonly seq: number;
  /** Of the row before; for the first of a chain the name of the chain, hashed. Lower-case hex SHA-256. */
  readonly previous: string;
  readonly hash: string;
}

export interface AuditQuery {
  /** What it was done to, or else whose tenant and which UTC day. */
  readonly of: { readonly subject: string } | { readonly tenant: string; readonly day: string };
  readonly limit: number;
  /** Where the last page ended. */
  readonly cursor?: string;
}
export interface AuditPage {
  readonly rows: readonly AuditRow[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

/** The table of audit rows: append and read, nothing else. */
export interface AuditLog {
  /** Writes the row unless another stands at its place; the same row twice is one. */
  append(row: AuditRow): Promise<'written' | 'exists'>;
  /** Writers that have a chain in this hour. */
  writers(hour: string): Promise<string[]>;
  /** A chain by its sequence, strongly consistent. */
  chain(hour: string, writer: string): Promise<AuditRow[]>;
  /** Newest first. */
  page(query: AuditQuery): Promise<AuditPage>;
}

/** The signed hours, each written once into a bucket that lets nobody change it. */
export interface AnchorStore {
  read(hour: string): Promise<string | undefined>;
  /** Writes the anchor of the hour unless one stands. */
  write(hour: string, text: string): Promise<'written' | 'exists'>;
  /** The hours that have an anchor, oldest first; only those later than `after`, where it is given. */
  hours(after?: string): Promise<string[]>;
}
/** ECDSA on P-256 over SHA-256; signatures in DER. */
export interface Signer {
  sign(message: Uint8Array): Promise<Uint8Array>;
}
export interface Verifier {
  verify(message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

export interface AnchoredHour {
  readonly hour: string;
  /** False when it had its anchor already. */
  readonly anchored: boolean;
  readonly chains: number;
  readonly rows: number;
  /** Places at which its rows did not hold. */
  readonly breaks: number;
}
/** What anchors hours of the audit that are over. */
export interface Anchors {
  /** Hours that are over and have no anchor yet, oldest first. */
  pending(): Promise<string[]>;
  anchorHour(hour: string): Promise<AnchoredHour>;
}
