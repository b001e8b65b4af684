import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySubscriptions } from '#memory/subscriptions.ts';
import { runtimeSubscriptions } from '#runtime/subscriptions.ts';
import { subscriptionsContract } from '#test/contract/subscriptions.contract.ts';
import { switchOn } from '#test/contract/support/redis.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';

let valkey: Valkey;
beforeAll(async () => void (valkey = await startValkey()));
afterAll(() => valkey.stop());
const onValkey = async () => {
  const { connection } = switchOn(valkey.port);
  await connection.ask((redis) => redis.flushall());
  return { subscriptions: runtimeSubscriptions(connection), connection };
};

subscriptionsContract('in memory', async () => memorySubscriptions());
subscriptionsContract('Valkey', async () => (await onValkey()).subscriptions);

describe('subscriptions on Valkey', () => {
  const one = { connection: 'c', position: { fence: 1, seq: 2 }, expiresAtMs: 5 };

  it('are one key a run, in the slot of its stream, that goes two hours after the last subscribing', async () => {
    const { subscriptions, connection } = await onValkey();
    await subscriptions.set('run-1', one);
    expect(await connection.ask((redis) => redis.keys('*'))).toEqual(['ws:subs:{run-1}']);
    const ttl = () => connection.ask((redis) => redis.ttl('ws:subs:{run-1}'));
    expect(await ttl()).toBeGreaterThan(7100);
    await connection.ask((redis) => redis.expire('ws:subs:{run-1}', 10));
    await subscriptions.advance('run-1', one, { fence: 1, seq: 3 });
    expect(await ttl()).toBeLessThanOrEqual(10);
    await subscriptions.set('run-1', { ...one, connection: 'd' });
    expect(await ttl()).toBeGreaterThan(7100);
  });

  it('leave alone what nobody of ours wrote', async () => {
    const { subscriptions, connection } = await onValkey();
    await subscriptions.set('run-1', one);
    await connection.ask((redis) => redis.hset('ws:subs:{run-1}', { x: 'nonsense', y: '1.2', z: '' }));
    expect(await subscriptions.positions('run-1')).toEqual([one]);
  });
});
