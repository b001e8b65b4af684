import { expect, test } from 'vitest';
import { GatewayError, SettingsError, UnreachableError, VersionError } from '#client/errors.ts';
import { transport, type Exchange } from '#client/transport.ts';
import { json, means, nobody, serving } from './support.ts';

const token = async () => 'a.b.c';
const post = { method: 'POST', path: '/runs', body: { task: 'x' } } as const;
const get = { method: 'GET', path: '/runs' } as const;

test('a POST carries token, body and a key of its own; the same three on every retry', async () => {
  const { url, heard } = await serving((_, response, nth) =>
    nth < 3
      ? json(response, 503, { code: 'DEPENDENCY_UNAVAILABLE', detail: 'away' })
      : json(response, 202, { ok: true }),
  );
  const send = transport({ baseUrl: url, token, means: means() });
  expect((await send(post)).body).toEqual({ ok: true });
  await send(post);
  expect(heard).toHaveLength(4);
  const keys = heard.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(keys[3]).not.toBe(keys[0]);
  for (const { headers, body } of heard)
    expect([headers.authorization, headers['content-type'], body]).toEqual([
      'Bearer a.b.c',
      'application/json',
      '{"task":"x"}',
    ]);
});

test('the key that was given is the key that is sent', async () => {
  const { url, heard } = await serving((_, response) => json(response, 200, {}));
  await transport({ baseUrl: url, token })({ ...post, headers: { 'idempotency-key': 'mine' } });
  expect(heard[0]?.headers['idempotency-key']).toBe('mine');
});

test('Retry-After is the least that is waited, jitter comes on top', async () => {
  const waits = means();
  const { url } = await serving((_, response, nth) =>
    nth === 1
      ? json(response, { status: 429, headers: { 'retry-after': '2' } }, { code: 'RATE_LIMITED', detail: 'slower' })
      : json(response, 200, {}),
  );
  await transport({ baseUrl: url, token, means: waits })(get);
  expect(waits.waitedMs).toEqual([2100]);
});

test('it gives up after five tries, with longer and longer waits', async () => {
  const waits = means();
  const { url, heard } = await serving((_, response) => json(response, 503, { code: 'X', detail: 'away' }));
  await expect(transport({ baseUrl: url, token, means: waits })(get)).rejects.toMatchObject({ status: 503, code: 'X' });
  expect(heard).toHaveLength(5);
  expect(waits.waitedMs).toEqual([100, 200, 400, 800]);
});

test('a gateway that asks for minutes of patience is not waited for', async () => {
  const { url, heard } = await serving((_, response) =>
    json(response, { status: 429, headers: { 'retry-after': '120' } }, { code: 'RATE_LIMITED', detail: 'later' }),
  );
  await expect(transport({ baseUrl: url, token, means: means() })(get)).rejects.toMatchObject({ status: 429 });
  expect(heard).toHaveLength(1);
});

test.each([400, 401, 403, 404, 409, 422, 423, 500])('%i is an answer, and asked once', async (status) => {
  const issues = [{ path: 'body.task', message: 'is missing' }];
  const { url, heard } = await serving((_, response) => json(response, status, { code: 'CODE', detail: 'so', issues }));
  const failed = transport({ baseUrl: url, token, means: means() })(get);
  await expect(failed).rejects.toThrow(GatewayError);
  await expect(failed).rejects.toMatchObject({ status, code: 'CODE', detail: 'so', issues });
  expect(heard).toHaveLength(1);
});

test('the same request that is still being worked on is asked for again', async () => {
  const { url } = await serving((_, response, nth) =>
    nth === 1
      ? json(response, { status: 409, headers: { 'retry-after': '1' } }, { code: 'IN_PROGRESS', detail: '' })
      : json(response, 200, 1),
  );
  expect((await transport({ baseUrl: url, token, means: means() })(post)).body).toBe(1);
});

test('what API Gateway or a proxy answers in its own words is told with its status', async () => {
  const { url } = await serving((_, response, nth) =>
    nth === 1 ? json(response, 404, { message: 'Not Found' }) : void response.writeHead(418).end('<p>teapot</p>'),
  );
  const send = transport({ baseUrl: url, token });
  await expect(send(get)).rejects.toMatchObject({ code: 'HTTP_404', detail: 'HTTP 404: Not Found' });
  await expect(send(get)).rejects.toMatchObject({ code: 'HTTP_418', detail: 'HTTP 418: <p>teapot</p>' });
});

test('nobody there: tried five times, then told as unreachable', async () => {
  const baseUrl = await nobody();
  const waits = means();
  const failed = transport({ baseUrl, token, means: waits })(get);
  await expect(failed).rejects.toThrow(UnreachableError);
  await expect(failed).rejects.toThrow(/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/);
  expect(waits.waitedMs).toHaveLength(4);
});

test('a connection that is cut is tried again with the same key', async () => {
  const { url, heard } = await serving((_, response, nth) =>
    nth === 1 ? void response.socket?.destroy() : json(response, 200, {}),
  );
  await transport({ baseUrl: url, token, means: means() })(post);
  expect(heard[1]?.headers['idempotency-key']).toBe(heard[0]?.headers['idempotency-key']);
});

test('a slow gateway is given up once, and it is said that the work may be done', async () => {
  const { url, heard } = await serving(() => undefined);
  const failed = transport({ baseUrl: url, token, timeoutMs: 100, means: means() })(post);
  await expect(failed).rejects.toThrow(/did not answer within 0\.1 s\. What was asked for may have been done/);
  expect(heard).toHaveLength(1);
});

test('a gateway of another major version is refused, whatever it answers; of another minor one it is not', async () => {
  let version = '2.0';
  const { url } = await serving((_, response) =>
    json(response, { status: 200, headers: { 'alphaswarm-version': version } }, {}),
  );
  const send = transport({ baseUrl: url, token });
  await expect(send(get)).rejects.toThrow(VersionError);
  await expect(send(get)).rejects.toThrow(/speaks version 2\.0 of its interface, and this client version 1\. Update/);
  version = '0.9';
  await expect(send(get)).rejects.toThrow(/Use the checkout that the gateway was deployed from/);
  version = '1.7';
  await expect(send(get)).resolves.toMatchObject({ status: 200 });
});

test('what answers with a page is no gateway', async () => {
  const { url } = await serving((_, response) => void response.writeHead(200).end('<html></html>'));
  await expect(transport({ baseUrl: url, token })(get)).rejects.toThrow(/is no gateway of AlphaSwarm/);
});

test('a redirect is not followed: the token would go along', async () => {
  const other = await serving((_, response) => json(response, 200, {}));
  const { url } = await serving((_, response) => void response.writeHead(307, { location: other.url }).end());
  await expect(transport({ baseUrl: url, token, means: means() })(get)).rejects.toThrow(UnreachableError);
  expect(other.heard).toEqual([]);
});

test.each([
  'http://gateway.example.com',
  'http://10.0.0.1',
  'ftp://127.0.0.1',
  'nonsense',
  'http://127.0.0.1.evil.example',
])('no token is sent to %s', (baseUrl) => {
  expect(() => transport({ baseUrl, token })).toThrow(SettingsError);
});

test('a route for everybody is asked without a token', async () => {
  const { url, heard } = await serving((_, response) => json(response, 200, {}));
  const asked: unknown[] = [];
  const send = transport({ baseUrl: url, token: async (wanted) => (asked.push(wanted), 'a.b.c') });
  await send({ ...get, anonymous: true });
  expect([heard[0]?.headers.authorization, asked]).toEqual([undefined, []]);
  await send({ ...post, stepUp: true });
  expect(asked).toEqual([{ stepUp: true }]);
});

test('an abort ends it, with the reason of who aborted', async () => {
  const { url } = await serving(() => undefined);
  const ending = new AbortController();
  const failed = transport({ baseUrl: url, token })({ ...get, signal: ending.signal });
  setTimeout(() => ending.abort(new Error('enough')), 50);
  await expect(failed).rejects.toThrow('enough');
});

test('every exchange is told, also one that nobody answered', async () => {
  const told: Exchange[] = [];
  const onExchange = (one: Exchange) => void told.push(one);
  const { url } = await serving((_, response, nth) =>
    nth === 1 ? void response.socket?.destroy() : json(response, 200, {}),
  );
  await transport({ baseUrl: url, token, means: means(), onExchange })({ ...get, query: { limit: 5, day: undefined } });
  expect(told).toMatchObject([
    { method: 'GET', url: `${url}/runs?limit=5`, token: 'a.b.c' },
    { method: 'GET', url: `${url}/runs?limit=5`, status: 200 },
  ]);
  expect(told[0]).not.toHaveProperty('status');
});
