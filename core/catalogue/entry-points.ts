import type { queues, QueueName } from './queues.ts';
import { queueRow } from './queues.ts';
import { inhabitedQueues, type tasks, type TaskName } from './tasks.ts';

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

/** One Lambda function: the consumer of a queue, named like it, or the dispatcher. */
export type FunctionName = FunctionQueue | 'dispatcher';
/** One bundle: a function, or what the executors of a family run. */
export type EntryPointName = FunctionName | Family;

/** Environment variables that every bundle is given and reads, in the words of runtime/environment.ts. */
const commonEnvironment = [
  'STAGE',
  'CELL',
  'LEDGER_TABLE',
  'LEDGER_SHARDS',
  'CONTROL_TABLE',
  'BUCKET',
  'EVENT_BUS',
  'STATE_REDIS',
  'CACHE_REDIS',
  'REDIS_NAME',
  'REDIS_USER',
  'LOG_LEVEL',
] as const;
export type CommonVariable = (typeof commonEnvironment)[number];
export type QueueVariable<Q extends QueueName> = `QUEUE_URL_${Uppercase<Q>}` | `DLQ_URL_${Uppercase<Q>}`;

export const queueUrlVariable = <Q extends QueueName>(queue: Q) =>
  `QUEUE_URL_${queue.toUpperCase()}` as `QUEUE_URL_${Uppercase<Q>}`;
export const dlqUrlVariable = <Q extends QueueName>(queue: Q) =>
  `DLQ_URL_${queue.toUpperCase()}` as `DLQ_URL_${Uppercase<Q>}`;

/** What the dispatcher starts, and where: subnets are separated by commas. */
export const launchEnvironment = ['CLUSTER', 'SUBNETS', 'SECURITY_GROUP'] as const;
export type LaunchVariable = (typeof launchEnvironment)[number] | `TASK_DEFINITION_${Uppercase<Family>}`;
export const taskDefinitionVariable = <F extends QueueName>(family: F) =>
  `TASK_DEFINITION_${family.toUpperCase()}` as `TASK_DEFINITION_${Uppercase<F>}`;

/**
 * Queues to which an entry point writes: the system function relays, reaps and samples; a consumer continues its own
 * runs; whoever sends to a heavy queue kicks the dispatcher.
 */
export type QueuesOf<E extends EntryPointName> = E extends 'system'
  ? InhabitedQueue | 'kick'
  : E extends 'dispatcher'
    ? Family | 'kick'
    : E extends Family
      ? E | 'kick'
      : Exclude<E, 'dispatcher'>;
/** Exactly the variables that lib supplies to E and runtime reads in it. */
export type EnvironmentOf<E extends EntryPointName> = Record<
  CommonVariable | QueueVariable<QueuesOf<E>> | (E extends 'dispatcher' ? LaunchVariable : never),
  string
>;

/** IAM actions of the SDK calls made: what a role may do is what its code does, and a law compares the two. */
export type SdkCall =
  | 'sqs:ReceiveMessage'
  | 'sqs:DeleteMessage'
  | 'sqs:ChangeMessageVisibility'
  | 'sqs:SendMessage'
  | 'sqs:GetQueueAttributes'
  | 'dynamodb:GetItem'
  | 'dynamodb:BatchGetItem'
  | 'dynamodb:PutItem'
  | 'dynamodb:Query'
  | 's3:GetObject'
  | 's3:PutObject'
  /** Without it S3 answers 403, not 404, for an object that is not there. */
  | 's3:ListBucket'
  | 'events:PutEvents'
  | 'elasticache:Connect'
  | 'ecs:RunTask'
  | 'ecs:StopTask'
  /** RunTask hands the task its roles. */
  | 'iam:PassRole';

export interface EntryPoint {
  readonly kind: 'function' | 'executor';
  /** Source file, from the root of the project. */
  readonly file: string;
  readonly consumes: QueueName;
  readonly writesTo: readonly QueueName[];
  readonly calls: readonly SdkCall[];
  /** Services that must be reachable from its subnets. */
  readonly hosts: readonly ('sqs' | 'dynamodb' | 's3' | 'events' | 'elasticache' | 'ecs')[];
}

const consumerCalls = [
  'sqs:ReceiveMessage',
  'sqs:DeleteMessage',
  'sqs:ChangeMessageVisibility',
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
const hosts = ['sqs', 'dynamodb', 's3', 'events', 'elasticache'] as const;

function consumerOf(queue: FunctionQueue): EntryPoint {
  const system = queue === 'system';
  return {
    kind: 'function',
    file: system ? 'functions/system.ts' : `functions/consumers/${queue}.ts`,
    consumes: queue,
    writesTo: system ? [...inhabitedQueues, 'kick'] : [queue],
    // Reaping and reconciling read rows by the hundred.
    calls: system ? [...consumerCalls, 'dynamodb:BatchGetItem'] : consumerCalls,
    hosts,
  };
}

const executorOf = (family: Family): EntryPoint => ({
  kind: 'executor',
  file: `containers/executor/${family}.ts`,
  consumes: family,
  writesTo: [family, 'kick'],
  calls: consumerCalls,
  hosts,
});

const dispatcher: EntryPoint = {
  kind: 'function',
  file: 'functions/dispatcher.ts',
  consumes: 'kick',
  writesTo: [...families, 'kick'],
  calls: [...consumerCalls, 'ecs:RunTask', 'ecs:StopTask', 'iam:PassRole'],
  hosts: [...hosts, 'ecs'],
};

/** Every bundle of the plane, derived from the queues that have a task. */
export const entryPoints = {
  ...Object.fromEntries(functionQueues.map((queue) => [queue, consumerOf(queue)])),
  dispatcher,
  ...Object.fromEntries(families.map((family) => [family, executorOf(family)])),
} as Record<EntryPointName, EntryPoint>;
export const functionNames: readonly FunctionName[] = [...functionQueues, 'dispatcher'];

/** The names of E's environment variables, in the order in which lib supplies them. */
export const environmentNames = (name: EntryPointName): string[] => [
  ...commonEnvironment,
  ...entryPoints[name].writesTo.flatMap((queue) => [queueUrlVariable(queue), dlqUrlVariable(queue)]),
  ...(name === 'dispatcher' ? [...launchEnvironment, ...families.map(taskDefinitionVariable)] : []),
];
