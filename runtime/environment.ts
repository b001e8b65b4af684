import * as z from 'zod';
import { dlqUrlVariable, entryPoints, queueUrlVariable, type EntryPointName } from '#core/catalogue/entry-points.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import { describeIssues } from '#core/envelope.ts';
import { Failure } from '#core/errors.ts';

const hostPort = z.string().regex(/^[\w.-]+:\d{1,5}$/, 'is not host:port');
const schema = z.object({
  STAGE: z.string().min(1),
  CELL: z.string().regex(/^[a-z0-9-]{1,32}$/, 'is not a cell name'),
  LEDGER_TABLE: z.string().min(3),
  LEDGER_SHARDS: z.coerce.number().int().min(1).max(64),
  CONTROL_TABLE: z.string().min(3),
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
  readonly bucket: string;
  readonly eventBus: string;
  readonly redis: { readonly state: HostPort; readonly cache: HostPort; readonly name: string; readonly user: string };
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly queueUrls: Readonly<Partial<Record<QueueName, { readonly queue: string; readonly deadLetters: string }>>>;
  readonly region: string;
  /** Set on the local plane only: endpoints on loopback, Redis without TLS and IAM, a clock that can be driven. */
  readonly local?: LocalMode;
}
export interface HostPort {
  readonly host: string;
  readonly port: number;
}
export interface LocalMode {
  readonly clockFile?: string;
}

/**
 * Reads the variables of an entry point: exactly those that the catalogue lists for it, and AWS's own.
 *
 * @throws Failure CONFIGURATION_INVALID naming each variable that is missing or wrong, or in local mode each endpoint
 *   that is not on this machine.
 */
export function parseEnvironment(
  entryPoint: EntryPointName,
  variables: Readonly<Record<string, string | undefined>>,
): Environment {
  const local = localMode(variables);
  const urls = z.object(Object.fromEntries(entryPoints[entryPoint].writesTo.flatMap(urlFields)));
  const common = parseWith(schema, variables);
  const queueUrls = parseWith(urls, variables) as Record<string, string>;
  return {
    stage: common.STAGE,
    cell: common.CELL,
    ledger: { table: common.LEDGER_TABLE, shards: common.LEDGER_SHARDS },
    controlTable: common.CONTROL_TABLE,
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
      entryPoints[entryPoint].writesTo.map((queue) => [
        queue,
        { queue: queueUrls[queueUrlVariable(queue)] ?? '', deadLetters: queueUrls[dlqUrlVariable(queue)] ?? '' },
      ]),
    ),
    region: variables['AWS_REGION'] ?? 'us-east-1',
    ...(local ? { local } : {}),
  };
}

const urlFields = (queue: QueueName) => [
  [queueUrlVariable(queue), z.url()] as const,
  [dlqUrlVariable(queue), z.url()] as const,
];

function parseWith<T>(shape: z.ZodType<T>, variables: Readonly<Record<string, string | undefined>>): T {
  const parsed = shape.safeParse(variables);
  if (parsed.success) return parsed.data;
  throw new Failure(
    'CONFIGURATION_INVALID',
    `the environment does not fit the catalogue: ${describeIssues(parsed.error, 20)}`,
  );
}

function splitHostPort(value: string): HostPort {
  const cut = value.lastIndexOf(':');
  return { host: value.slice(0, cut), port: Number(value.slice(cut + 1)) };
}

/** Endpoint variables of the SDK that every client of ours resolves; in local mode each must be set, and on loopback. */
const endpointVariables = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_SQS',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_DYNAMODB',
] as const;

function localMode(variables: Readonly<Record<string, string | undefined>>): LocalMode | undefined {
  if (variables['ALPHASWARM_LOCAL'] !== '1') return undefined;
  for (const name of endpointVariables) checkLoopback(name, variables[name] ?? '');
  for (const name of Object.keys(variables).filter(isEndpoint)) checkLoopback(name, variables[name] ?? '');
  const clockFile = variables['ALPHASWARM_CLOCK_FILE'];
  return clockFile === undefined ? {} : { clockFile };
}

const isEndpoint = (name: string): boolean => /^(AWS_ENDPOINT_URL|QUEUE_URL_|DLQ_URL_)|_REDIS$/.test(name);
const loopback = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

function checkLoopback(name: string, value: string): void {
  const url = value.includes('://') ? value : `redis://${value}`;
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  if (loopback.test(host)) return;
  throw new Failure(
    'CONFIGURATION_INVALID',
    `ALPHASWARM_LOCAL=1 and ${name} is ${JSON.stringify(value)}: in local mode every endpoint must be on loopback, so that nothing reaches real AWS`,
  );
}
