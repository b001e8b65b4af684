// One task as ECS knows it, and as it is told: to who describes it, in state-change events, by the metadata endpoint.
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';
import type { ClusterSpec, TaskDefinitionSpec } from '#local/task-resources.ts';

export type StopCode = 'EssentialContainerExited' | 'UserInitiated' | 'SpotInterruption' | 'TaskFailedToStart';

export interface Task {
  readonly id: string;
  readonly arn: string;
  readonly cluster: ClusterSpec;
  readonly definition: TaskDefinitionSpec;
  /** Of a capacity provider; started by launch type when absent. */
  readonly capacityProvider?: string | undefined;
  readonly startedBy?: string | undefined;
  readonly region: string;
  readonly createdAtMs: number;
  lastStatus: 'PROVISIONING' | 'PENDING' | 'RUNNING' | 'DEPROVISIONING' | 'STOPPED';
  desiredStatus: 'RUNNING' | 'STOPPED';
  /** Grows with every change that is told. */
  version: number;
  startedAtMs?: number;
  stoppingAtMs?: number;
  stoppedAtMs?: number;
  stopCode?: StopCode;
  stoppedReason?: string;
  exitCode?: number | undefined;
  /** Of the container's first process, which leads its group. */
  pid?: number | undefined;
}

type Time = (ms: number) => unknown;

/** As DescribeTasks and RunTask answer: seconds since 1970. */
export const described = (task: Task): Record<string, unknown> => fieldsOf(task, (ms) => ms / 1000);

/** As the detail of an `ECS Task State Change`: ISO 8601. */
export const eventDetail = (task: Task, nowMs: number): Record<string, unknown> => ({
  ...fieldsOf(task, iso),
  updatedAt: iso(nowMs),
});

const iso: Time = (ms) => new Date(ms).toISOString();

function fieldsOf(task: Task, time: Time): Record<string, unknown> {
  const { definition, cluster, capacityProvider, startedBy } = task;
  return {
    attachments: [],
    attributes: [{ name: 'ecs.cpu-architecture', value: 'arm64' }],
    availabilityZone: `${task.region}a`,
    ...(capacityProvider !== undefined && { capacityProviderName: capacityProvider }),
    clusterArn: cluster.arn,
    containers: [containerFields(task)],
    cpu: definition.cpu,
    createdAt: time(task.createdAtMs),
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: false,
    ephemeralStorage: { sizeInGiB: 20 },
    group: groupOf(task),
    lastStatus: task.lastStatus,
    launchType: 'FARGATE',
    memory: definition.memory,
    overrides: { containerOverrides: [{ name: definition.container.name }] },
    platformFamily: 'Linux',
    platformVersion: '1.4.0',
    ...(startedBy !== undefined && { startedBy }),
    ...timesOf(task, time),
    ...(task.stopCode && { stopCode: task.stopCode, stoppedReason: task.stoppedReason }),
    taskArn: task.arn,
    taskDefinitionArn: definition.arn,
    version: task.version,
  };
}

/** The group of every task that is started without one. */
const groupOf = ({ definition }: Task): string => `family:${definition.family}`;

function containerFields(task: Task): Record<string, unknown> {
  const { definition, exitCode } = task;
  const { name, image } = definition.container;
  const stopped = task.lastStatus === 'STOPPED' || task.lastStatus === 'DEPROVISIONING';
  return {
    containerArn: containerArn(task),
    ...(exitCode !== undefined && { exitCode }),
    image,
    lastStatus: stopped ? 'STOPPED' : task.startedAtMs === undefined ? 'PENDING' : 'RUNNING',
    name,
    networkInterfaces: [],
    taskArn: task.arn,
  };
}

const containerArn = ({ region, cluster, id }: Task): string =>
  `arn:aws:ecs:${region}:${LOCAL_ACCOUNT_ID}:container/${cluster.name}/${id}/executor`;

function timesOf({ startedAtMs, stoppingAtMs, stoppedAtMs }: Task, time: Time): Record<string, unknown> {
  return {
    ...(startedAtMs !== undefined && { startedAt: time(startedAtMs) }),
    ...(stoppingAtMs !== undefined && { stoppingAt: time(stoppingAtMs) }),
    ...(stoppedAtMs !== undefined && { stoppedAt: time(stoppedAtMs), executionStoppedAt: time(stoppedAtMs) }),
  };
}

/** What `${ECS_CONTAINER_METADATA_URI_V4}/task` answers on Fargate. */
export function taskMetadata(task: Task): Record<string, unknown> {
  const { definition, cluster } = task;
  return {
    Cluster: cluster.arn,
    TaskARN: task.arn,
    Family: definition.family,
    Revision: definition.arn.split(':').at(-1),
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Limits: { CPU: Number(definition.cpu) / 1024, Memory: Number(definition.memory) },
    AvailabilityZone: `${task.region}a`,
    LaunchType: 'FARGATE',
    Containers: [containerMetadata(task)],
  };
}

/** What `${ECS_CONTAINER_METADATA_URI_V4}` itself answers. */
export function containerMetadata(task: Task): Record<string, unknown> {
  const { name, image } = task.definition.container;
  return {
    DockerId: `${task.id}-1`,
    Name: name,
    DockerName: name,
    Image: image,
    Labels: {
      'com.amazonaws.ecs.cluster': task.cluster.arn,
      'com.amazonaws.ecs.container-name': name,
      'com.amazonaws.ecs.task-arn': task.arn,
      'com.amazonaws.ecs.task-definition-family': task.definition.family,
      'com.amazonaws.ecs.task-definition-version': task.definition.arn.split(':').at(-1),
    },
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Type: 'NORMAL',
    ContainerARN: containerArn(task),
  };
}
