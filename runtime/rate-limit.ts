import { redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { toMs } from '#core/duration.ts';
import type { Rate } from '#core/ports-gateway.ts';
import type { RedisConnection } from './redis.ts';

/**
 * The generic cell rate algorithm: a bucket is the time at which it will be empty again. By the clock of Redis, because
 * those of the functions differ. Resolves with the milliseconds to wait, 0 when the request is counted.
 */
const script = `
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local gap = tonumber(ARGV[1])
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now)) + gap
local wait = due - now - gap * tonumber(ARGV[2])
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', math.ceil(math.max(due - now, tonumber(ARGV[3]))))
return 0`;

/** How often callers ask, in Redis. */
export function runtimeRate({ ask }: RedisConnection, cell: string): Rate {
  return {
    async take(bucket, { perSecond, burst }) {
      const key = redisName(redisKeys.rate.pattern, { cell, bucket });
      const waitMs = await ask((redis) =>
        redis.eval(script, 1, key, 1000 / perSecond, burst, toMs(redisKeys.rate.ttl)),
      );
      return { waitMs: Number(waitMs) };
    },
  };
}
