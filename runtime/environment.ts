import { isIPv4 } from 'node:net';
import * as z from 'zod';
import {
  addressedBy,
  dlqUrlVariable,
  ownVariables,
  queueUrlVariable,
  taskDefinitionVariable,
  type OwnVariable,
} from '#core/catalogue/entry-environment.ts';
import { families, type EntryPointName } from '#core/catalogue/entry-points.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import { describeIssues } from '#core/envelope.ts';
import { Failure } from '#core/errors.ts';

const hostPort = z
  .string()
  .regex(/^([\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i, 'is not host:port')
  .refine((value) => inPortRange(splitHostPort(value).port), 'is not host:port: ports are from 1 to 65535');
const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) address' });
const schema = z.object({
  STAGE: z.string().min(1),
  CELL: z.string().regex(/^[a-z0-9-]{1,32}$/, 'is not a cell name'),
  LEDGER_TABLE: z.string().min(3),
  LEDGER_SHARDS: z.coerce.number().int().min(1).max(64),
  CONTROL_TABLE: z.string().min(3),
  AUDIT_TABLE: z.string().min(3),
  BUCKET: z.string().min(3),
  EVENT_BUS: z.string().min(1),
  STATE_REDIS: hostPort,
  CACHE_REDIS: hostPort,
  REDIS_NAME: z.string().min(1),
  REDIS_USER: z.string().min(1),
  LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
});

export interface Environment {
  readonly stage: string;
  readonly cell: string;
  readonly ledger: { readonly table: string; readonly shards: number };
  readonly controlTable: string;
  readonly auditTable: string;
  readonly bucket: string;
  readonly eventBus: string;
  readonly redis: { readonly state: HostPort; readonly cache: HostPort; readonly name: string; readonly user: string };
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly queueUrls: Readonly<Partial<Record<QueueName, { readonly queue: string; readonly deadLetters: string }>>>;
  readonly region: string;
  /** What only some entry points are given, by the name of its variable. */
  readonly own: Readonly<Partial<Record<OwnVariable, string>>>;
  /** Of the dispatcher alone: what it starts, and where. */
  readonly launch?: LaunchSettings;
  /** Set on the local plane only: endpoints on loopback, Redis without TLS and IAM, a clock that can be driven. */
  readonly local?: LocalMode;
}
export interface LaunchSettings {
  readonly cluster: string;
  readonly subnets: readonly string[];
  readonly securityGroup: string;
  readonly taskDefinitions: Readonly<Partial<Record<QueueName, string>>>;
}
export interface HostPort {
  readonly host: string;
  readonly port: number;
}
export interface LocalMode {
  readonly clockFile?: string;
  /** Where secrets lie, instead of in Secrets Manager. */
  readonly secretsFile?: string;
  /** Handed to the clients outright: what the SDK finds by itself a developer's own settings could overrule. */
  readonly endpoints: Readonly<Record<keyof typeof endpointVariables, string>>;
}

/**
 * Reads the variables of an entry point: exactly those that the catalogue lists for it, and AWS's own.
 *
 * @throws Failure CONFIGURATION_INVALID naming each variable that is missing or wrong, or in local mode each endpoint
 *   that is not on this machine.
 */
export function parseEnvironment(entryPoint: EntryPointName, variables: Variables): Environment {
  const local = localMode(variables);
  const { common, rest } = parseBoth(variables, entryPoint);
  const launches = entryPoint === 'dispatcher';
  return {
    stage: common.STAGE,
    cell: common.CELL,
    ledger: { table: common.LEDGER_TABLE, shards: common.LEDGER_SHARDS },
    controlTable: common.CONTROL_TABLE,
    auditTable: common.AUDIT_TABLE,
    bucket: common.BUCKET,
    eventBus: common.EVENT_BUS,
    redis: {
      state: splitHostPort(common.STATE_REDIS),
      cache: splitHostPort(common.CACHE_REDIS),
      name: common.REDIS_NAME,
      user: common.REDIS_USER,
    },
    logLevel: common.LOG_LEVEL,
    queueUrls: Object.fromEntries(
      addressedBy(entryPoint).map((queue) => [
        queue,
        { queue: rest[queueUrlVariable(queue)] ?? '', deadLetters: rest[dlqUrlVariable(queue)] ?? '' },
      ]),
    ),
    region: variables['AWS_REGION'] ?? 'us-east-1',
    own: launches ? {} : Object.fromEntries(ownVariables(entryPoint).map((name) => [name, rest[name] ?? ''])),
    ...(launches ? { launch: launchSettings(rest) } : {}),
    ...(local ? { local } : {}),
  };
}

const launchSettings = (rest: Readonly<Record<string, string>>): LaunchSettings => ({
  cluster: rest['CLUSTER'] ?? '',
  subnets: (rest['SUBNETS'] ?? '').split(','),
  securityGroup: rest['SECURITY_GROUP'] ?? '',
  taskDefinitions: Object.fromEntries(families.map((family) => [family, rest[taskDefinitionVariable(family)] ?? ''])),
});

const urlFields = (queue: QueueName) => [
  [queueUrlVariable(queue), httpUrl] as const,
  [dlqUrlVariable(queue), httpUrl] as const,
];
const ownFields = (entryPoint: EntryPointName) =>
  ownVariables(entryPoint).map((name) => [name, z.string().min(2)] as const);

/** Two schemas and one message, which names everything that is missing. */
function parseBoth(variables: Variables, entryPoint: EntryPointName) {
  const fields = [...addressedBy(entryPoint).flatMap(urlFields), ...ownFields(entryPoint)];
  const common = schema.safeParse(variables);
  const urls = z.object(Object.fromEntries(fields)).safeParse(variables);
  if (common.success && urls.success) return { common: common.data, rest: urls.data as Record<string, string> };
  const issues = [...(common.error?.issues ?? []), ...(urls.error?.issues ?? [])];
  throw new Failure(
    'CONFIGURATION_INVALID',
    `the environment does not fit the catalogue: ${describeIssues(new z.ZodError(issues), issues.length)}`,
  );
}

/** Brackets of an IPv6 address belong to the notation, not to the address. */
function splitHostPort(value: string): HostPort {
  const cut = value.lastIndexOf(':');
  return { host: value.slice(0, cut).replace(/^\[(.*)\]$/, '$1'), port: Number(value.slice(cut + 1)) };
}
const inPortRange = (port: number): boolean => port >= 1 && port <= 65_535;

/** Endpoint variables of the SDK that every client of ours resolves; in local mode each must be set, and on loopback. */
const endpointVariables = {
  sqs: 'AWS_ENDPOINT_URL_SQS',
  s3: 'AWS_ENDPOINT_URL_S3',
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
  events: 'AWS_ENDPOINT_URL',
  ecs: 'AWS_ENDPOINT_URL',
  secretsmanager: 'AWS_ENDPOINT_URL',
  ssm: 'AWS_ENDPOINT_URL',
  kms: 'AWS_ENDPOINT_URL',
  sockets: 'AWS_ENDPOINT_URL',
} as const;

type Variables = Readonly<Record<string, string | undefined>>;

function localMode(variables: Variables): LocalMode | undefined {
  const wanted = variables['ALPHASWARM_LOCAL'];
  if (wanted === undefined || wanted === '') return refuseSecretsFile(variables);
  if (wanted !== '1') {
    // Meant as "yes" and read as "no" it would go to real AWS.
    throw new Failure(
      'CONFIGURATION_INVALID',
      `ALPHASWARM_LOCAL is ${JSON.stringify(wanted)}: set it to 1, or not at all`,
    );
  }
  const endpoints = Object.entries(endpointVariables).map(([service, name]) => [
    service,
    checkLoopback(name, variables[name]),
  ]);
  for (const name of Object.keys(variables).filter(isEndpoint)) checkLoopback(name, variables[name]);
  const clockFile = variables['ALPHASWARM_CLOCK_FILE'];
  const secretsFile = variables['SECRETS_FILE'];
  return {
    endpoints: Object.fromEntries(endpoints) as LocalMode['endpoints'],
    ...(clockFile === undefined ? {} : { clockFile }),
    ...(secretsFile === undefined ? {} : { secretsFile }),
  };
}

/** Outside of local mode a file of secrets is one that was left behind. */
function refuseSecretsFile(variables: Variables): undefined {
  if (variables['SECRETS_FILE'] === undefined) return undefined;
  throw new Failure(
    'CONFIGURATION_INVALID',
    'SECRETS_FILE is set, and this is not the local plane: secrets come from Secrets Manager; unset it',
  );
}

const isEndpoint = (name: string): boolean => /^(AWS_ENDPOINT_URL|QUEUE_URL_|DLQ_URL_)|_REDIS$/.test(name);

function checkLoopback(name: string, value = ''): string {
  const url = value.includes('://') ? value : `redis://${value}`;
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  if (isLoopback(host)) return value;
  throw new Failure(
    'CONFIGURATION_INVALID',
    // The host alone: the value may hold a password.
    `ALPHASWARM_LOCAL=1 and ${name} names the host ${JSON.stringify(host)}: in local mode every endpoint must be on loopback, so that nothing reaches real AWS`,
  );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
