import { describe, expect, it } from 'vitest';
import { apiVersion } from '#gateway/schemas/version.ts';
import { entraClaims, newPair, nowMs, sign, world } from '#test/unit/gateway/identity/support.ts';
import { problem, pull } from '#test/unit/gateway/support.ts';
import { issuers, mcpDoor, message } from './support.ts';

const list = message('tools/list');
const call = (name: string, given: object = {}, more: object = {}) =>
  message('tools/call', { name, arguments: given, ...more });
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('shaking hands', () => {
  it('says name, version, that there are tools and how to use them; there is no session', async () => {
    const door = await mcpDoor();
    const client = await door.client('vera');
    expect(client.getServerVersion()).toMatchObject({ name: 'alphaswarm', version: apiVersion });
    expect(client.getServerCapabilities()).toStrictEqual({ tools: {} });
    expect(client.getInstructions()).toContain('follow_run');
    await client.ping();
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    const answer = await door.send({ as: 'vera', body: message('initialize', params) });
    expect(answer).toMatchObject({ status: 200, body: { id: 1, result: { protocolVersion: '2025-06-18' } } });
    expect(answer.headers.get('mcp-session-id')).toBeNull();
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it('is not needed: each message is answered on its own, and a notification with nothing', async () => {
    const door = await mcpDoor();
    expect(await door.send({ as: 'vera', body: list })).toMatchObject({
      status: 200,
      body: { result: { tools: expect.any(Array) } },
    });
    const note = message('notifications/initialized', {}, null);
    expect(await door.send({ as: 'vera', body: note })).toMatchObject({ status: 202, text: '' });
  });

  it('many at a time get each their own answer', async () => {
    const door = await mcpDoor();
    const ids = Array.from({ length: 20 }, (_, number) => number);
    const answers = await Promise.all(ids.map((id) => door.send({ as: 'vera', body: message('ping', {}, id) })));
    expect(answers.map(({ body }) => body.id)).toStrictEqual(ids);
  });
});

describe('who asks', () => {
  it('without a token is told where to get one', async () => {
    const door = await mcpDoor();
    const answer = await door.send({ body: list });
    expect(answer).toMatchObject(problem(401, 'UNAUTHENTICATED'));
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const where = `${door.url}/.well-known/oauth-protected-resource/mcp`;
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer realm="alphaswarm", resource_metadata="${where}"`);
    const { body } = await door.send({ method: 'GET', path: new URL(where).pathname });
    expect(body).toMatchObject({ resource: `${door.url}/mcp`, authorization_servers: issuers });
  });

  it('with a token that has expired is told so, and where to get another', async () => {
    const answer = await (await mcpDoor()).send({ as: 'expired', body: list });
    expect(answer).toMatchObject(problem(401, 'UNAUTHENTICATED'));
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="alphaswarm", error="invalid_token", error_description="The token has expired", resource_metadata="http:/,
    );
  });

  it('is asked for with every message: a client that has shaken hands is refused as well', async () => {
    const door = await mcpDoor();
    const client = await door.client('expired' as never).catch((refused: unknown) => refused);
    expect(client).toBeInstanceOf(Error);
    expect(String(client)).toContain('UNAUTHENTICATED');
    expect(await door.send({ body: call('list_runs') })).toMatchObject(problem(401, 'UNAUTHENTICATED'));
  });

  it('is who the token of a real issuer says, until it has expired', async () => {
    const pairs = { entra: await newPair('one'), auth0: await newPair('two', 'ES256') };
    const { identity, setNow } = world(pairs);
    const door = await mcpDoor({ options: { identity } });
    const token = await sign(pairs.entra, entraClaims({ sub: 'anna', roles: ['viewer'] }));
    const answer = await door.send({ as: token, body: list });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('backtest_run');
    setNow(nowMs + 2 * 3_600_000);
    const refused = await door.send({ as: token, body: list });
    expect(refused).toMatchObject(problem(401, 'UNAUTHENTICATED'));
    expect(refused.headers.get('www-authenticate')).toMatch(/The token has expired", resource_metadata="/);
  });

  it('nobody without a good token has a body read', async () => {
    const answer = await (await mcpDoor()).send({ body: nested(99) });
    expect(answer.status).toBe(401);
  });

  it('a page of another site is refused, whatever token it has; one of our own is not', async () => {
    const door = await mcpDoor();
    for (const origin of ['https://evil.example', 'null', `${door.url}.evil.example`]) {
      const answer = await door.send({ as: 'vera', body: list, headers: { origin } });
      expect(answer).toMatchObject(problem(403, 'ORIGIN_REFUSED'));
    }
    expect((await door.send({ as: 'vera', body: list, headers: { origin: door.url } })).status).toBe(200);
  });
});

describe('the share of a caller', () => {
  const rates = { reads: { perSecond: 1, burst: 4 }, writes: { perSecond: 1, burst: 1 } };

  it('counts each message as a read: beyond it 429 with when to come back', async () => {
    const door = await mcpDoor({ options: { rates } });
    for (let count = 0; count < 4; count += 1) expect((await door.send({ as: 'vera', body: list })).status).toBe(200);
    const refused = await door.send({ as: 'vera', body: list });
    expect(refused).toMatchObject(problem(429, 'RATE_LIMITED'));
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await door.send({ as: 'rita', body: list })).status).toBe(200);
    await door.plane.clock.advance(1000);
    expect((await door.send({ as: 'vera', body: list })).status).toBe(200);
  });

  it('counts a tool that changes something as a write besides: beyond it the tool says so', async () => {
    const door = await mcpDoor({ options: { rates: { ...rates, reads: { perSecond: 50, burst: 100 } } } });
    expect((await door.call('rita', 'ingest_pull', pull.payload)).isError).toBe(false);
    expect(await door.call('rita', 'ingest_pull', pull.payload)).toMatchObject({
      isError: true,
      said: { code: 'RATE_LIMITED', retryAfterSeconds: 1 },
    });
    expect(door.plane.ledger.rows.size).toBe(1);
    expect((await door.call('rita', 'list_runs')).isError).toBe(false);
  });

  it('where it cannot be counted lets looking and cancelling go on, and starting wait', async () => {
    const door = await mcpDoor();
    const { said } = await door.call('rita', 'ingest_pull', pull.payload);
    door.rate.down = true;
    expect((await door.call('rita', 'list_runs')).isError).toBe(false);
    expect((await door.call('rita', 'cancel_run', { id: said.id })).said).toMatchObject({ did: 'cancelled' });
    expect((await door.call('rita', 'ingest_pull', pull.payload)).isError).toBe(true);
    expect(door.plane.ledger.rows.size).toBe(1);
  });
});

describe('a body', () => {
  const filled = (bytes: number): string => call('list_runs', { actor: 'x'.repeat(bytes) });

  it('of more than a megabyte is refused, and one of just that is read', async () => {
    const door = await mcpDoor();
    const around = filled(0).length;
    expect(await door.send({ as: 'rita', body: filled(1024 * 1024 - around + 1) })).toMatchObject(
      problem(413, 'BODY_TOO_LARGE'),
    );
    expect(await door.send({ as: 'rita', body: filled(1024 * 1024 - around) })).toMatchObject({
      status: 200,
      body: { result: { isError: true } },
    });
  });

  it.each([
    ['nested too deeply', nested(33), {}, 422, 'REQUEST_INVALID'],
    ['half a million brackets', nested(500_000), {}, 422, 'REQUEST_INVALID'],
    [
      'nested too deeply within arguments',
      call('backtest_run', { a: JSON.parse(nested(30)) }),
      {},
      422,
      'REQUEST_INVALID',
    ],
    ['no JSON', '{"jsonrpc"', {}, 422, 'REQUEST_INVALID'],
    ['empty', '', {}, 422, 'REQUEST_INVALID'],
    ['a batch', `[${list},${list}]`, {}, 422, 'REQUEST_INVALID'],
    ['a batch of none', '[]', {}, 422, 'REQUEST_INVALID'],
    ['of another type', list, { 'content-type': 'text/plain' }, 415, 'CONTENT_TYPE_UNSUPPORTED'],
    ['of a type that only begins so', list, { 'content-type': 'application/jsonp' }, 415, 'CONTENT_TYPE_UNSUPPORTED'],
  ] as const)('%s is refused as a problem', async (...[, body, headers, status, code]) => {
    const answer = await (await mcpDoor()).send({ as: 'rita', body, headers });
    expect(answer).toMatchObject(problem(status, code));
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it.each([
    ['null', -32700],
    ['7', -32700],
    ['{}', -32700],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32700],
    ['{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', -32700],
    ['{"jsonrpc":"2.0","id":1,"method":7}', -32700],
  ])('%s is JSON and no message: %i', async (body, code) => {
    expect(await (await mcpDoor()).send({ as: 'rita', body })).toMatchObject({
      status: 400,
      body: { error: { code } },
    });
  });

  it('must be accepted as the protocol says, and be of a version of it that is known', async () => {
    const door = await mcpDoor();
    const sent = (headers: Record<string, string>) => door.send({ as: 'rita', body: list, headers });
    expect((await sent({ accept: 'application/json' })).status).toBe(406);
    expect((await sent({ 'mcp-protocol-version': '1999-01-01' })).status).toBe(400);
    expect((await sent({ 'mcp-protocol-version': '2025-11-25' })).status).toBe(200);
  });
});

describe('a message', () => {
  it.each([
    ['a method that there is not', message('resources/list'), -32601],
    ['a method of prompts', message('prompts/list'), -32601],
    ['a tool that there is not', call('rm_rf'), -32602],
    ['a tool by a name that every object has', call('toString'), -32602],
    ['a task by its own name', call('ingest.pull', pull.payload), -32602],
    ['a task of the protocol', message('tasks/list'), -32601],
  ])('about %s is an error of the protocol', async (_, body, code) => {
    const answer = await (await mcpDoor()).send({ as: 'otto', body });
    expect(answer).toMatchObject({ status: 200, body: { jsonrpc: '2.0', id: 1, error: { code } } });
  });

  it('with arguments that are no object is an error of the protocol, and says nothing of what stood there', async () => {
    const door = await mcpDoor();
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'list_runs', arguments: 'hunter2' },
    });
    const answer = await door.send({ as: 'otto', body });
    expect(answer.body.error.code).toBeLessThan(0);
    expect(answer.text).not.toContain('hunter2');
  });

  it('that wants a call made a task of the protocol is done as any call is', async () => {
    const door = await mcpDoor();
    const body = call('ingest_pull', pull.payload, { task: { ttl: 1000 } });
    expect(await door.send({ as: 'rita', body })).toMatchObject({
      status: 200,
      body: { result: { structuredContent: { state: 'queued', created: true } } },
    });
  });

  it('with __proto__ in its arguments changes nothing but its own answer', async () => {
    const door = await mcpDoor();
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_runs","arguments":{"__proto__":{"admin":true}}}}`;
    expect((await door.send({ as: 'rita', body })).status).toBe(200);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('the door', () => {
  it.each(['GET', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])(
    'answers %s /mcp with 405 and what it takes',
    async (method) => {
      const answer = await (await mcpDoor()).send({ as: 'vera', method });
      expect(answer).toMatchObject(problem(405, 'METHOD_NOT_ALLOWED'));
      expect(answer.headers.get('allow')).toBe('POST');
    },
  );

  it('has nothing else, not even what the other doors have', async () => {
    const door = await mcpDoor();
    for (const path of ['/runs', '/halt', '/mcp/', '/', '/.well-known/openid-configuration'])
      expect((await door.send({ as: 'vera', method: 'GET', path })).status).toBe(404);
  });

  it.each(['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'])(
    '%s says to anybody whose tokens are taken, and for what',
    async (path) => {
      const door = await mcpDoor({ options: { address: 'https://plane.example/mcp' } });
      expect(await door.send({ method: 'GET', path })).toMatchObject({
        status: 200,
        body: {
          resource: 'https://plane.example/mcp',
          authorization_servers: issuers,
          bearer_methods_supported: ['header'],
        },
      });
      const refused = await door.send({ body: list });
      expect(refused.headers.get('www-authenticate')).toContain(
        'resource_metadata="https://plane.example/.well-known/oauth-protected-resource/mcp"',
      );
    },
  );

  it('forbids keeping, sniffing and framing of every answer, and names the request', async () => {
    const door = await mcpDoor();
    for (const answer of [await door.send({ as: 'vera', body: list }), await door.send({ method: 'GET' })]) {
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(answer.headers.get('alphaswarm-version')).toMatch(/^1\./);
      expect(answer.headers.get('x-request-id')).toBe('request-1');
    }
  });

  it('that fails before a message is read says nothing of its inside', async () => {
    const failing = async () => {
      throw new Error('no route to issuer.internal');
    };
    const door = await mcpDoor({ options: { identity: { caller: failing, ready: async () => [] } } });
    const answer = await door.send({ as: 'vera', body: list });
    expect(answer).toMatchObject(problem(500, 'INTERNAL'));
    expect(answer.text).not.toContain('issuer.internal');
    expect(JSON.stringify(door.plane.log.lines)).toContain('issuer.internal');
  });
});
