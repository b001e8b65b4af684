import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { memorySwitchKey } from '#memory/switch-key.ts';
import { switchKeyContract, type SwitchKeyUnderTest } from '#test/contract/switch-key.contract.ts';
import { switchOn } from '#test/contract/support/redis.ts';
import { connecting, respServer, until } from '#test/contract/support/tcp.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';

let valkey: Valkey;
beforeAll(async () => void (valkey = await startValkey()));
afterAll(() => valkey.stop());

switchKeyContract('in memory', async (): Promise<SwitchKeyUnderTest> => {
  const key = memorySwitchKey();
  return { key, heard: async () => key.published };
});

switchKeyContract('Valkey', async (): Promise<SwitchKeyUnderTest> => {
  const { key, connection } = switchOn(valkey.port);
  await connection.ask((redis) => redis.flushall());
  const subscriber = new Redis({ host: valkey.host, port: valkey.port });
  onTestFinished(() => subscriber.disconnect());
  const messages: string[] = [];
  subscriber.on('message', (_, message) => messages.push(message));
  await subscriber.subscribe(redisChannels.killSwitch);
  return {
    key,
    async heard(count) {
      await until(() => messages.length >= count);
      return messages;
    },
  };
});

describe('the keys in Valkey', () => {
  it('are the one that alphaswarm-core sets, which never expires, and a canary of five minutes', async () => {
    const { key, connection } = switchOn(valkey.port);
    await connection.ask((redis) => redis.flushall());
    await key.set('halt');
    await key.canary('x');
    const canary = redisName(redisKeys.canary.pattern, { cell: 'test' });
    expect((await connection.ask((redis) => redis.keys('*'))).toSorted()).toEqual(
      [canary, 'alphaswarm:kill_switch'].toSorted(),
    );
    expect(await connection.ask((redis) => redis.ttl('alphaswarm:kill_switch'))).toBe(-1);
    const ttl = await connection.ask((redis) => redis.ttl(canary));
    expect(ttl).toBeGreaterThan(290);
    expect(ttl).toBeLessThanOrEqual(300);
  });

  it('are not touched by the deletion of a value that merely begins alike', async () => {
    const { key } = switchOn(valkey.port);
    await key.set('halt 10');
    expect(await key.deleteIf('halt 1')).toBe(false);
    await key.deleteIf('halt 10');
  });
});

describe('a service that does not tell everything', () => {
  const answering = async (answers: Record<string, string>) => {
    const server = await respServer(connecting(([name]) => answers[name?.toLowerCase() ?? ''] ?? '$-1\r\n', ''));
    return switchOn(server.port).key;
  };

  it('has no replication history and no eviction policy when it refuses the questions', async () => {
    const key = await answering({ config: "-ERR unknown command 'CONFIG'\r\n" });
    expect(await key.evictionPolicy()).toBeUndefined();
    expect(await key.replicationId()).toBeUndefined();
  });

  it('is another copy than the one written to when the canary comes back otherwise', async () => {
    const key = await answering({ set: '+OK\r\n', get: '$3\r\nold\r\n' });
    await expect(key.canary('new')).rejects.toThrow('another copy than it was written to');
    const never = await answering({ set: '+OK\r\n' });
    await expect(never.canary('new')).rejects.toThrow('null');
  });

  it('fails the canary when it takes no writes', async () => {
    const key = await answering({ set: '-READONLY You can’t write against a read only replica.\r\n' });
    await expect(key.canary('new')).rejects.toThrow('READONLY');
    await expect(key.set('halt')).rejects.toThrow('READONLY');
  });
});
