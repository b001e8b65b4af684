// The servers behind a plane, started together; each is stopped again in the reverse order.
import { startAwsApi, type AwsApi } from '#local/aws-api.ts';
import type { DataFolder } from '#local/data-folder.ts';
import type { Doors } from '#local/doors.ts';
import type { Guardian } from '#local/guardian.ts';
import type { Emit, PlaneEndpoints } from '#local/plane-event.ts';
import type { PlaneOptions } from '#local/plane.ts';
import { startQueues, type Queues } from '#local/queues.ts';
import { startRedis, type Redis } from '#local/redis.ts';
import { startTables, type Tables } from '#local/tables.ts';

export interface Servers {
  queues: Queues;
  tables: Tables;
  redis: Redis;
  aws: AwsApi;
  endpoints: PlaneEndpoints;
}

interface ServersOptions {
  plane: PlaneOptions;
  region: string;
  folder: DataFolder;
  guardian: Guardian;
  emit: Emit;
  doors: Doors;
  /** Takes how to stop each server, the moment it runs. */
  onStarted(stop: () => Promise<void>): void;
}

/** Throws PORT_TAKEN, NO_VALKEY, NOT_LOOPBACK, START_FAILED. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { plane, region, folder, guardian, emit } = options;
  const { ports = {}, variables = process.env } = plane;
  const queues = await startQueues({ port: ports.sqs, region, emit });
  options.onStarted(() => queues.stop());
  const tables = await startTables(ports.dynamodb);
  options.onStarted(() => tables.stop());
  const aws = await startAwsApi(ports.aws, emit);
  options.onStarted(() => aws.stop());
  const redis = await startRedis({
    dataDir: folder.redisDir,
    port: ports.redis,
    guardian,
    variables,
    onLost: (message) => emit({ type: 'error', where: 'Valkey', message }),
  });
  options.onStarted(() => redis.stop());
  const own = { sqs: queues.url, s3: queues.url, dynamodb: tables.url, redis: redis.url, aws: aws.url };
  const endpoints = { ...own, ...options.doors.endpoints };
  return { queues, tables, redis, aws, endpoints };
}
