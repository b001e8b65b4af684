import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '#test/contract/support/certificate.ts';
import { expectUnknown, shiftedClock, switchOn, timed } from '#test/contract/support/redis.ts';
import { connecting, respServer, tcpServer, until } from '#test/contract/support/tcp.ts';

const healthy = connecting(() => '$-1\r\n');

describe('a connection with TLS and a token', () => {
  const certificate = selfSigned();
  const authorities = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...authorities, certificate.certificate]));
  afterAll(() => setDefaultCACertificates(authorities));
  const at = (port: number) => ({ host: 'localhost', port });
  const tokensOf = (commands: readonly string[][]) =>
    commands.filter(([name]) => name?.toLowerCase() === 'hello').map((words) => words.slice(2));
  const counted = () => {
    let count = 0;
    return {
      token: async () => {
        count += 1;
        return `token-${count}`;
      },
      count: () => count,
    };
  };

  it('is made anew with a new token after 11 h, and with none in between', async () => {
    const clock = shiftedClock();
    const server = await respServer(
      connecting(() => '$-1\r\n'),
      certificate,
    );
    const { key } = switchOn(server.port, {
      at: at(server.port),
      clock,
      iam: { user: 'plane', token: counted().token },
    });
    await sleep(50);
    await key.read().catch(() => sleep(500));
    for (; clock.shiftMs < 11 * 3_600_000; clock.shiftMs += 25_000) await key.read();
    expect(tokensOf(server.commands)).toEqual([['AUTH', 'plane', 'token-1']]);
    await key.read();
    expect(tokensOf(server.commands)).toEqual([
      ['AUTH', 'plane', 'token-1'],
      ['AUTH', 'plane', 'token-2'],
    ]);
    await until(() => server.open.size === 1);
  });

  it('is made anew with a new token when the old one was refused', async () => {
    const server = await respServer(
      (command) => (command.includes('token-1') ? '-WRONGPASS invalid username-password pair\r\n' : healthy(command)),
      certificate,
    );
    const { reading } = switchOn(server.port, { at: at(server.port), iam: { user: 'plane', token: counted().token } });
    expect((await expectUnknown(reading)).why).toContain('WRONGPASS');
    expect((await reading()).state).toBe('clear');
  });

  it('hangs in the handshake of TLS: is denied after 250 ms and keeps no socket', async () => {
    const server = await tcpServer((socket) => socket.resume());
    const { token, count } = counted();
    const { reading } = switchOn(server.port, { at: at(server.port), iam: { user: 'plane', token } });
    for (let tries = 0; tries < 6; tries += 1) expect((await expectUnknown(reading)).ms).toBeGreaterThan(100);
    expect(count()).toBeGreaterThan(1);
    await sleep(1000);
    await until(() => server.open.size === 0);
  });

  it('is fed the handshake of TLS byte by byte for ever: is given up after a second', async () => {
    const server = await tcpServer((socket) => {
      socket.resume();
      // The head of a record that announces 16 KB, then one byte at a time: no timer of inactivity ever runs out.
      socket.write(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00]));
      const drip = setInterval(() => socket.writable && socket.write(Buffer.from([2])), 50);
      socket.on('close', () => clearInterval(drip));
    });
    const { connection } = switchOn(server.port, {
      at: at(server.port),
      iam: { user: 'plane', token: counted().token },
    });
    const { error, ms } = await timed(connection.ask((redis) => redis.get('x'), 5000));
    expect(error?.message).toContain('gave no connection');
    expect(ms).toBeLessThan(1300);
    await until(() => server.open.size === 0);
  });

  it('with a certificate that nobody vouches for: is denied', async () => {
    const stranger = selfSigned();
    const server = await respServer(healthy, stranger);
    const { reading } = switchOn(server.port, { at: at(server.port), iam: { user: 'plane', token: counted().token } });
    expect((await expectUnknown(reading)).why).toMatch(/certificate/i);
    expect(server.commands).toEqual([]);
  });

  it('waits for no token that never comes: is denied, and asks for another a second later', async () => {
    const server = await respServer(healthy, certificate);
    const { token } = counted();
    let asked = 0;
    const slowAtFirst = async () => {
      asked += 1;
      return asked === 1 ? new Promise<string>(() => undefined) : token();
    };
    const { reading } = switchOn(server.port, { at: at(server.port), iam: { user: 'plane', token: slowAtFirst } });
    await expectUnknown(reading);
    await sleep(1000);
    expect((await reading()).state).toBe('clear');
  });

  it('is denied with the reason when there is no token to be had', async () => {
    const server = await respServer(healthy, certificate);
    const token = () => Promise.reject(new Error('Could not load credentials from any providers'));
    const { reading } = switchOn(server.port, { at: at(server.port), iam: { user: 'plane', token } });
    expect((await expectUnknown(reading)).why).toContain('Could not load credentials');
  });
});
