import type { QueueName } from './catalogue/queues.ts';
import type { Run } from './run.ts';

export interface OpenQuery {
  readonly queue: QueueName;
  readonly state: 'queued' | 'running' | 'held' | 'outbox';
  /** Rows whose `checkAfterMs` is at most this. */
  readonly dueMs: number;
  /** And more than this; absent: from the first. */
  readonly afterMs?: number;
  readonly limit: number;
}
export interface RunListing {
  readonly by: 'queue' | 'actor' | 'tenant';
  readonly key: string;
  /** UTC day, `YYYY-MM-DD`. */
  readonly day: string;
}

/** A page of the runs created on one day, newest first. */
export interface RunPageQuery {
  readonly by: 'actor' | 'tenant';
  readonly key: string;
  /** UTC day, `YYYY-MM-DD`. */
  readonly day: string;
  /** Only those older than the hit of which this was `at`. */
  readonly before?: string;
  readonly limit: number;
}
/** A row of an index: keys only, so whoever shows the run reads it. */
export interface RunHit {
  readonly id: string;
  /** Where it stands in its day. */
  readonly at: string;
}

export interface Ledger {
  /** The row, strongly consistent. */
  read(id: string): Promise<Run | undefined>;
  /** Those of the rows that exist, in the order of `ids`, each strongly consistent. */
  readMany(ids: readonly string[]): Promise<Run[]>;
  create(run: Run): Promise<'created' | 'exists'>;
  /** Writes `next` over the row of revision `next.rev - 1`. Throws Failure TRANSITION_ILLEGAL on an illegal step. */
  replace(previous: Run, next: Run): Promise<'replaced' | 'conflict'>;
  /** Ids of open rows, oldest `checkAfterMs` first; eventually consistent, so whoever acts reads the row again. */
  open(query: OpenQuery): Promise<string[]>;
  /** Ids of all runs created that day, oldest first. */
  list(listing: RunListing): Promise<string[]>;
  /** At most `limit` of the runs created that day, newest first; fewer: there are no more. One bounded read a shard. */
  page(query: RunPageQuery): Promise<RunHit[]>;
}

/** Small named records that need a conditional write: mirror of the kill switch, pauses, overlap locks, status history. */
export interface Control {
  read(name: string): Promise<ControlRecord | undefined>;
  /** Writes when the record has `expectedRev` (0: when there is none). */
  write(
    name: string,
    value: unknown,
    expectedRev: number,
    /** A record that is of no use for ever is removed some time after this. */
    options?: { readonly expiresAtMs: number },
  ): Promise<'written' | 'conflict'>;
}
export interface ControlRecord {
  readonly rev: number;
  readonly value: unknown;
}
