import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { addressedBy, ownVariables } from '#core/catalogue/entry-environment.ts';
import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import type { SdkCall } from '#core/catalogue/sdk-calls.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { AuditTrail } from '#lib/constructs/audit-trail.ts';
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
  readonly audit: AuditTrail;
  readonly bus: EventBus;
  readonly redis: RedisAccess;
  /** Secrets of the cell, by the pattern of their names. */
  readonly secretsArn: string;
  readonly linksRoleArn: string;
  readonly scheduleArns: readonly string[];
  readonly connectionsArn: string;
  /** What the dispatcher starts. Executors are made before there is a fleet of them, and start nothing. */
  readonly fleet?: Fleet;
}

type ArnsOf = (reach: Reach, entryPoint: EntryPointName) => readonly string[];

/** A consumer receives from its queue. The gateway, which has none, takes dead letters: to show them, or to send them again. */
const received: ArnsOf = ({ queues }, name) => {
  const { consumes } = entryPoints[name];
  return consumes === undefined ? lettersOf({ queues }, name) : [queues[consumes].queue.queueArn];
};
const lettersOf = ({ queues }: Pick<Reach, 'queues'>, name: EntryPointName) =>
  addressedBy(name).map((queue) => queues[queue].deadLetters.queueArn);
const looked: ArnsOf = ({ queues }, name) =>
  addressedBy(name).flatMap((queue) => [queues[queue].queue.queueArn, queues[queue].deadLetters.queueArn]);
/** A consumer sends pointers to its queues, and dead letters beside them. */
const written: ArnsOf = ({ queues }, name) =>
  entryPoints[name].writesTo.flatMap((queue) => [queues[queue].queue.queueArn, queues[queue].deadLetters.queueArn]);
const own = (name: EntryPointName, variable: string): boolean => ownVariables(name).includes(variable);
const connections: ArnsOf = ({ ledger }, name) => (own(name, 'CONNECTIONS_TABLE') ? [ledger.connections.tableArn] : []);
/** The audit is read back only where a write was sent twice: it must know its own row. */
const tables: ArnsOf = (reach, name) => [
  reach.ledger.runs.tableArn,
  reach.ledger.control.tableArn,
  reach.audit.table.tableArn,
  ...connections(reach, name),
];
const auditors: readonly EntryPointName[] = ['system', 'gateway', 'halt'];
const queried: ArnsOf = ({ ledger, audit }, name) => [
  ...ledger.indexArns,
  ...(name === 'system' ? [ledger.expiryArn] : []),
  ...(auditors.includes(name) ? [audit.table.tableArn, ...audit.indexArns] : []),
];
const anchored: ArnsOf = ({ audit }, name) =>
  own(name, 'AUDIT_BUCKET') ? [audit.anchors.arnForObjects('anchors/*')] : [];
/** What an entry point reads and writes of the bucket follows from the ports of the tasks that it runs, or may start. */
const objects =
  (access: 'read' | 'write'): ArnsOf =>
  ({ store }, name) => {
    const { consumes } = entryPoints[name];
    return consumes === undefined ? store.doorArns(access) : store.objectArns(consumes, access);
  };

/** The resources of each call. A call that the catalogue gains does not compile until it has a line here. */
const resources: Record<SdkCall, ArnsOf> = {
  'sqs:ReceiveMessage': received,
  'sqs:DeleteMessage': received,
  'sqs:ChangeMessageVisibility': received,
  'sqs:SendMessage': written,
  'sqs:GetQueueAttributes': looked,
  'dynamodb:GetItem': tables,
  'dynamodb:BatchGetItem': ({ ledger }) => [ledger.runs.tableArn],
  'dynamodb:PutItem': tables,
  'dynamodb:DeleteItem': connections,
  'dynamodb:Query': queried,
  's3:GetObject': (reach, name) => [...objects('read')(reach, name), ...anchored(reach, name)],
  's3:PutObject': (reach, name) => [
    ...objects('write')(reach, name),
    ...(name === 'system' ? anchored(reach, name) : []),
  ],
  's3:ListBucket': ({ store, audit }, name) => [
    store.bucket.bucketArn,
    ...(own(name, 'AUDIT_BUCKET') ? [audit.anchors.bucketArn] : []),
  ],
  'events:PutEvents': ({ bus }) => [bus.eventBusArn],
  'elasticache:Connect': ({ redis }) => redis.connectArns,
  'ecs:RunTask': (reach, name) => fleetOf(reach, name).definitionArns,
  'ecs:StopTask': (reach, name) => [fleetOf(reach, name).taskArns],
  'iam:PassRole': (reach, name) => fleetOf(reach, name).roleArns,
  'scheduler:GetSchedule': ({ scheduleArns }) => scheduleArns,
  'sts:AssumeRole': (reach) => [reach.linksRoleArn],
  'kms:Sign': ({ audit }) => [audit.signing.keyArn],
  'kms:GetPublicKey': ({ audit }) => [audit.signing.keyArn],
  'secretsmanager:GetSecretValue': ({ secretsArn }) => [secretsArn],
  'execute-api:ManageConnections': ({ connectionsArn }) => [connectionsArn],
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
