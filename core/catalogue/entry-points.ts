import { inhabitedQueues, type tasks, type TaskName } from './tasks.ts';
import type { QueueName } from './queues.ts';

/** Queues that have a task; the type follows the task table, so a new task on a new queue needs no edit here. */
export type InhabitedQueue = (typeof tasks)[TaskName]['queue'];
/** One Lambda function: the system consumer, or the consumer of one light queue. */
export type EntryPointName = InhabitedQueue;

/** Environment variables that every function is given and reads, in the words of runtime/environment.ts. */
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

/** Queues to which an entry point writes: the system function relays, reaps and samples; a consumer continues its own runs. */
export type QueuesOf<E extends EntryPointName> = E extends 'system' ? InhabitedQueue : E;
/** Exactly the variables that lib supplies to E and runtime reads in it. */
export type EnvironmentOf<E extends EntryPointName> = Record<CommonVariable | QueueVariable<QueuesOf<E>>, string>;

/** IAM actions of the SDK calls made: what a role may do is what its code does, and a law compares the two. */
export type SdkCall =
  | 'sqs:ReceiveMessage'
  | 'sqs:DeleteMessage'
  | 'sqs:ChangeMessageVisibility'
  | 'sqs:SendMessage'
  | 'sqs:GetQueueAttributes'
  | 'dynamodb:GetItem'
  | 'dynamodb:PutItem'
  | 'dynamodb:Query'
  | 's3:GetObject'
  | 's3:PutObject'
  /** Without it S3 answers 403, not 404, for an object that is not there. */
  | 's3:ListBucket'
  | 'events:PutEvents'
  | 'elasticache:Connect';

export interface EntryPoint {
  /** Source file, from the root of the project. */
  readonly file: string;
  readonly consumes: QueueName;
  readonly writesTo: readonly QueueName[];
  readonly calls: readonly SdkCall[];
  /** Services that must be reachable from its subnets. */
  readonly hosts: readonly ('sqs' | 'dynamodb' | 's3' | 'events' | 'elasticache')[];
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

function entryPoint(queue: InhabitedQueue): EntryPoint {
  const system = queue === 'system';
  return {
    file: system ? 'functions/system.ts' : `functions/consumers/${queue}.ts`,
    consumes: queue,
    writesTo: system ? inhabitedQueues : [queue],
    calls: consumerCalls,
    hosts,
  };
}

/** Every bundle of the plane, derived from the queues that have a task. */
export const entryPoints = Object.fromEntries(
  (inhabitedQueues as InhabitedQueue[]).map((queue) => [queue, entryPoint(queue)]),
) as Record<EntryPointName, EntryPoint>;

/** The names of E's environment variables, in the order in which lib supplies them. */
export const environmentNames = (name: EntryPointName): string[] => [
  ...commonEnvironment,
  ...entryPoints[name].writesTo.flatMap((queue) => [queueUrlVariable(queue), dlqUrlVariable(queue)]),
];
