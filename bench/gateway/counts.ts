// What a request costs beside time: requests to each store, counted by the stores, and processor time of the function's
// processes, counted by the system. Nothing is wrapped or replaced.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

export type Counts = Readonly<Record<string, number>>;

const services: Readonly<Record<string, string>> = {
  DynamoDB_20120810: 'DynamoDB',
  AmazonSQS: 'SQS',
  AWSEvents: 'EventBridge',
};

/** Requests that came to the stores in this process (DynamoDB, SQS, EventBridge, all else of AWS) and to Valkey. */
export async function countRequests(redisUrl: string, work: () => Promise<unknown>): Promise<Counts> {
  const counts: Record<string, number> = {};
  const listener = (message: unknown): void => {
    const target = (message as { request: IncomingMessage }).request.headers['x-amz-target'];
    if (typeof target !== 'string') return;
    const [service = '', operation = ''] = target.split('.');
    const name = `${services[service] ?? service}.${operation}`;
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const redis = new Redis(redisUrl);
  const before = await commandsOf(redis);
  subscribe('http.server.request.start', listener);
  await work();
  unsubscribe('http.server.request.start', listener);
  const after = await commandsOf(redis);
  redis.disconnect();
  for (const [command, calls] of Object.entries(after)) {
    const count = calls - (before[command] ?? 0);
    if (count > 0 && !own.has(command)) counts[`Redis.${command}`] = count;
  }
  // The script that counts requests reads one key itself, which is no round trip.
  const reads = (counts['Redis.get'] ?? 0) - (counts['Redis.eval'] ?? 0);
  if (reads > 0) counts['Redis.get'] = reads;
  return counts;
}

/** What this file asks itself, and what a script does within one command. */
const own = new Set(['info', 'time', 'set', 'client', 'client|setinfo', 'hello']);

async function commandsOf(redis: Redis): Promise<Record<string, number>> {
  const text = await redis.info('commandstats');
  const rows = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  return Object.fromEntries(rows.map(([, name = '', calls]) => [name, Number(calls)]));
}

/** Fields 14 and 15 of /proc, in ticks of 10 ms; not a number where there is no /proc. */
export function cpuMsOf(pids: readonly number[]): number {
  try {
    return pids.reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      return sum + (Number(fields[11]) + Number(fields[12])) * 10;
    }, 0);
  } catch {
    return Number.NaN;
  }
}
