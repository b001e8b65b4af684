import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { memoryClock } from '#memory/clock.ts';
import { memoryRate } from '#memory/gateway.ts';
import { runtimeClock } from '#runtime/clock.ts';
import { runtimeRate } from '#runtime/rate-limit.ts';
import { redisConnection } from '#runtime/redis.ts';
import { rateContract } from '#test/contract/rate-limit.contract.ts';
import { startValkey } from '#test/contract/support/valkey.ts';

const valkey = await startValkey();
const connection = redisConnection({ at: valkey, clock: runtimeClock() });
await connection.ready();
afterAll(async () => {
  connection.close();
  await valkey.stop();
});

rateContract('in memory', async () => {
  const clock = memoryClock();
  return { rate: memoryRate(clock), passMs: (ms) => clock.advance(ms) };
});
let cells = 0;
rateContract('Valkey', async () => {
  const rate = runtimeRate(connection, `cell-${(cells += 1)}`);
  return { rate, passMs: (ms) => sleep(ms) };
});

it('leaves no key in Redis that would stay', async () => {
  await runtimeRate(connection, 'here').take('reads/acme/ada', { perSecond: 1, burst: 3 });
  const [key = ''] = await connection.ask((redis) => redis.keys('alphaswarm:here:*'));
  expect(key).toBe('alphaswarm:here:rate:reads/acme/ada');
  const ttlMs = await connection.ask((redis) => redis.pttl(key));
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(60_000);
});

it('fails when Redis does not answer: what then is the door’s to say', async () => {
  valkey.freeze();
  try {
    await expect(runtimeRate(connection, 'here').take('a', { perSecond: 1, burst: 1 })).rejects.toThrow(/answered/);
  } finally {
    valkey.thaw();
  }
});
