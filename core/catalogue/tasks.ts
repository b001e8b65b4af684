import * as z from 'zod';
import { minutes, seconds, type Seconds } from '../duration.ts';
import type { FailureCode } from '../errors.ts';
import type { Effect, PortName } from '../ports.ts';
import { callbackDeliver } from './callbacks.ts';
import { backtestPayload, datasetName, objectKey } from './payloads.ts';
import type { QueueName } from './queues.ts';

/** Who may start a task: its schedule, or a person or service in one of these roles. */
export type StartableBy = 'schedule' | 'operator' | 'researcher' | 'service';

export interface RetryPolicy {
  /** Attempts in all; absent: the queue's. */
  readonly maximumAttempts?: number;
  /** First and longest wait of the exponential backoff; each wait is drawn from 0 to its step (full jitter). */
  readonly firstWait: Seconds;
  readonly longestWait: Seconds;
  /** Failures that would be retried elsewhere, but not here. */
  readonly nonRetryable: readonly FailureCode[];
}

/** The contract of a task: all that the plane, the gateway and the documentation know of it. */
export interface TaskContract {
  readonly queue: QueueName;
  readonly title: string;
  readonly payload: z.ZodType;
  readonly result: z.ZodType;
  /** `reads` may not call a mutating port method at all; `mutates` may, through the guard. */
  readonly effect: 'reads' | 'mutates';
  readonly whenHalted: 'run' | 'skip' | 'hold';
  /** Mutating port methods that stay open in a halt. */
  readonly mutatesWhileHalted: readonly Effect[];
  /** Ports the body may reach; its context holds no other. */
  readonly uses: readonly PortName[];
  readonly startableBy: readonly StartableBy[];
  /** The prefix of the original at which the gateway starts it, too: `backtests` is `POST /backtests`. */
  readonly shortcut?: string;
  /** Tasks that its body may start, each a run of its own in the same name. */
  readonly starts?: readonly string[];
  /** How work in flight is ended: `kill` after the grace period, `graceful` never without time. */
  readonly interrupt: 'kill' | 'graceful';
  readonly retry: RetryPolicy;
  readonly costClass: 'housekeeping' | 'small' | 'medium' | 'large';
}

const housekeepingRetry: RetryPolicy = {
  maximumAttempts: 2,
  firstWait: seconds(5),
  longestWait: seconds(30),
  nonRetryable: [],
};
const standardRetry: RetryPolicy = { firstWait: seconds(2), longestWait: minutes(5), nonRetryable: [] };
const nothing = z.strictObject({});
const count = z.int().nonnegative();
/** Every task of the plane. */
export const tasks = {
  'killswitch.heartbeat': {
    queue: 'system',
    title: 'Reads key and mirror of the kill switch, repairs what disagrees, writes and reads a canary',
    payload: nothing,
    result: z.strictObject({
      state: z.enum(['clear', 'halted']),
      repair: z.string(),
      epoch: count,
      roundTripMs: z.number().nonnegative(),
      evictionPolicy: z.string(),
    }),
    effect: 'mutates',
    whenHalted: 'run',
    mutatesWhileHalted: ['killSwitch.repair', 'killSwitch.canary'],
    uses: ['killSwitch'],
    startableBy: ['schedule', 'operator'],
    interrupt: 'kill',
    retry: housekeepingRetry,
    costClass: 'housekeeping',
  },
  'status.sync': {
    queue: 'system',
    title: 'Writes the status page: queues, dead letters, heartbeat, last slots',
    payload: nothing,
    result: z.strictObject({ overall: z.string(), components: count, incidentsOpen: count }),
    effect: 'mutates',
    whenHalted: 'run',
    mutatesWhileHalted: ['status.publish'],
    uses: ['status'],
    startableBy: ['schedule', 'operator'],
    interrupt: 'kill',
    retry: housekeepingRetry,
    costClass: 'housekeeping',
  },
  'runs.reap': {
    queue: 'system',
    title: 'Sends overdue runs again, settles lost leases, drains outboxes, lets held runs go, wakes the dispatcher',
    payload: nothing,
    result: z.strictObject({
      resent: count,
      expired: count,
      drained: count,
      released: count,
      kicked: count,
      closed: count,
      more: z.boolean(),
    }),
    effect: 'mutates',
    // All that it does lets work go on, and in a halt nothing goes on: docs/decisions/reaping-skipped-in-a-halt.md.
    whenHalted: 'skip',
    mutatesWhileHalted: [],
    uses: ['reaper'],
    startableBy: ['schedule', 'operator'],
    interrupt: 'kill',
    retry: housekeepingRetry,
    costClass: 'housekeeping',
  },
  'beat.reconcile': {
    queue: 'system',
    title: 'Compares the slots that were expected with the runs there are, counts what was missed, and makes up for it',
    payload: nothing,
    result: z.strictObject({ missed: count, caughtUp: count, more: z.boolean() }),
    effect: 'mutates',
    // What it makes up for would begin in a halt; the watermark waits, and the first hour after the release goes on.
    whenHalted: 'skip',
    mutatesWhileHalted: [],
    uses: ['reconciler'],
    startableBy: ['schedule', 'operator'],
    interrupt: 'kill',
    retry: housekeepingRetry,
    costClass: 'housekeeping',
  },
  'audit.anchor': {
    queue: 'system',
    title: 'Signs the hours of the audit that are over, and locks them away',
    payload: nothing,
    result: z.strictObject({ hours: count, rows: count, breaks: count, more: z.boolean() }),
    effect: 'mutates',
    // What is done in a halt is audited, too.
    whenHalted: 'run',
    mutatesWhileHalted: ['anchors.anchorHour'],
    uses: ['anchors'],
    startableBy: ['schedule', 'operator'],
    interrupt: 'kill',
    retry: housekeepingRetry,
    costClass: 'housekeeping',
  },
  'backtest.run': {
    queue: 'backtest',
    title: 'Runs a strategy over a data set bar by bar; equity, trades, orders, statistics and a report',
    payload: backtestPayload,
    result: z.strictObject({
      metrics: z.record(z.string(), z.number().nullable()),
      tradeCount: count,
      bars: count,
      warnings: z.array(z.string()),
      manifestKey: z.string(),
    }),
    effect: 'mutates',
    whenHalted: 'hold',
    mutatesWhileHalted: [],
    uses: ['artefacts', 'datasets'],
    startableBy: ['researcher', 'service', 'operator'],
    shortcut: 'backtests',
    interrupt: 'kill',
    retry: standardRetry,
    costClass: 'medium',
  },
  'ingest.pull': {
    queue: 'ingestion',
    title: 'Pulls an OHLCV file into bronze and silver Parquet, with a quality report',
    payload: z.strictObject({
      connector: z.literal('csv'),
      dataset: datasetName,
      source: z.strictObject({ key: objectKey }),
      calendar: z.enum(['auto', 'XNYS', 'weekdays', 'every-day']).default('auto'),
      /** What to start with the data set once it stands, as a run of its own. */
      next: z.strictObject({ backtest: backtestPayload.omit({ data: true }) }).optional(),
    }),
    result: z.strictObject({
      rowsIn: count,
      rowsSilver: count,
      rowsQuarantined: count,
      duplicates: count,
      gaps: count,
      manifestKey: z.string(),
      /** The run that `next` asked for. */
      started: z.uuid().optional(),
    }),
    effect: 'mutates',
    whenHalted: 'hold',
    mutatesWhileHalted: [],
    uses: ['artefacts', 'datasets', 'runs'],
    startableBy: ['researcher', 'service', 'operator'],
    shortcut: 'ingest',
    starts: ['backtest.run'],
    interrupt: 'kill',
    retry: standardRetry,
    costClass: 'medium',
  },
  'callback.deliver': callbackDeliver,
} as const satisfies Record<string, TaskContract>;

export type TaskName = keyof typeof tasks;
export const taskNames = Object.keys(tasks) as TaskName[];
export const taskContract = (name: TaskName): TaskContract => tasks[name];
export const isTaskName = (name: string): name is TaskName => Object.hasOwn(tasks, name);

export type PayloadOf<T extends TaskName> = z.output<(typeof tasks)[T]['payload']>;
export type PayloadInputOf<T extends TaskName> = z.input<(typeof tasks)[T]['payload']>;
export type ResultOf<T extends TaskName> = z.output<(typeof tasks)[T]['result']>;
export type TaskOnQueue<Q extends QueueName> = {
  [T in TaskName]: (typeof tasks)[T]['queue'] extends Q ? T : never;
}[TaskName];
export type UsesOf<T extends TaskName> = (typeof tasks)[T]['uses'][number];

/** The queues that have a task, hence a consumer: the others stand as queues until their first task comes. */
export const inhabitedQueues = [...new Set(taskNames.map((name) => taskContract(name).queue))];
export const tasksOf = (queue: QueueName): TaskName[] => taskNames.filter((name) => taskContract(name).queue === queue);

/** Queues of the tasks that bodies on Q may start. */
export type StartedFrom<Q extends QueueName> = {
  [T in TaskOnQueue<Q>]: (typeof tasks)[T] extends { starts: readonly (infer S)[] }
    ? S extends TaskName
      ? (typeof tasks)[S]['queue']
      : never
    : never;
}[TaskOnQueue<Q>];
export const startedFrom = (queue: QueueName): QueueName[] =>
  tasksOf(queue)
    .flatMap((name) => taskContract(name).starts ?? [])
    .filter(isTaskName)
    .map((name) => taskContract(name).queue);
