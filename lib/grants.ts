import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { entryPoints, type EntryPointName, type SdkCall } from '#core/catalogue/entry-points.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { ArtefactStore } from '#lib/constructs/artefact-store.ts';
import type { Fleet } from '#lib/constructs/fleet.ts';
import type { Ledger } from '#lib/constructs/ledger.ts';
import type { RedisAccess } from '#lib/constructs/state-redis.ts';
import type { TaskQueue } from '#lib/constructs/task-queue.ts';

/** All that an entry point can be let at. */
export interface Reach {
  readonly queues: Readonly<Record<QueueName, TaskQueue>>;
  readonly ledger: Ledger;
  readonly store: ArtefactStore;
  readonly bus: EventBus;
  readonly redis: RedisAccess;
  /** What the dispatcher starts. Executors are made before there is a fleet of them, and start nothing. */
  readonly fleet?: Fleet;
}

type ArnsOf = (reach: Reach, entryPoint: EntryPointName) => readonly string[];

const consumed: ArnsOf = ({ queues }, name) => [queues[entryPoints[name].consumes].queue.queueArn];
/** A consumer sends pointers to its queues, and dead letters beside them. */
const written: ArnsOf = ({ queues }, name) =>
  entryPoints[name].writesTo.flatMap((queue) => [queues[queue].queue.queueArn, queues[queue].deadLetters.queueArn]);
const tables: ArnsOf = ({ ledger }) => [ledger.runs.tableArn, ledger.control.tableArn];

/** The resources of each call. A call that the catalogue gains does not compile until it has a line here. */
const resources: Record<SdkCall, ArnsOf> = {
  'sqs:ReceiveMessage': consumed,
  'sqs:DeleteMessage': consumed,
  'sqs:ChangeMessageVisibility': consumed,
  'sqs:SendMessage': written,
  'sqs:GetQueueAttributes': written,
  'dynamodb:GetItem': tables,
  'dynamodb:BatchGetItem': ({ ledger }) => [ledger.runs.tableArn],
  'dynamodb:PutItem': tables,
  'dynamodb:Query': ({ ledger }) => ledger.indexArns,
  's3:GetObject': ({ store }, name) => store.objectArns(entryPoints[name].consumes, 'read'),
  's3:PutObject': ({ store }, name) => store.objectArns(entryPoints[name].consumes, 'write'),
  's3:ListBucket': ({ store }) => [store.bucket.bucketArn],
  'events:PutEvents': ({ bus }) => [bus.eventBusArn],
  'elasticache:Connect': ({ redis }) => redis.connectArns,
  'ecs:RunTask': (reach, name) => fleetOf(reach, name).definitionArns,
  'ecs:StopTask': (reach, name) => [fleetOf(reach, name).taskArns],
  'iam:PassRole': (reach, name) => fleetOf(reach, name).roleArns,
};

function fleetOf({ fleet }: Reach, entryPoint: EntryPointName): Fleet {
  if (fleet) return fleet;
  throw new Error(`${entryPoint} starts tasks, but it is made before there are any to start`);
}

type ConditionsOf = (reach: Reach, entryPoint: EntryPointName) => Record<string, Record<string, string>>;
const inOurCluster: ConditionsOf = (reach, name) => ({ ArnEquals: { 'ecs:cluster': fleetOf(reach, name).clusterArn } });

/** Under which conditions, where a resource alone says too little. */
const conditions: Partial<Record<SdkCall, ConditionsOf>> = {
  'ecs:RunTask': inOurCluster,
  'ecs:StopTask': inOurCluster,
  // Handed to tasks only: not to a function or an instance that somebody else would then control.
  'iam:PassRole': () => ({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } }),
};

/**
 * What the role of an entry point may do: the calls that the catalogue lists for it, each on its own resources. A call
 * that has none on this stage (no IAM in front of a Redis that was given) needs no permission.
 */
export const statementsOf = (entryPoint: EntryPointName, reach: Reach): PolicyStatement[] =>
  entryPoints[entryPoint].calls.flatMap((call) => {
    const arns = [...resources[call](reach, entryPoint)];
    if (arns.length === 0) return [];
    const condition = conditions[call]?.(reach, entryPoint);
    return [new PolicyStatement({ actions: [call], resources: arns, ...(condition && { conditions: condition }) })];
  });
