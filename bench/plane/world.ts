// Everything that the measured process talks to: Valkey, the emulators, and the variables that lead to them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressedBy, dlqUrlVariable, queueUrlVariable } from '#core/catalogue/entry-environment.ts';
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { startGuardian } from '#local/guardian.ts';
import { startRedis } from '#local/redis.ts';
import { startChild } from './child.ts';
import type { StoreAnswers } from './stores.ts';

const region = 'us-east-1';

export interface World {
  /** As lib/ would give them to the function of the queue `system`. */
  readonly variables: Record<string, string>;
  readonly redisUrl: string;
  /** Processor time of each server since it began, milliseconds; Valkey's where the system tells it. */
  cpuMs(): Promise<Record<'dynalite' | 'fauxqs' | 'valkey', number>>;
  stop(): Promise<void>;
}

/** Starts the servers. $REDIS_URL is left alone: the kill switch there is one key for all who use it. */
export async function startWorld(): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'alphaswarm-bench-'));
  const guardian = startGuardian();
  const redis = await startRedis({
    dataDir,
    guardian,
    variables: { PATH: process.env['PATH'] },
    onLost: (message) => process.stderr.write(`${message}\n`),
  });
  const tables = startChild<StoreAnswers>('stores.ts');
  const queues = startChild<StoreAnswers>('stores.ts');
  const dynamodbUrl = await tables.ask('tables', region);
  const urls = await queues.ask('queues', { region, names: queueNames });
  const at = { dynamodbUrl, sqsUrl: urls.queues, eventsUrl: urls.events, redis: `${redis.host}:${redis.port}` };
  return {
    variables: variablesOf(at),
    redisUrl: redis.url,
    async cpuMs() {
      const [dynalite, fauxqs] = await Promise.all([tables.ask('cpuMs'), queues.ask('cpuMs')]);
      return { dynalite, fauxqs, valkey: cpuMsOf(redis.pid) };
    },
    async stop() {
      await Promise.all([tables.stop(), queues.stop()]);
      await redis.stop();
      await guardian.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const writesTo = addressedBy('system');
const nameOf = (queue: QueueName, suffix = ''): string =>
  `${queue}${suffix}${queueRow(queue).kind === 'fifo' ? '.fifo' : ''}`;
const queueNames = writesTo.flatMap((queue) => [nameOf(queue), nameOf(queue, '-dlq')]);

interface Addresses {
  readonly dynamodbUrl: string;
  readonly sqsUrl: string;
  readonly eventsUrl: string;
  readonly redis: string;
}

function variablesOf({ dynamodbUrl, sqsUrl, eventsUrl, redis }: Addresses): Record<string, string> {
  const urlOf = (name: string): string => `${sqsUrl}/000000000000/${name}`;
  return {
    STAGE: 'dev',
    CELL: 'bench',
    LEDGER_TABLE: 'runs',
    LEDGER_SHARDS: '4',
    CONTROL_TABLE: 'control',
    BUCKET: 'bucket',
    EVENT_BUS: 'lifecycle',
    STATE_REDIS: redis,
    CACHE_REDIS: redis,
    REDIS_NAME: 'state',
    REDIS_USER: 'plane',
    LOG_LEVEL: 'INFO',
    ...Object.fromEntries(
      writesTo.flatMap((queue) => [
        [queueUrlVariable(queue), urlOf(nameOf(queue))],
        [dlqUrlVariable(queue), urlOf(nameOf(queue, '-dlq'))],
      ]),
    ),
    ALPHASWARM_LOCAL: '1',
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'BENCH',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_ENDPOINT_URL: eventsUrl,
    AWS_ENDPOINT_URL_SQS: sqsUrl,
    AWS_ENDPOINT_URL_S3: sqsUrl,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodbUrl,
  };
}

/** Fields 14 and 15, in ticks of 10 ms; not a number where there is no /proc. */
function cpuMsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}
