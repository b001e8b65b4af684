import { redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { parsePosition, positionText } from '#core/frame-order.ts';
import type { Subscription, Subscriptions } from '#core/ports.ts';
import { redisTimeouts, type RedisConnection } from './redis.ts';

/** Like a frame, a subscription may wait for a connection to be made. */
const limitMs = redisTimeouts.connectMs + redisTimeouts.commandMs;

/** Writes or, without a value, deletes a field that still holds what was read. */
const changeScript = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1`;

export function runtimeSubscriptions({ ask }: RedisConnection): Subscriptions {
  const { pattern, ttl } = redisKeys.subscriptions;
  const keyOf = (run: string) => redisName(pattern, { run });
  const change = async (run: string, from: Subscription, next: string): Promise<boolean> =>
    (await ask((redis) => redis.eval(changeScript, 1, keyOf(run), from.connection, written(from), next), limitMs)) ===
    1;
  return {
    async positions(run) {
      const fields = await ask((redis) => redis.hgetall(keyOf(run)), limitMs);
      return Object.entries(fields).flatMap(([connection, value]) => read(connection, value) ?? []);
    },
    exists: async (run) => (await ask((redis) => redis.exists(keyOf(run)), limitMs)) === 1,
    async set(run, subscription) {
      // In one transaction, so that no key is ever without its time to live.
      const done = await ask(
        (redis) =>
          redis.multi().hset(keyOf(run), subscription.connection, written(subscription)).expire(keyOf(run), ttl).exec(),
        limitMs,
      );
      const failed = done?.find(([error]) => error);
      if (failed?.[0]) throw failed[0];
    },
    async advance(run, from, to) {
      const { connection, expiresAtMs } = from;
      const next = { connection, expiresAtMs, position: to };
      return (await change(run, from, written(next))) ? next : undefined;
    },
    end: (run, from) => change(run, from, ''),
    async remove(run, connection) {
      await ask((redis) => redis.hdel(keyOf(run), connection), limitMs);
    },
  };
}

/** `FENCE.SEQ`, when the token expires, and the name of a subscription that was not served yet. */
const written = ({ position, expiresAtMs, fresh }: Subscription): string =>
  [positionText(position), expiresAtMs, ...(fresh === undefined ? [] : [fresh])].join(' ');

/** What nobody of ours wrote is left alone. */
function read(connection: string, value: string): Subscription | undefined {
  const [at = '', expires = '', fresh] = value.split(' ');
  const position = parsePosition(at, 0);
  const expiresAtMs = Number(expires);
  if (!position || !(expiresAtMs > 0)) return undefined;
  return { connection, position, expiresAtMs, ...(fresh === undefined ? {} : { fresh }) };
}
