import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisKeys } from '#core/catalogue/redis-keys.ts';
import { Failure } from '#core/errors.ts';
import { terminalFrame, type Frame } from '#core/progress.ts';
import { runtimeProgress } from '#runtime/progress.ts';
import { freePort } from '#local/loopback.ts';
import { deniedMs, expectUnknown, shiftedClock, switchOn, timed } from '#test/contract/support/redis.ts';
import { connecting, proxyTo, respServer, tcpServer, until } from '#test/contract/support/tcp.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';

const killSwitch = redisKeys.killSwitch.pattern;

let valkey: Valkey;
beforeAll(async () => void (valkey = await startValkey()));
afterAll(() => valkey.stop());
beforeEach(async () => {
  const { connection } = switchOn(valkey.port);
  await connection.ask((redis) => redis.flushall());
});

describe('the client of the kill switch', () => {
  it('has the settings that a safety check needs, not those of ioredis', async () => {
    const { connection } = switchOn(valkey.port);
    const options = await connection.ask(async (redis) => redis.options);
    expect(options).toMatchObject({
      maxRetriesPerRequest: 1,
      commandTimeout: 250,
      connectTimeout: 1000,
      enableOfflineQueue: false,
    });
    expect(options.retryStrategy?.(1)).toBeNull();
    expect(options.reconnectOnError?.(new Error('READONLY'))).toBe(false);
  });

  it.each(['0', 'false', ' ', '1', '{"epoch":1}', 'ja \u{1f6d1}'])('halts on the value %j', async (value) => {
    const { connection, reading } = switchOn(valkey.port);
    await connection.ask((redis) => redis.set(killSwitch, value));
    expect((await reading()).state).toBe('halted');
  });

  it('is clear without a key and with an empty one, which is false to the Python original, too', async () => {
    const { connection, reading } = switchOn(valkey.port);
    expect((await reading()).state).toBe('clear');
    await connection.ask((redis) => redis.set(killSwitch, ''));
    expect((await reading()).state).toBe('clear');
  });

  it('does not know when the key is no string', async () => {
    const { connection, reading } = switchOn(valkey.port);
    await connection.ask((redis) => redis.hset(killSwitch, 'halted', '1'));
    expect((await expectUnknown(reading)).why).toContain('WRONGTYPE');
  });
});

describe('a server that does not answer', () => {
  it('frozen: is denied after 250 ms, and answers again once it is thawed', async () => {
    const { reading } = switchOn(valkey.port);
    expect((await reading()).state).toBe('clear');
    valkey.freeze();
    try {
      expect((await expectUnknown(reading)).ms).toBeGreaterThan(240);
      await expectUnknown(reading);
      await expectUnknown(reading);
    } finally {
      valkey.thaw();
    }
    await expect.poll(async () => (await reading()).state, { interval: 20, timeout: 1000 }).toBe('clear');
  });

  it('slow: an answer after 400 ms is none, one after 100 ms is one', async () => {
    const proxy = await proxyTo(valkey.port);
    const { reading, key } = switchOn(proxy.port);
    expect((await reading()).state).toBe('clear');
    proxy.delay(400);
    await expectUnknown(reading);
    expect((await timed(key.read())).error).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    proxy.delay(100);
    // To connect takes several answers, so more than 250 ms: the first question is denied, a later one finds it ready.
    await expect.poll(async () => (await reading()).state, { interval: 100, timeout: 3000 }).toBe('clear');
    expect((await reading()).state).toBe('clear');
    expect(proxy.accepted()).toBeLessThan(8);
  });

  it('slow to connect: is denied while it is connected to, and known from then on', async () => {
    const proxy = await proxyTo(valkey.port);
    proxy.delay(100);
    const { reading } = switchOn(proxy.port);
    await expectUnknown(reading);
    await sleep(100);
    for (let tries = 0; tries < 3; tries += 1) expect((await reading()).state).toBe('clear');
    expect(proxy.accepted()).toBe(1);
  });

  it('slow to connect, but waited for before the question: even the first is answered', async () => {
    const proxy = await proxyTo(valkey.port);
    proxy.delay(100);
    const { reading, connection } = switchOn(proxy.port);
    await connection.ready();
    expect((await reading()).state).toBe('clear');
    expect(proxy.accepted()).toBe(1);
  });

  it('nobody there: waiting for a connection ends, and says nothing', async () => {
    const { reading, connection } = switchOn(1);
    await connection.ready();
    await expectUnknown(reading);
  });

  it('half open: is denied once, and the next question goes over a new connection', async () => {
    const proxy = await proxyTo(valkey.port);
    const { reading, connection } = switchOn(proxy.port);
    expect((await reading()).state).toBe('clear');
    const epoch = connection.epoch();
    proxy.cut();
    await expectUnknown(reading);
    expect(connection.epoch()).toBeGreaterThan(epoch);
    expect((await reading()).state).toBe('clear');
    await until(() => proxy.open.size === 1);
  });

  it('half open under progress frames: one is lost, the next arrives', async () => {
    const proxy = await proxyTo(valkey.port);
    const { connection } = switchOn(proxy.port);
    const progress = runtimeProgress(connection, { send: async () => undefined });
    await progress.publish(frame(1));
    proxy.cut();
    const { error, ms } = await timed(progress.publish(frame(2)));
    expect(error).toBeInstanceOf(Failure);
    expect(ms).toBeLessThan(deniedMs);
    await progress.publish(frame(3));
    expect((await progress.read('run')).map(({ seq }) => seq)).toEqual([1, 3]);
  });

  it('silent from the first byte: is denied, keeps no socket, and leaves the next server alone', async () => {
    const server = await tcpServer((socket) => socket.resume());
    const { reading } = switchOn(server.port);
    for (let tries = 0; tries < 5; tries += 1) await expectUnknown(reading);
    expect(server.accepted()).toBeGreaterThan(1);
    await until(() => server.open.size === 0);
  });

  it('never sends a command that was given up while the connection was being made', async () => {
    let greet = () => undefined as void;
    const server = await respServer(connecting(() => '+OK\r\n'));
    const gate = await tcpServer((socket) => {
      const target = connect(server.port, '127.0.0.1');
      target.on('error', () => undefined);
      socket.on('close', () => target.destroy());
      socket.pipe(target);
      greet = () => void target.pipe(socket);
    });
    const { key } = switchOn(gate.port);
    const { error } = await timed(key.set('halt'));
    expect(error?.message).toContain('has not answered within 250 ms');
    greet();
    await sleep(100);
    expect(server.commands.map(([name]) => name?.toLowerCase())).not.toContain('set');
  });

  it('does not let those who gave up on an old connection take down the new one', async () => {
    const proxy = await proxyTo(valkey.port);
    const { key } = switchOn(proxy.port);
    await key.read();
    proxy.cut();
    const early = timed(key.read());
    await sleep(150);
    const late = timed(key.read());
    await early;
    // The late one gives up 150 ms from here, while these go over the new connection.
    for (let tries = 0; tries < 12; tries += 1) {
      expect(await key.read()).toBe('');
      await sleep(20);
    }
    expect((await late).error).toBeInstanceOf(Failure);
    expect(proxy.accepted()).toBe(2);
  });
});

describe('a server that is not there', () => {
  it('down at start: is denied at once, and found when it comes', async () => {
    const port = await freePort({ what: 'Nobody' });
    const { reading } = switchOn(port);
    const { why, ms } = await expectUnknown(reading);
    expect(ms).toBeLessThan(200);
    expect(why).toContain('ECONNREFUSED');
  });

  it('killed: is denied at once, and found when it has started again', async () => {
    const { reading, key, connection } = switchOn(valkey.port);
    await key.set('halt');
    const epoch = connection.epoch();
    await connection.ask((redis) => redis.wait(0, 10));
    await connection.ask((redis) => redis.bgsave()).catch(() => undefined);
    await sleep(1100); // appendfsync everysec
    await valkey.kill();
    await until(() => connection.epoch() > epoch);
    expect((await expectUnknown(reading)).ms).toBeLessThan(200);
    await valkey.startAgain();
    expect(await reading()).toMatchObject({ state: 'halted', why: 'the key is set' });
  });

  it('killed between a reading and its use: the connection epoch has risen before anybody asks again', async () => {
    const { key, connection } = switchOn(valkey.port);
    await key.read();
    const epoch = key.connectionEpoch();
    await valkey.kill();
    await until(() => connection.epoch() > epoch);
    await valkey.startAgain();
  });
});

describe('a server that is something else', () => {
  it.each([
    ['a web server', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['an SSH server', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['noise', '\u0000\u0001\u0002\u00ff\u00fe$x\r\n*\r\n:'],
    ['half a reply', '$1000\r\nnothing'],
    ['a number too large', '$99999999999999999999\r\n'],
  ])('%s: is denied', async (_, bytes) => {
    const server = await tcpServer((socket) => socket.on('data', () => socket.write(Buffer.from(bytes, 'latin1'))));
    const { reading } = switchOn(server.port);
    for (let tries = 0; tries < 3; tries += 1) await expectUnknown(reading);
    await until(() => server.open.size === 0);
  });

  it.each([
    ['an empty list', '*0\r\n'],
    ['a list', '*1\r\n$1\r\n0\r\n'],
    ['a number', ':0\r\n'],
    ['a boolean', '#f\r\n'],
  ])('that answers %s to GET: is denied, and never written into the mirror', async (_, bytes) => {
    const server = await respServer(connecting(() => bytes));
    const { reading, control } = switchOn(server.port);
    await expectUnknown(reading);
    expect(await control.read('kill-switch')).toBeUndefined();
  });

  it('that answers OK to everything halts, since that is a value', async () => {
    const server = await respServer(() => '+OK\r\n');
    expect((await switchOn(server.port).reading()).state).toBe('halted');
  });

  it('that greets and then closes each connection: is denied', async () => {
    const server = await tcpServer((socket) => socket.end('+PONG\r\n'));
    await expectUnknown(switchOn(server.port).reading);
  });
});

describe('a server that answers an error', () => {
  it.each([
    ['LOADING Redis is loading the dataset in memory', true],
    ['READONLY You can’t write against a read only replica.', true],
    ['MOVED 3999 127.0.0.1:6381', true],
    ['MASTERDOWN Link with MASTER is down', true],
    ['CLUSTERDOWN The cluster is down', true],
    ['NOAUTH Authentication required.', true],
    ['NOPERM User x has no permissions to access one of the keys used', false],
    ['ERR max number of clients reached', false],
  ])('%s: is denied, and another connection tried next: %s', async (message, reconnects) => {
    const server = await respServer(connecting(() => `-${message}\r\n`));
    const { reading, connection } = switchOn(server.port);
    const { why } = await expectUnknown(reading);
    expect(why).toContain(message.split(' ')[0]);
    const epoch = connection.epoch();
    await expectUnknown(reading);
    expect(connection.epoch() > epoch).toBe(reconnects);
  });

  it('still loading its data when it is connected to: is denied, and clear once it has loaded', async () => {
    let info = 'loading:1\r\nloading_eta_seconds:30\r\n';
    const server = await respServer((command) => connecting(() => '$-1\r\n', info)(command));
    const { reading } = switchOn(server.port);
    await expectUnknown(reading);
    await sleep(1000);
    await until(() => server.open.size === 0);
    await expectUnknown(reading);
    info = 'loading:0\r\n';
    await sleep(600);
    expect((await reading()).state).toBe('clear');
  });
});

describe('a connection that has stood too long', () => {
  it('idle for more than 30 s: the next question goes over a new one', async () => {
    const clock = shiftedClock();
    const proxy = await proxyTo(valkey.port);
    const { reading } = switchOn(proxy.port, { clock });
    await reading();
    clock.shiftMs = 29_000;
    await reading();
    expect(proxy.accepted()).toBe(1);
    clock.shiftMs = 60_000;
    expect((await reading()).state).toBe('clear');
    expect(proxy.accepted()).toBe(2);
    await until(() => proxy.open.size === 1);
  });

  it('idle and dead meanwhile, as after a thaw: the first question is answered all the same', async () => {
    const clock = shiftedClock();
    const proxy = await proxyTo(valkey.port);
    const { reading } = switchOn(proxy.port, { clock });
    await reading();
    proxy.cut();
    clock.shiftMs = 31_000;
    expect((await reading()).state).toBe('clear');
  });

  it('in use for more than 11 h: is replaced', async () => {
    const clock = shiftedClock();
    const proxy = await proxyTo(valkey.port);
    const { key } = switchOn(proxy.port, { clock });
    for (; clock.shiftMs < 11 * 3_600_000; clock.shiftMs += 25_000) await key.read();
    expect(proxy.accepted()).toBe(1);
    await key.read();
    expect(proxy.accepted()).toBe(2);
  });
});

const frame = (seq: number): Frame => ({
  ...terminalFrame({ id: 'run', state: 'failed', fence: 1, frames: 0, createdMs: 0 } as never),
  seq,
});
