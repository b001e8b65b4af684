import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { memoryClock } from '#memory/clock.ts';
import { memoryProgress } from '#memory/progress.ts';
import { memoryQueues } from '#memory/queues.ts';
import { runtimeProgress } from '#runtime/progress.ts';
import { runtimeSubscriptions } from '#runtime/subscriptions.ts';
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
  const queues = memoryQueues(memoryClock());
  return { channel: runtimeProgress(connection, queues), connection, queues };
};

const noQueues = { send: () => Promise.reject(new Error('nobody is to be woken')) };

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
        name === 'publish' || name === 'exists'
          ? ':0\r\n'
          : '-OOM command not allowed when used memory > maxmemory.\r\n',
      ),
    );
    const channel = runtimeProgress(switchOn(server.port).connection, noQueues);
    await expect(channel.publish(frameOf('run-1', [1, 1]))).rejects.toThrow('OOM');
  });

  it('wakes the relay where somebody watches the run over a WebSocket, and nobody where not', async () => {
    const { channel, connection, queues } = await onValkey();
    const subscriptions = runtimeSubscriptions(connection);
    await channel.publish(frameOf('run-1', [1, 1]));
    expect(queues.receive('progress', 10)).toEqual([]);
    await subscriptions.set('run-1', { connection: 'c', position: { fence: 0, seq: 0 }, expiresAtMs: 1 });
    await channel.publish(frameOf('run-1', [1, 2]));
    await channel.publish(frameOf('run-2', [1, 1]));
    await channel.publish(frameOf('run-1', [1, 3], { state: 'succeeded' }));
    expect(queues.receive('progress', 10).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { v: 1, run: 'run-1' },
      { v: 1, run: 'run-1', ended: true },
    ]);
  });

  it('wakes the relay for a terminal frame that the stream has already: the first wake may have been lost', async () => {
    const { channel, connection, queues } = await onValkey();
    const watcher = { connection: 'c', position: { fence: 0, seq: 0 }, expiresAtMs: 1 };
    await runtimeSubscriptions(connection).set('run-1', watcher);
    const end = frameOf('run-1', [1, 1], { state: 'failed' });
    await channel.publish(end);
    await channel.publish(end);
    expect(await channel.read('run-1')).toEqual([end]);
    expect(queues.receive('progress', 10)).toHaveLength(2);
  });

  it('fails when the wake is not taken within a second, with the frame in the stream', async () => {
    const { connection } = await onValkey();
    const channel = runtimeProgress(connection, { send: () => new Promise<never>(() => undefined) });
    const watcher = { connection: 'c', position: { fence: 0, seq: 0 }, expiresAtMs: 1 };
    await runtimeSubscriptions(connection).set('run-1', watcher);
    const frame = frameOf('run-1', [1, 1]);
    await expect(channel.publish(frame)).rejects.toThrow('has not taken the wake within 1000 ms');
    expect(await channel.read('run-1')).toEqual([frame]);
  });
});
