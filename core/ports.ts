import type { MetricName, LogLine } from './catalogue/metrics.ts';
import type { QueueName, QueueRow } from './catalogue/queues.ts';
import type { OutboxEntry, RunState } from './run.ts';
import type { QueueDepth } from './ports-queues.ts';
import type { Position } from './frame-order.ts';
import type { Anchors } from './ports-audit.ts';
import type { Runs } from './ports-runs.ts';
import type { Webhooks } from './ports-webhooks.ts';
import type { Frame } from './progress.ts';

export type * from './ports-audit.ts';
export type * from './ports-ledger.ts';
export type * from './ports-queues.ts';
export type * from './ports-runs.ts';
export type * from './ports-webhooks.ts';
export type * from './ports-sockets.ts';

/** Every outward effect of the plane is a method of one of these. Each has an adapter in runtime/ and a twin in memory/. */

export interface Clock {
  /** The plane's time: milliseconds since 1970. Rows, frames and metrics carry it. */
  nowMs(): number;
  /** Never goes back and never jumps: what permits and timeouts are measured with. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The capacity that executors run on: ECS. */
export interface Executors {
  /** Starts `count` tasks of the family. The same token starts the same tasks; no tasks and a reason where there is no room. */
  launch(request: {
    readonly family: QueueName;
    readonly count: number;
    readonly capacity: QueueRow['capacity'][number];
    readonly token: string;
  }): Promise<{ readonly tasks: readonly string[]; readonly refused?: string }>;
  /** Ends a task; one that is gone already is ended. */
  stop(task: string, reason: string): Promise<void>;
}

export interface ObjectStat {
  readonly sizeBytes: number;
  /** Changes with the content; absent where the store keeps none. */
  readonly version?: string;
}
export interface Artefacts {
  /** Name of the bucket. */
  readonly bucket: string;
  /** Throws Failure INPUT_INVALID when there is no such object. */
  read(key: string): Promise<Uint8Array>;
  readRange(key: string, startByte: number, endByte: number): Promise<Uint8Array>;
  /** What is known of the object without reading it, or undefined when there is none. */
  stat(key: string): Promise<ObjectStat | undefined>;
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** At most `limit` (1,000) objects whose keys begin with `prefix`, in the order of their keys. */
  list(prefix: string, limit: number): Promise<{ readonly key: string; readonly sizeBytes: number }[]>;
}

/** The kill switch's key in Redis. Every call answers or throws within the client's 250 ms. */
export interface SwitchKey {
  read(): Promise<string>;
  set(value: string): Promise<void>;
  /** Waits for one replica to have the last write, at most `timeoutMs`; resolves with how many had it. */
  waitReplicas(timeoutMs: number): Promise<number>;
  publish(message: string): Promise<void>;
  /** Deletes the key only while it still holds `value`; resolves with whether it did. */
  deleteIf(value: string): Promise<boolean>;
  /** Identity of the replication history, or undefined where the service does not tell. It changes with a failover. */
  replicationId(): Promise<string | undefined>;
  evictionPolicy(): Promise<string | undefined>;
  /** Writes the canary and reads it back from the server; rejects when it reads something else. */
  canary(value: string): Promise<void>;
  /** Counts connections: a permit never outlives the one it was read on. */
  connectionEpoch(): number;
}

export interface ProgressChannel {
  /** One that comes after a frame of a newer fence, or a second time, is told but not kept. */
  publish(frame: Frame): Promise<void>;
  /** The frames of the newest fence that the stream still has, oldest first: those beyond `after`, at most `limit` (1,000). */
  read(runId: string, from?: { readonly after?: Position; readonly limit?: number }): Promise<Frame[]>;
  /** The newest frame of all. */
  latest(runId: string): Promise<Frame | undefined>;
}

export interface LifecycleEvent {
  readonly id: string;
  readonly name:
    | 'RunStarted'
    | 'RunSucceeded'
    | 'RunFailed'
    | 'RunDead'
    | 'RunSkipped'
    | 'RunCancelled'
    | 'HaltEngaged'
    | 'HaltReleased';
  readonly detail: Record<string, unknown>;
}
export interface Lifecycle {
  emit(event: LifecycleEvent): Promise<void>;
}

export interface Metrics {
  /** Adds to a series; written out when the batch ends. */
  record(name: MetricName, value: number, dimension?: string): void;
  flush(): void;
}

export interface Log {
  info(line: LogLine, fields?: Record<string, unknown>): void;
  warn(line: LogLine, fields?: Record<string, unknown>): void;
}

// Ports that tasks reach, always through the guard.

// Every method is asynchronous: a body may run in another process than its ports.

/** The artefacts of one run: written under its tenant, id and fence, so that a late writer can harm nobody. */
export interface RunArtefacts {
  statInbox(key: string): Promise<ObjectStat | undefined>;
  readInbox(key: string, startByte: number, endByte: number): Promise<Uint8Array>;
  /** Where `name`, written under `fence`, lies in the bucket. */
  keyOf(fence: number, name: string): Promise<string>;
  /** Reads what this run wrote under `fence`: this leg's, or an earlier one's. */
  read(fence: number, name: string): Promise<Uint8Array>;
  /** Writes `<prefix>/<run>/<fence>/<name>` and resolves with that key. */
  put(name: string, bytes: Uint8Array, contentType: string): Promise<string>;
}

/** One version of a data set: the silver that one run of `ingest.pull` made. */
export interface DatasetVersion {
  readonly run: string;
  /** Where the silver Parquet lies. */
  readonly key: string;
  readonly sha256: string;
  readonly rows: number;
  readonly rowsQuarantined: number;
  readonly gaps: number;
  /** When it was ingested. */
  readonly atMs: number;
}
/** The data sets of a tenant by name, each with its newest version. */
export interface Datasets {
  find(name: string): Promise<DatasetVersion | undefined>;
  /** Makes it the newest version, unless a run that was started later has published since. */
  publish(name: string, version: DatasetVersion): Promise<void>;
  /** The bytes at `key`. Throws Failure INPUT_INVALID for what does not belong to the tenant. */
  read(key: string): Promise<Uint8Array>;
  /** The key of an `s3://` address. Throws Failure INPUT_INVALID for another bucket or tenant. */
  keyOfAddress(address: string): Promise<string>;
}

export interface KillSwitchKeeper {
  repair(): Promise<{ state: 'clear' | 'halted'; repair: string; epoch: number }>;
  /** Milliseconds for the canary's way there and back. */
  canary(): Promise<number>;
  evictionPolicy(): Promise<string>;
}

export interface QueueSample {
  readonly queue: QueueName;
  readonly depth: QueueDepth;
  readonly deadLetters: number;
  readonly oldestAgeMs: number;
  readonly ageObjectiveMs: number;
}
export interface SlotSample {
  readonly schedule: string;
  readonly task: string;
  readonly slotMs: number;
  readonly runId: string;
  readonly state: RunState | 'missing';
  readonly latenessMs?: number;
}
export interface StatusSample {
  readonly atMs: number;
  readonly queues: readonly QueueSample[];
  readonly slots: readonly SlotSample[];
  readonly switchState: 'clear' | 'halted' | 'unknown';
}
export interface StatusStore {
  sample(): Promise<StatusSample>;
  history(): Promise<unknown>;
  publish(page: { status: string; history: string; html: string }): Promise<void>;
}

export interface ReapCount {
  readonly count: number;
  /** Whether a bound cut the work short. */
  readonly more: boolean;
}
/** The duties of reaping. Each works through all queues until nothing is left, its time is up, or `signal` ends it. */
export interface Reaper {
  resend(signal?: AbortSignal): Promise<ReapCount>;
  expire(signal?: AbortSignal): Promise<ReapCount>;
  drain(signal?: AbortSignal): Promise<ReapCount>;
  release(signal?: AbortSignal): Promise<ReapCount>;
  /** Wakes the executors' dispatcher, for each heavy queue that has something to look at. */
  kick(): Promise<ReapCount>;
  /** Ends WebSockets whose token has expired. */
  hangUp(signal?: AbortSignal): Promise<ReapCount>;
}
export interface Reconciled {
  /** Slots that were due and have no run. */
  readonly missed: number;
  /** Runs made or begun again for slots. */
  readonly caughtUp: number;
  /** Whether a bound cut the work short; the next hour goes on. */
  readonly more: boolean;
}
export interface Reconciler {
  reconcile(signal?: AbortSignal): Promise<Reconciled>;
}

export interface TaskPorts {
  readonly artefacts: RunArtefacts;
  readonly datasets: Datasets;
  readonly killSwitch: KillSwitchKeeper;
  readonly status: StatusStore;
  readonly reaper: Reaper;
  readonly reconciler: Reconciler;
  readonly webhooks: Webhooks;
  readonly anchors: Anchors;
  readonly runs: Runs;
}
export type PortName = keyof TaskPorts;

/** The methods that change something; a task reaches them only through the guard. */
export const mutatingMethods = {
  artefacts: ['put'],
  datasets: ['publish'],
  killSwitch: ['repair', 'canary'],
  status: ['publish'],
  reaper: ['resend', 'expire', 'drain', 'release', 'kick', 'hangUp'],
  reconciler: ['reconcile'],
  webhooks: ['deliver'],
  anchors: ['anchorHour'],
  runs: ['start'],
} as const satisfies { [P in PortName]: readonly (keyof TaskPorts[P] & string)[] };
export type Effect = { [P in PortName]: `${P}.${(typeof mutatingMethods)[P][number]}` }[PortName];

export type { OutboxEntry };
