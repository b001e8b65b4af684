import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consume } from '#core/consume.ts';
import { readSwitch } from '#core/kill-switch.ts';
import { memoryPlane } from '#memory/plane.ts';
import { runtimeLog } from '#runtime/log.ts';
import { redisToken } from '#runtime/redis-token.ts';
import { selfSigned } from '#test/contract/support/certificate.ts';
import { switchOn, timed } from '#test/contract/support/redis.ts';
import { connecting, respServer } from '#test/contract/support/tcp.ts';
import { said } from '#test/unit/runtime/support.ts';

const certificate = selfSigned();
const authorities = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...authorities, certificate.certificate]));
afterAll(() => setDefaultCACertificates(authorities));

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'hunter2secret', sessionToken: 'hunter3session' };
const token = () =>
  redisToken({ cacheName: 'state', user: 'plane', region: 'us-east-1', credentials: keys, signedAt: new Date() });
/** What must never be seen: the whole token, its signature, and what it was made with. */
const secretsOf = (tokens: readonly string[]) => [
  ...tokens,
  ...tokens.map((one) => /X-Amz-Signature=(\w+)/.exec(one)?.[1] ?? 'no signature'),
  keys.secretAccessKey,
  keys.sessionToken,
];

/** Redis before 6 and many a proxy repeat the command that they do not know: here the one with the password. */
const repeats = (command: readonly string[]): string =>
  `-ERR unknown command '${command[0]}', with args beginning with: ${command.slice(1).join(' ')}\r\n`;

describe('the token of Redis is in no line, no message and no cause', () => {
  it.each([
    ['is refused', () => '-WRONGPASS invalid username-password pair or user is disabled.\r\n'],
    ['is repeated by the server that refuses it', repeats],
    [
      'is given to a server that takes AUTH only, and repeats that',
      (command: readonly string[]) =>
        command[0]?.toLowerCase() === 'hello' ? '-ERR unknown command HELLO\r\n' : repeats(command),
    ],
    ['is taken, and then the server refuses everything', connecting(repeats)],
    ['is repeated as the answer to everything', (command: readonly string[]) => `+${command.join(' ')}\r\n`],
    ['is repeated in an error that closes the connection', (command: readonly string[]) => `!${command.join(' ')}\r\n`],
    ['may not look at the server', connecting(() => '-NOPERM this user has no permissions\r\n')],
  ])('when it %s', async (_, reply) => {
    const tokens: string[] = [];
    const server = await respServer(reply, certificate);
    const { key, connection, control } = switchOn(server.port, {
      at: { host: 'localhost', port: server.port },
      iam: {
        user: 'plane',
        token: async () => {
          tokens.push(await token());
          return tokens.at(-1) ?? '';
        },
      },
    });
    const log = runtimeLog('DEBUG');
    const errors: unknown[] = [];
    const { text } = await said(async () => {
      for (const ask of [() => key.read(), () => key.canary('x'), () => key.set('y'), () => key.replicationId()])
        errors.push((await timed<unknown>(ask())).error);
      const plane = { ...memoryPlane(), key, control, log };
      errors.push(await readSwitch(plane));
      const message = { id: 'm', body: '{"v":1,"schedule":"runs-reap","slot":"2026-01-05T12:00:00Z"}', receipt: 'r' };
      const options = { queue: 'system', bodies: {}, deadlineMs: plane.clock.nowMs() + 50_000 } as const;
      await consume(plane, [{ ...message, receives: 1 }], options);
      for (const error of errors) log.warn('kill switch unknown', { error });
    });
    expect(tokens.length).toBeGreaterThan(0);
    expect(server.commands.flat().join(' ')).toContain(tokens[0]);
    const told = text + inspect(errors, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(errors);
    for (const secret of secretsOf(tokens)) expect(told).not.toContain(secret);
    connection.close();
  });
});
