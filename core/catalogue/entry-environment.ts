import { entryPoints, families, type AddressedBy, type EntryPointName, type Family } from './entry-points.ts';
import type { QueueName } from './queues.ts';

/** Environment variables that every bundle is given and reads, in the words of runtime/environment.ts. */
const commonEnvironment = [
  'STAGE',
  'CELL',
  'LEDGER_TABLE',
  'LEDGER_SHARDS',
  'CONTROL_TABLE',
  'AUDIT_TABLE',
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

/** What only some entry points are given, but for what the dispatcher launches. */
const ownEnvironment = {
  /** Where each hour's audit is anchored, and the key that signs it; where WebSockets are ended. */
  system: ['AUDIT_BUCKET', 'AUDIT_KEY', 'CONNECTIONS_TABLE', 'SOCKETS_CALLBACK'],
  /** Issuers of tokens, and the role under which links are signed. */
  gateway: ['IDENTITY', 'LINKS_ROLE', 'AUDIT_BUCKET', 'AUDIT_KEY'],
  /** Whether a halt is released by another person than who engaged it. */
  halt: ['IDENTITY', 'RELEASE_BY_ANOTHER'],
  mcp: ['IDENTITY', 'LINKS_ROLE'],
  sockets: ['IDENTITY', 'CONNECTIONS_TABLE', 'SOCKETS_CALLBACK'],
  relay: ['CONNECTIONS_TABLE', 'SOCKETS_CALLBACK'],
} as const satisfies Partial<Record<EntryPointName, readonly string[]>>;
type Owning = keyof typeof ownEnvironment;
export type OwnVariable = (typeof ownEnvironment)[Owning][number];
export type OwnVariablesOf<E extends EntryPointName> = E extends 'dispatcher'
  ? LaunchVariable
  : E extends Owning
    ? (typeof ownEnvironment)[E][number]
    : never;

/** Exactly the variables that lib supplies to E and runtime reads in it. */
export type EnvironmentOf<E extends EntryPointName> = Record<
  CommonVariable | QueueVariable<AddressedBy<E>> | OwnVariablesOf<E>,
  string
>;

/** The queues whose addresses an entry point is given. */
export const addressedBy = (name: EntryPointName): QueueName[] => {
  const { writesTo, watches = [] } = entryPoints[name];
  return [...writesTo, ...watches];
};

export function ownVariables(name: EntryPointName): string[] {
  if (name === 'dispatcher') return [...launchEnvironment, ...families.map(taskDefinitionVariable)];
  return Object.hasOwn(ownEnvironment, name) ? [...ownEnvironment[name as Owning]] : [];
}

/** The names of E's environment variables, in the order in which lib supplies them. */
export const environmentNames = (name: EntryPointName): string[] => [
  ...commonEnvironment,
  ...addressedBy(name).flatMap((queue) => [queueUrlVariable(queue), dlqUrlVariable(queue)]),
  ...ownVariables(name),
];
