import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { Failure } from '#core/errors.ts';
import type { SwitchKey } from '#core/ports.ts';
import { isReply, type RedisConnection } from './redis.ts';

/** Deletes the key while it still holds the value that was read: another value is somebody's new halt. */
const deleteIfScript =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";

export function runtimeSwitchKey({ ask, epoch }: RedisConnection, cell: string): SwitchKey {
  const key = redisKeys.killSwitch.pattern;
  const canaryKey = redisName(redisKeys.canary.pattern, { cell });
  return {
    read: async () => checkText(await ask((redis) => redis.get(key))) ?? '',
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
      const read = await ask(async (redis) => {
        await redis.set(canaryKey, value, 'EX', redisKeys.canary.ttl);
        return redis.get(canaryKey);
      });
      if (read !== value)
        throw new Failure(
          'DEPENDENCY_UNAVAILABLE',
          `Redis gave back ${JSON.stringify(read)} for the canary ${JSON.stringify(value)}: it serves another copy than it was written to`,
        );
    },
    connectionEpoch: epoch,
  };
}

/** What answers GET with anything but text or nothing is no Redis; its answer would be written into the mirror. */
function checkText(answer: unknown): string | undefined {
  if (answer === null) return undefined;
  if (typeof answer === 'string') return answer;
  throw new Failure(
    'DEPENDENCY_UNAVAILABLE',
    `Redis answered GET with ${JSON.stringify(answer)?.slice(0, 80)}: is something else listening there?`,
  );
}

/** Not every service answers INFO or CONFIG to every user; that is "not told", while a lost connection is a failure. */
async function quietly<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isReply(error)) return undefined;
    throw error;
  }
}

const field = (info: string | undefined, name: string): string | undefined =>
  info?.match(new RegExp(`^${name}:(\\S+)`, 'm'))?.[1];
const policy = (answer: unknown): string | undefined => {
  const value: unknown = Array.isArray(answer) ? answer[1] : undefined;
  return typeof value === 'string' ? value : undefined;
};
