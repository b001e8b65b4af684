import { hours, minutes, seconds, type Seconds } from '../duration.ts';

/** What a queue is for: `light` runs on Lambda, `heavy` on containers that pull, `internal` is the plane's own. */
export type Tier = 'light' | 'heavy' | 'internal';

/** Size of one execution environment: Lambda memory, or a container's share of a host. */
export type Compute =
  | { readonly kind: 'lambda'; readonly memoryMb: number }
  | { readonly kind: 'container'; readonly vcpu: number; readonly memoryGib: number; readonly gpu: number };

/** How a run keeps its claim: to the end of its invocation, or for `length`, renewed every `renewEvery`. */
export type Lease =
  | { readonly kind: 'invocation' }
  | { readonly kind: 'renewed'; readonly length: Seconds; readonly renewEvery: Seconds };

export type Image = 'bundle' | 'executor' | 'trainer';

export interface QueueRow {
  readonly tier: Tier;
  /** Pointers to runs (and ticks), kicks, or wakes of the relay: tasks run on queues of runs alone. */
  readonly carries: 'runs' | 'kicks' | 'frames';
  /** What the queue drives, in the words of the original system. */
  readonly drives: string;
  readonly kind: 'standard' | 'fifo';
  /** The SQS message group: fairness on a standard queue, order on a FIFO one. */
  readonly group: 'tenant' | 'session' | 'workspace' | 'family' | 'run' | 'queue';
  /** How long each message stays hidden at first. */
  readonly deliveryDelay: Seconds;
  /** Longest invocation (light) or leg (heavy: the longest task) before it is ended. */
  readonly timeout: Seconds;
  readonly lease: Lease;
  readonly maximumAttempts: number;
  /** Messages handed to one invocation, and the longest wait to fill it. */
  readonly batch: { readonly size: number; readonly window: Seconds };
  /** Invocations (light) or containers (heavy) at once. */
  readonly concurrency: { readonly minimum: number; readonly maximum: number };
  /** Runs at once in one container; one a message on Lambda. */
  readonly slots: number;
  readonly warmMinimum: { readonly dev: number; readonly prod: number };
  readonly compute: Compute;
  readonly image: Image;
  readonly capacity: readonly ('LAMBDA' | 'FARGATE_SPOT' | 'FARGATE' | 'MANAGED_GPU')[];
  /** Where a run may reach beyond AWS's own services. */
  readonly egress: 'none' | 'internet';
  /** Oldest waiting message an operator accepts; the status page and the alarms compare with it. */
  readonly ageObjective: Seconds;
}

const lambda = (memoryMb: number): Compute => ({ kind: 'lambda', memoryMb });
const container = (vcpu: number, memoryGib: number, gpu = 0): Compute => ({ kind: 'container', vcpu, memoryGib, gpu });
const untilDeadline: Lease = { kind: 'invocation' };
/** 45 s renewed each 15 s: two renewals may be lost before another worker may take the run. */
const renewed: Lease = { kind: 'renewed', length: seconds(45), renewEvery: seconds(15) };
const warm = (prod: number) => ({ dev: 0, prod });

const light = {
  tier: 'light',
  carries: 'runs',
  kind: 'standard',
  group: 'tenant',
  deliveryDelay: seconds(0),
  timeout: seconds(20),
  lease: untilDeadline,
  maximumAttempts: 5,
  batch: { size: 10, window: seconds(0) },
  concurrency: { minimum: 2, maximum: 16 },
  slots: 1,
  warmMinimum: warm(0),
  compute: lambda(512),
  image: 'bundle',
  capacity: ['LAMBDA'],
  egress: 'none',
  ageObjective: minutes(1),
} as const satisfies Omit<QueueRow, 'drives'>;

const heavy = {
  tier: 'heavy',
  carries: 'runs',
  kind: 'standard',
  group: 'tenant',
  deliveryDelay: seconds(0),
  timeout: hours(6),
  lease: renewed,
  maximumAttempts: 3,
  batch: { size: 1, window: seconds(0) },
  concurrency: { minimum: 0, maximum: 20 },
  slots: 2,
  warmMinimum: warm(0),
  compute: container(2, 8),
  image: 'executor',
  capacity: ['FARGATE_SPOT', 'FARGATE'],
  egress: 'none',
  ageObjective: minutes(10),
} as const satisfies Omit<QueueRow, 'drives'>;

/** Every queue of the plane. The twelve of the original, and the plane's own. */
export const queues = {
  system: {
    ...light,
    tier: 'internal',
    drives: 'housekeeping: heartbeat, status page, reaping; the ticks of every schedule',
    group: 'queue',
    timeout: seconds(50),
    batch: { size: 5, window: seconds(0) },
    concurrency: { minimum: 2, maximum: 4 },
    ageObjective: minutes(2),
  },
  kick: {
    ...light,
    tier: 'internal',
    carries: 'kicks',
    drives: 'decisions of the dispatcher: how many executors each heavy queue needs now',
    kind: 'fifo',
    group: 'family',
    // The bucket in which kicks are the same kick: it must be closed before the first of them is read.
    deliveryDelay: seconds(2),
    concurrency: { minimum: 2, maximum: 8 },
    ageObjective: minutes(2),
  },
  progress: {
    ...light,
    tier: 'internal',
    carries: 'frames',
    drives: 'wakes of the relay: frames of a run that somebody watches over a WebSocket',
    kind: 'fifo',
    group: 'run',
    concurrency: { minimum: 2, maximum: 8 },
    ageObjective: seconds(5),
  },
  default: { ...light, drives: 'lineage, callbacks, metadata lookups', warmMinimum: warm(1), egress: 'internet' },
  paper: {
    ...light,
    drives: 'ticks of paper-trading sessions, below a second',
    kind: 'fifo',
    group: 'session',
    timeout: seconds(10),
    batch: { size: 5, window: seconds(0) },
    warmMinimum: warm(1),
    egress: 'internet',
    ageObjective: seconds(1),
  },
  terraform: {
    ...light,
    drives: 'plans, applies and drift of Terraform workspaces',
    kind: 'fifo',
    group: 'workspace',
    egress: 'internet',
  },
  ingestion: {
    ...light,
    drives: 'connector pulls into bronze and silver',
    timeout: minutes(12),
    lease: renewed,
    batch: { size: 1, window: seconds(0) },
    concurrency: { minimum: 2, maximum: 8 },
    compute: lambda(1024),
    egress: 'internet',
    ageObjective: minutes(5),
  },
  workflows: { ...light, drives: 'chains, groups, chords and graphs of runs' },
  hft: {
    ...light,
    drives: 'ordered batches of exchange events',
    kind: 'fifo',
    group: 'queue',
    timeout: seconds(10),
    concurrency: { minimum: 1, maximum: 1 },
    warmMinimum: warm(1),
    compute: lambda(1024),
    ageObjective: seconds(1),
  },
  backtest: { ...heavy, drives: 'event-driven and vectorised backtests' },
  training: {
    ...heavy,
    drives: 'reinforcement-learning rollouts and fine-tuning',
    slots: 1,
    compute: container(4, 16, 1),
    image: 'trainer',
    capacity: ['MANAGED_GPU'],
    concurrency: { minimum: 0, maximum: 4 },
  },
  ml: { ...heavy, drives: 'model pipelines, predictor refresh', compute: container(4, 16) },
  agents: {
    ...heavy,
    drives: 'agent runs and the code that agents write',
    slots: 1,
    compute: container(1, 4),
    capacity: ['FARGATE'],
    egress: 'internet',
  },
  factors: { ...heavy, drives: 'factor builds and alpha tests' },
  rag: { ...heavy, drives: 'document ingestion, embedding refresh', egress: 'internet' },
} as const satisfies Record<string, QueueRow>;

export type QueueName = keyof typeof queues;
export const queueNames = Object.keys(queues) as QueueName[];

/** The row of `name`, widened from its literal so that callers compare fields without narrowing surprises. */
export const queueRow = (name: QueueName): QueueRow => queues[name];
export const isQueueName = (name: string): name is QueueName => Object.hasOwn(queues, name);
