// What an issuer is asked for: a server of our own in its place, since each real one wants strength in its own words.
import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { login } from '#client/login.ts';
import { listenOnLoopback } from '#local/loopback.ts';

/** An issuer that writes down what it is asked, and then refuses. */
async function issuer() {
  const asked: URLSearchParams[] = [];
  let url = '';
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const isDiscovery = request.method === 'GET';
      if (!isDiscovery) asked.push(new URLSearchParams(body));
      response.writeHead(isDiscovery ? 200 : 400, { 'content-type': 'application/json' });
      const discovery = { issuer: url, token_endpoint: `${url}/token`, device_authorization_endpoint: `${url}/device` };
      response.end(JSON.stringify(isDiscovery ? discovery : { error: 'access_denied' }));
    });
  });
  url = `http://127.0.0.1:${await listenOnLoopback(server, { what: 'the issuer', port: undefined })}`;
  onTestFinished(() => void server.close());
  return { url, asked };
}
const options = { acr: 'high', onCode: () => undefined, nowMs: Date.now } as const;

it('a strong login is asked for as RFC 9470 has it', async () => {
  const { url, asked } = await issuer();
  await expect(login({ issuer: url, clientId: 'cli' }, options)).rejects.toThrow('access_denied');
  expect(Object.fromEntries(asked[0] ?? [])).toMatchObject({ acr_values: 'high', max_age: '300' });
  expect(asked[0]?.has('claims')).toBe(false);
});

it('and of Entra by the authentication context that the token must have', async () => {
  const { url, asked } = await issuer();
  await expect(login({ issuer: url, clientId: 'cli', authenticationContext: 'c1' }, options)).rejects.toThrow();
  expect(JSON.parse(asked[0]?.get('claims') ?? '')).toEqual({
    access_token: { acrs: { essential: true, value: 'c1' } },
  });
});
