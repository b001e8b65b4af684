import { doors, doorNames, isDoor, type DoorName, type DoorRow } from './doors.ts';
import { queueRow, type queues, type QueueName } from './queues.ts';
import type { Door } from './routes.ts';
import type { Host, SdkCall } from './sdk-calls.ts';
import { inhabitedQueues, startedFrom, type StartedFrom, type tasks, type TaskName } from './tasks.ts';

/** Queues that have a task; the type follows the task table, so a new task on a new queue needs no edit here. */
export type InhabitedQueue = (typeof tasks)[TaskName]['queue'];
type OnTier<Q extends QueueName, T extends string> = Q extends QueueName
  ? (typeof queues)[Q]['tier'] extends T
    ? Q
    : never
  : never;
/** Drained by a Lambda function. */
export type FunctionQueue = OnTier<InhabitedQueue, 'light' | 'internal'>;
/** Drained by containers that pull: a family of executors each. */
export type Family = OnTier<InhabitedQueue, 'heavy'>;

const functionQueues = inhabitedQueues.filter((queue) => queueRow(queue).tier !== 'heavy') as FunctionQueue[];
export const families = inhabitedQueues.filter((queue) => queueRow(queue).tier === 'heavy') as Family[];
export const isFamily = (queue: string): queue is Family => families.some((family) => family === queue);

/** One Lambda function: the consumer of a queue, named like it; the dispatcher; the relay of progress; a door. */
export type ConsumerName = FunctionQueue | 'dispatcher' | 'relay';
export type FunctionName = ConsumerName | DoorName;
/** One bundle: a function, or what the executors of a family run. */
export type EntryPointName = FunctionName | Family;

/**
 * Queues to which an entry point sends: the system function relays, reaps and samples; the doors start what is asked
 * for; a worker continues its own runs, starts those that its contracts name, calls back, and wakes the relay. Nobody
 * but the system function sends to `system`: its ticks prove that a schedule was due.
 */
export type QueuesOf<E extends EntryPointName> = E extends 'system'
  ? InhabitedQueue | 'kick' | 'progress'
  : E extends Door
    ? Exclude<InhabitedQueue, 'system'> | 'kick' | 'progress'
    : E extends 'sockets' | 'relay'
      ? 'progress'
      : E extends 'dispatcher'
        ? Family | 'kick' | 'progress' | 'default'
        : Extract<E, QueueName> | StartedFrom<Extract<E, QueueName>> | 'kick' | 'progress' | 'default';
/** Queues of which it also looks at depth and dead letters. */
type WatchesOf<E extends EntryPointName> = E extends 'gateway' ? 'system' : never;
/** Every queue whose addresses it is given. */
export type AddressedBy<E extends EntryPointName> = QueuesOf<E> | WatchesOf<E>;

export interface EntryPoint {
  readonly kind: 'function' | 'executor';
  /** Source file, from the root of the project. */
  readonly file: string;
  /** Absent behind an API. */
  readonly consumes?: QueueName;
  readonly writesTo: readonly QueueName[];
  /** Queues of which it looks at depth and dead letters, beside those to which it writes. */
  readonly watches?: readonly QueueName[];
  readonly calls: readonly SdkCall[];
  /** Services that must be reachable from its subnets. */
  readonly hosts: readonly Host[];
}

const writing = [
  'sqs:GetQueueAttributes',
  'sqs:SendMessage',
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  's3:GetObject',
  's3:PutObject',
  's3:ListBucket',
  'events:PutEvents',
  'elasticache:Connect',
] as const satisfies readonly SdkCall[];
const receiving = [
  'sqs:ReceiveMessage',
  'sqs:DeleteMessage',
  'sqs:ChangeMessageVisibility',
] as const satisfies readonly SdkCall[];
const consumerCalls = [...receiving, ...writing] as const satisfies readonly SdkCall[];
const socketCalls = ['dynamodb:DeleteItem', 'execute-api:ManageConnections'] as const satisfies readonly SdkCall[];
const hosts = ['sqs', 'dynamodb', 's3', 'events', 'elasticache'] as const;

/** Of a worker: its own queue, those of the tasks it may start, and where callbacks, kicks and frames go. */
const workerWritesTo = (queue: QueueName): QueueName[] => [
  ...new Set<QueueName>([queue, ...startedFrom(queue), 'default', 'kick', 'progress']),
];

function consumerOf(queue: FunctionQueue): Consuming {
  const file = `functions/consumers/${queue}.ts`;
  if (queue !== 'system') {
    const secrets = (queue as QueueName) === 'default';
    return {
      kind: 'function',
      file,
      consumes: queue,
      writesTo: workerWritesTo(queue),
      // Callbacks are signed.
      calls: secrets ? [...consumerCalls, 'secretsmanager:GetSecretValue'] : consumerCalls,
      hosts: secrets ? [...hosts, 'secretsmanager'] : hosts,
    };
  }
  return {
    kind: 'function',
    file: 'functions/system.ts',
    consumes: queue,
    writesTo: [...inhabitedQueues, 'kick', 'progress'],
    // Reaping and reconciling read rows by the hundred; the audit of each hour is signed; old WebSockets are ended.
    calls: [...consumerCalls, ...socketCalls, 'dynamodb:BatchGetItem', 'kms:Sign', 'kms:GetPublicKey'],
    hosts: [...hosts, 'kms', 'execute-api'],
  };
}

const executorOf = (family: Family): Consuming => ({
  kind: 'executor',
  file: `containers/executor/${family}.ts`,
  consumes: family,
  writesTo: workerWritesTo(family),
  calls: consumerCalls,
  hosts,
});

const dispatcher: EntryPoint = {
  kind: 'function',
  file: 'functions/dispatcher.ts',
  consumes: 'kick',
  writesTo: [...families, 'default', 'kick', 'progress'],
  calls: [...consumerCalls, 'ecs:RunTask', 'ecs:StopTask', 'iam:PassRole'],
  hosts: [...hosts, 'ecs'],
};

/** Everywhere but `system`, in whose name only schedules speak. */
const doorWritesTo: QueueName[] = [...inhabitedQueues.filter((queue) => queue !== 'system'), 'kick', 'progress'];

const gateway: EntryPoint = {
  kind: 'function',
  file: 'functions/gateway.ts',
  writesTo: doorWritesTo,
  watches: ['system'],
  // It receives from dead-letter queues alone.
  calls: [...consumerCalls, 'dynamodb:BatchGetItem', 'scheduler:GetSchedule', 'sts:AssumeRole', 'kms:GetPublicKey'],
  hosts: [...hosts, 'scheduler', 'sts', 'kms'],
};
const halt: EntryPoint = { kind: 'function', file: 'functions/halt.ts', writesTo: doorWritesTo, calls: writing, hosts };

const mcp: EntryPoint = {
  kind: 'function',
  file: 'functions/mcp.ts',
  writesTo: doorWritesTo,
  calls: [...writing, 'dynamodb:BatchGetItem', 'sts:AssumeRole'],
  hosts: [...hosts, 'sts'],
};
const sockets: EntryPoint = {
  kind: 'function',
  file: 'functions/sockets.ts',
  writesTo: ['progress'],
  calls: [...writing, ...socketCalls],
  hosts: [...hosts, 'execute-api'],
};
const relay: EntryPoint = {
  kind: 'function',
  file: 'functions/relay.ts',
  consumes: 'progress',
  writesTo: ['progress'],
  calls: [...consumerCalls, ...socketCalls],
  hosts: [...hosts, 'execute-api'],
};

type Consuming = EntryPoint & { readonly consumes: QueueName };

/** Every bundle of the plane, derived from the queues that have a task. */
export const entryPoints = {
  ...Object.fromEntries(functionQueues.map((queue) => [queue, consumerOf(queue)])),
  dispatcher,
  relay,
  gateway,
  halt,
  mcp,
  sockets,
  ...Object.fromEntries(families.map((family) => [family, executorOf(family)])),
} as { readonly [E in EntryPointName]: E extends DoorName ? EntryPoint : Consuming };
export const consumerNames: readonly ConsumerName[] = [...functionQueues, 'dispatcher', 'relay'];
export const functionNames: readonly FunctionName[] = [...consumerNames, ...doorNames];

/** What a function is given: its queue's row says so, or its door's. */
export function functionRow(name: FunctionName): DoorRow {
  if (isDoor(name)) return doors[name];
  const { consumes } = entryPoints[name];
  const { drives, compute, timeout } = queueRow(consumes);
  if (compute.kind === 'lambda') return { drives, memoryMb: compute.memoryMb, timeout };
  throw new TypeError(`the queue ${consumes} runs on containers: ${name} cannot be its function`);
}
