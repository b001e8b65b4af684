import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { auditWriter } from '#core/audit-writer.ts';
import type { Plane } from '#core/plane.ts';
import type { AuditLog, Clock } from '#core/ports.ts';
import { runtimeAuditLog } from './audit-log.ts';
import { lazyArtefacts } from './bucket.ts';
import { runtimeClock } from './clock.ts';
import { runtimeControl } from './control.ts';
import { documentClient } from './documents.ts';
import type { Environment, HostPort, LocalMode } from './environment.ts';
import { sha256 } from './hash.ts';
import { runtimeIds } from './ids.ts';
import { runtimeLedger } from './ledger.ts';
import { runtimeLifecycle } from './lifecycle.ts';
import { alsoLogged, runtimeLog } from './log.ts';
import { runtimeMetrics } from './metrics.ts';
import { runtimeProgress } from './progress.ts';
import { runtimeQueues } from './queues.ts';
import { redisConnection, type RedisConnection } from './redis.ts';
import { redisToken } from './redis-token.ts';
import { runtimeSwitchKey } from './switch-key.ts';

/**
 * SDK clients: two tries, because the pipeline has its own; a socket that hangs must not hang an invocation. Without
 * `throwOnRequestTimeout` the time limit is only warned about.
 */
export const clientOptions = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
} as const;
/** The time limit of a request covers the sending of its body. */
const uploads = { ...clientOptions.requestHandler, requestTimeout: 60_000 } as const;

export interface Services extends Plane {
  readonly auditLog: AuditLog;
  /** For tables that only some entry points have. */
  readonly documents: DynamoDBDocumentClient;
  /** The Redis that may forget: what is built upon it decides nothing. */
  readonly cache: RedisConnection;
  /** Resolves when Redis is connected, or could not be within a second: then the reading of the switch says so. */
  ready(): Promise<void>;
  /** Ends connections and sockets; a process that exits by itself needs it, a Lambda does not. */
  close(): void;
}

/** The plane on AWS: the only place where clients are made. */
export function services(environment: Environment, owner: string = randomUUID()): Services {
  const clock = runtimeClock(environment.local?.clockFile);
  const log = runtimeLog(environment.logLevel);
  const { sqs, s3, events, dynamodb } = clients(environment);
  const artefacts = lazyArtefacts(s3, environment.bucket);
  const documents = documentClient(dynamodb);
  const auditLog = runtimeAuditLog(documents, environment.auditTable);
  const queues = runtimeQueues(sqs, environment.queueUrls);
  const state = connection(environment, environment.redis.state, clock);
  const cache = isSame(environment.redis.state, environment.redis.cache)
    ? state
    : connection(environment, environment.redis.cache, clock);
  return {
    clock,
    log,
    ids: runtimeIds(),
    ledger: runtimeLedger({ client: documents, ...environment.ledger }),
    control: runtimeControl(documents, environment.controlTable),
    queues,
    artefacts,
    key: runtimeSwitchKey(state, environment.cell),
    progress: runtimeProgress(cache, queues),
    lifecycle: runtimeLifecycle(events, environment.eventBus),
    metrics: runtimeMetrics(clock),
    audit: alsoLogged(auditWriter({ log: auditLog, clock, hash: sha256, owner }), log),
    auditLog,
    documents,
    cell: environment.cell,
    owner,
    cache,
    async ready() {
      await Promise.all([...new Set([state, cache])].map((one) => one.ready()));
    },
    close() {
      for (const client of [sqs, events, dynamodb]) client.destroy();
      artefacts.close();
      for (const one of new Set([state, cache])) one.close();
    },
  };
}

function clients({ region, local }: Environment) {
  const at = (service: keyof LocalMode['endpoints']) => ({
    ...clientOptions,
    region,
    ...(local && { endpoint: local.endpoints[service] }),
  });
  return {
    // A queue's address names a host, and the SDK would call that one: on the local plane it must be the endpoint's.
    sqs: new SQSClient({ ...at('sqs'), ...(local && { useQueueUrlAsEndpoint: false }) }),
    // Of its settings alone: the client is made with the first call.
    s3: { ...at('s3'), requestHandler: uploads, forcePathStyle: local !== undefined },
    events: new EventBridgeClient(at('events')),
    dynamodb: new DynamoDBClient(at('dynamodb')),
  };
}

function connection({ redis, region, local }: Environment, at: HostPort, clock: Clock): RedisConnection {
  const token = () =>
    redisToken({
      cacheName: redis.name,
      user: redis.user,
      region,
      credentials: defaultProvider(),
      signedAt: new Date(),
    });
  return redisConnection({ at, clock, ...(local ? {} : { iam: { user: redis.user, token } }) });
}

const isSame = (one: HostPort, other: HostPort): boolean => one.host === other.host && one.port === other.port;
