import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { lockedEnvironment } from '#localstack/deploy.ts';
import { parseAddress, requireLoopbackOnly } from '#localstack/run/listeners.ts';
import { findPython } from '#localstack/run/python.ts';

test.each([
  ['0100007F:1F90', { host: '127.0.0.1', port: 8080 }],
  ['00000000:11D6', { host: '0.0.0.0', port: 4566 }],
  ['00000000000000000000000001000000:1F90', { host: '::1', port: 8080 }],
  ['0000000000000000FFFF00000100007F:1F90', { host: '127.0.0.1', port: 8080 }],
  ['00000000000000000000000000000000:1F90', { host: '::', port: 8080 }],
])('the kernel writes %s for %o', (hex, listener) => {
  expect(parseAddress(hex)).toEqual(listener);
});

test('a process that listens beyond loopback stops the run', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  expect(requireLoopbackOnly([]).map(({ host }) => host)).toContain('127.0.0.1');
  const open = createServer().listen(0, '0.0.0.0');
  onTestFinished(() => void open.close());
  await once(open, 'listening');
  expect(() => requireLoopbackOnly([])).toThrow(/listens on 0\.0\.0\.0:\d+, which other machines can reach/);
});

const settings = { region: 'us-east-1', credentials: { accessKeyId: 'LOCAL1', secretAccessKey: 'x' }, maxAttempts: 1 };
const place = { root: '/project', folder: '/project/.alphaswarm/localstack', settings };

test('the CDK sees none of the developer: no profile, no session, no files, no proxy', () => {
  const env = lockedEnvironment({ ...place, endpoint: 'http://127.0.0.1:4566' });
  expect(env).toMatchObject({ AWS_ACCESS_KEY_ID: 'LOCAL1', AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' });
  expect(Object.keys(env).filter((name) => /PROFILE|SESSION|ROLE|PROXY/i.test(name))).toEqual([]);
  expect(env).toMatchObject({ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' });
  expect(env['HOME']).toMatch(/^\/project\/\.alphaswarm\//);
});

test('the CDK is not let at an endpoint that is not on this machine', () => {
  const beyond = { ...place, endpoint: 'https://cloudformation.us-east-1.amazonaws.com' };
  expect(() => lockedEnvironment(beyond)).toThrow('which is not on this machine');
});

test('without any Python there is none', () => {
  expect(findPython({ PATH: '/nowhere' })).toBeUndefined();
});
