import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { memoryProgress } from '#memory/progress.ts';
import { runtimeProgress } from '#runtime/progress.ts';
import { frameOf, progressContract } from '#test/contract/progress.contract.ts';
import { switchOn } from '#test/contract/support/redis.ts';
import { connecting, respServer, until } from '#test/contract/support/tcp.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';

let valkey: Valkey;
beforeAll(async () => void (valkey = await startValkey()));
afterAll(() => valkey.stop());
const onValkey = async () => {
  const { connection } = switchOn(valkey.port);
  await connection.ask((redis) => redis.flushall());
  return { channel: runtimeProgress(connection), connection };
};

progressContract('in memory', async () => memoryProgress());
progressContract('Valkey', async () => (await onValkey()).channel);

describe('progress on Valkey', () => {
  it('is heard on pubsub:progress:<run>, where alphaswarm-core listens, once the stream has it', async () => {
    const { channel } = await onValkey();
    const subscriber = new Redis({ host: valkey.host, port: valkey.port });
    onTestFinished(() => subscriber.disconnect());
    const heard: unknown[] = [];
    const readBack: Promise<unknown>[] = [];
    subscriber.on('message', (name, message) => {
      heard.push([name, JSON.parse(message)]);
      readBack.push(channel.read('run-1'));
    });
    await subscriber.subscribe('pubsub:progress:run-1', 'pubsub:progress:run-2');
    const frame = frameOf('run-1', [1, 1], { message: 'reading…' });
    await channel.publish(frame);
    await until(() => heard.length > 0);
    expect(heard).toEqual([['pubsub:progress:run-1', frame]]);
    expect(await Promise.all(readBack)).toEqual([[frame]]);
  });

  it('leaves one stream a run behind, whose key has the run as hash tag and goes after a day', async () => {
    const { channel, connection } = await onValkey();
    await channel.publish(frameOf('run-1', [1, 1]));
    await channel.publish(frameOf('run-1', [1, 2]));
    expect(await connection.ask((redis) => redis.keys('*'))).toEqual(['progress:{run-1}']);
    const ttl = await connection.ask((redis) => redis.ttl('progress:{run-1}'));
    expect(ttl).toBeGreaterThan(86_000);
    expect(ttl).toBeLessThanOrEqual(86_400);
  });

  it('fails when any part of it was refused, so that the terminal frame stays in the outbox', async () => {
    const server = await respServer(
      connecting(([name]) =>
        name === 'publish' ? ':0\r\n' : '-OOM command not allowed when used memory > maxmemory.\r\n',
      ),
    );
    const channel = runtimeProgress(switchOn(server.port).connection);
    await expect(channel.publish(frameOf('run-1', [1, 1]))).rejects.toThrow('OOM');
  });
});
