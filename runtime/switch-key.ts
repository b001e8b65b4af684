import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { Failure } from '#core/errors.ts';
import type { SwitchKey } from '#core/ports.ts';
import { redisTimeouts, type RedisConnection } from './redis.ts';

/** Deletes the key while it still holds the value that was read: another value is somebody's new halt. */
const deleteIfScript =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

export function runtimeSwitchKey(connection: RedisConnection, cell: string): SwitchKey {
  const key = redisKeys.killSwitch.pattern;
  const canaryKey = redisName(redisKeys.canary.pattern, { cell });
  /** Runs one command; whatever goes wrong, connecting included, has gone wrong after 250 ms. */
  const ask = <T>(command: (client: Redis) => Promise<T>): Promise<T> =>
    within(redisTimeouts.commandMs, connection, command);
  return {
    read: async () => (await ask((redis) => redis.get(key))) ?? '',
    async set(value) {
      await ask((redis) => redis.set(key, value));
    },
    waitReplicas: (timeoutMs) => ask((redis) => redis.wait(1, timeoutMs)),
    async publish(message) {
      await ask((redis) => redis.publish(redisChannels.killSwitch, message));
    },
    deleteIf: async (value) => (await ask((redis) => redis.eval(deleteIfScript, 1, key, value))) === 1,
    replicationId: () => ask(async (redis) => field(await quietly(redis.info('replication')), 'master_replid')),
    evictionPolicy: () => ask(async (redis) => policy(await quietly(redis.config('GET', 'maxmemory-policy')))),
    async canary(value) {
      await ask((redis) => redis.set(canaryKey, value, 'EX', redisKeys.canary.ttl));
      const read = await ask((redis) => redis.get(canaryKey));
      if (read !== value)
        throw new Failure(
          'DEPENDENCY_UNAVAILABLE',
          `Redis gave back ${JSON.stringify(read)} for the canary ${JSON.stringify(value)}: it serves another copy than it was written to`,
        );
    },
    connectionEpoch: () => connection.epoch(),
  };
}

/** Not every service answers INFO or CONFIG to every user; that is "not told", while a lost connection is a failure. */
async function quietly<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return undefined;
    throw error;
  }
}

const field = (info: string | undefined, name: string): string | undefined =>
  info?.match(new RegExp(`^${name}:(\\S+)`, 'm'))?.[1];
const policy = (answer: unknown): string | undefined => {
  const value: unknown = Array.isArray(answer) ? answer[1] : undefined;
  return typeof value === 'string' ? value : undefined;
};

async function within<T>(
  timeoutMs: number,
  connection: RedisConnection,
  command: (client: Redis) => Promise<T>,
): Promise<T> {
  const giveUp = new AbortController();
  let connected = false;
  const answer = connection.client().then((client) => {
    connected = true;
    return command(client);
  });
  const late = wait(timeoutMs, undefined, { signal: giveUp.signal }).then(() => {
    // A connection that does not answer in time is not trusted with the next question; one that is still being made
    // (TLS, a cold start) is left alone, and the next question finds it ready.
    if (connected) connection.close();
    throw new Failure('DEPENDENCY_UNAVAILABLE', `Redis has not answered within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    answer.catch(() => undefined);
    late.catch(() => undefined);
    giveUp.abort();
  }
}
