import { request as ask, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startHttpApi } from '#local/http-api.ts';
import { httpApi } from '#test/local/fixtures/apis.ts';
import { lambda, role } from '#test/local/fixtures/assembly.ts';
import { plane, until, type TestPlane } from '#test/local/fixtures/plane.ts';

/** Gives the event back, but for paths that say what else to do. */
const front = `
import { setTimeout as sleep } from 'node:timers/promises';
const answers = {
  '/text': 'just text',
  '/object': { just: 'an object' },
  '/list': [1, 2],
  '/nothing': undefined,
  '/full': {
    statusCode: 201,
    headers: { 'Content-Type': 'application/problem+json', 'X-Count': 3, 'x-yes': true, Connection: 'close' },
    cookies: ['a=1; Path=/', 'b=2'],
    body: '{"ü":1}',
  },
  '/bytes': { statusCode: 200, headers: { 'content-type': 'image/png' }, body: 'AAECAw==', isBase64Encoded: true },
  '/bare': { statusCode: '202' },
  '/none': { statusCode: 204, body: 'never seen' },
  '/status': { statusCode: 99 },
  '/body': { statusCode: 200, body: { no: 'text' } },
  '/header': { statusCode: 200, headers: { 'x-a': 'b\\r\\nx-c: d' } },
  '/huge': { statusCode: 200, body: 'x'.repeat(6 * 1024 * 1024 + 200) },
};
export const handler = async (event) => {
  if (event.rawPath === '/throws') throw new Error('no');
  if (event.rawPath === '/exits') process.exit(3);
  if (event.rawPath === '/sleeps') await sleep(1_000);
  if (event.rawPath in answers) return answers[event.rawPath];
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };
};`;

const gateway = (more: Partial<Parameters<typeof httpApi>[0]> = {}, timeoutSeconds = 5): Promise<TestPlane> =>
  plane(
    {
      resources: {
        Role: role,
        Front: lambda({ FunctionName: 'front', Timeout: timeoutSeconds }),
        Halt: lambda({ FunctionName: 'halt' }),
        ...httpApi({ routes: { $default: 'Front', 'POST /runs/{id}/cancel': 'Halt', 'ANY /mcp': 'Halt' }, ...more }),
      },
      code: {
        Front: front,
        Halt: 'export const handler = async ({ routeKey, pathParameters: p }) => ({ halt: routeKey, p });',
      },
    },
    { clock: 'driven', startAtMs: Date.parse('2026-03-02T07:08:09.010Z') },
  );

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Node's own client: fetch would add headers, and hide what HEAD is answered. */
function send(
  { endpoints }: TestPlane,
  path: string,
  { body, ...options }: RequestOptions & { body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = ask(new URL(endpoints.gateway), { ...options, path }, (response) => {
      text(response).then(
        (answered) => resolve({ status: response.statusCode, headers: response.headers, body: answered }),
        reject,
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

const eventOf = ({ body }: Answer): APIGatewayProxyEventV2 => JSON.parse(body) as APIGatewayProxyEventV2;

describe('a request becomes an event', () => {
  test('of payload format 2.0, field by field', async () => {
    const running = await gateway();
    const answer = await send(running, '/a%20b/c?x=1&y=%20&x=2', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'User-Agent': 'test/1',
        'X-Two': ['one', 'two'],
        Cookie: 'a=1; b=2',
        'X-Forwarded-For': '203.0.113.9',
        'Content-Length': 9,
      },
      body: '{"ü": 1}',
    });
    const host = new URL(running.endpoints.gateway).host;
    const event = eventOf(answer);
    expect(event).toEqual({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/a b/c',
      rawQueryString: 'x=1&y=%20&x=2',
      cookies: ['a=1', 'b=2'],
      headers: {
        'content-length': '9',
        'content-type': 'application/json; charset=utf-8',
        host,
        'user-agent': 'test/1',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
        'x-forwarded-for': '203.0.113.9, 127.0.0.1',
        'x-forwarded-port': new URL(running.endpoints.gateway).port,
        'x-forwarded-proto': 'http',
        'x-two': 'one,two',
      },
      queryStringParameters: { x: '1,2', y: ' ' },
      requestContext: {
        accountId: '000000000000',
        apiId: running.resources.apis[0]?.id,
        domainName: host,
        domainPrefix: '127',
        http: { method: 'POST', path: '/a b/c', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test/1' },
        requestId: expect.stringMatching(/^[\w-]{15}=$/),
        routeKey: '$default',
        stage: '$default',
        time: '02/Mar/2026:07:08:09 +0000',
        timeEpoch: expect.any(Number),
      },
      body: '{"ü": 1}',
      isBase64Encoded: false,
    });
    expect(Math.abs(event.requestContext.timeEpoch - Date.parse('2026-03-02T07:08:09.010Z'))).toBeLessThan(990);
    expect(answer.headers['apigw-requestid']).toBe(event.requestContext.requestId);
  });

  test('without what the request has not', async () => {
    const event = eventOf(await send(await gateway(), '/'));
    for (const field of ['cookies', 'queryStringParameters', 'pathParameters', 'body', 'stageVariables'])
      expect(event).not.toHaveProperty(field);
    expect(event).toMatchObject({ rawQueryString: '', isBase64Encoded: false, rawPath: '/' });
    expect(event.requestContext.http.userAgent).toBe('');
  });

  test.each([
    ['text/csv', false],
    ['application/json', false],
    ['APPLICATION/XML;charset=utf-8', false],
    ['application/javascript', false],
    // Measured on AWS: whatever is not in that list.
    ['application/problem+json', true],
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream', true],
    [undefined, true],
  ])('whose body of type %s is base64: %s', async (type, isBase64Encoded) => {
    const running = await gateway();
    const headers = type === undefined ? {} : { 'content-type': type };
    const event = eventOf(await send(running, '/', { method: 'PUT', headers, body: 'a=1' }));
    expect(event).toMatchObject({ isBase64Encoded, body: isBase64Encoded ? 'YT0x' : 'a=1' });
  });

  test('of a function of its own where a route says so, with the variables of the path', async () => {
    const running = await gateway();
    const json = async (path: string, method: string): Promise<unknown> =>
      JSON.parse((await send(running, path, { method })).body);
    expect(await json('/runs/r%2F1/cancel', 'POST')).toEqual({ halt: 'POST /runs/{id}/cancel', p: { id: 'r/1' } });
    expect(await json('/mcp?x=1', 'DELETE')).toEqual({ halt: 'ANY /mcp' });
    expect(await json('/runs/r1/cancel', 'GET')).toMatchObject({ routeKey: '$default', rawPath: '/runs/r1/cancel' });
  });

  test('under the name of its stage, where that is not the default', async () => {
    const running = await gateway({ stage: { StageName: 'v1' } });
    expect(JSON.parse((await send(running, '/v1/mcp')).body)).toEqual({ halt: 'ANY /mcp' });
    expect(eventOf(await send(running, '/v1'))).toMatchObject({ rawPath: '/v1', requestContext: { stage: 'v1' } });
    expect(await send(running, '/mcp')).toMatchObject({ status: 404, body: '{"message":"Not Found"}' });
  });
});

describe('a result becomes an answer', () => {
  test.each([
    ['/text', 200, 'application/json', 'just text'],
    ['/object', 200, 'application/json', '{"just":"an object"}'],
    ['/list', 200, 'application/json', '[1,2]'],
    ['/nothing', 200, 'application/json', 'null'],
    ['/bare', 202, 'text/plain; charset=utf-8', ''],
    ['/none', 204, 'text/plain; charset=utf-8', ''],
    ['/throws', 500, 'application/json', '{"message":"Internal Server Error"}'],
    ['/exits', 500, 'application/json', '{"message":"Internal Server Error"}'],
    ['/status', 500, 'application/json', '{"message":"Internal Server Error"}'],
    ['/body', 500, 'application/json', '{"message":"Internal Server Error"}'],
    ['/header', 500, 'application/json', '{"message":"Internal Server Error"}'],
    ['/huge', 500, 'application/json', '{"message":"Internal Server Error"}'],
  ])('%s: %i, %s', async (...[path, status, type, body]) => {
    const answer = await send(await gateway(), path);
    expect({ ...answer, headers: answer.headers['content-type'] }).toEqual({ status, headers: type, body });
  });

  test('with its status, headers, cookies and bytes', async () => {
    const running = await gateway();
    const full = await send(running, '/full');
    expect(full).toMatchObject({ status: 201, body: '{"ü":1}' });
    expect(full.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'content-length': '8',
      'x-count': '3',
      'x-yes': 'true',
      'set-cookie': ['a=1; Path=/', 'b=2'],
    });
    const bytes = await fetch(`${running.endpoints.gateway}/bytes`);
    expect([...new Uint8Array(await bytes.arrayBuffer())]).toEqual([0, 1, 2, 3]);
  });

  test('without its body for HEAD, and OPTIONS is a method like any other', async () => {
    const running = await gateway();
    const head = await send(running, '/full', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 201, body: '' });
    expect(head.headers['content-length']).toBe('8');
    expect(eventOf(await send(running, '/x', { method: 'OPTIONS' })).requestContext.http.method).toBe('OPTIONS');
  });

  test('which is 503 where the function takes longer than the integration waits, and 500 where its own time is over', async () => {
    const late = await gateway({ integration: { TimeoutInMillis: 300 } });
    expect(await send(late, '/sleeps')).toMatchObject({ status: 503, body: '{"message":"Service Unavailable"}' });
    // It goes on all the same.
    await until('the function has ended', () =>
      late.told('invocation-ended').some(({ outcome }) => outcome === 'success'),
    );
    const short = await gateway({}, 0.3);
    expect(await send(short, '/sleeps')).toMatchObject({ status: 500, body: '{"message":"Internal Server Error"}' });
  });
});

describe('the gateway itself answers', () => {
  test.each<[string, string, RequestOptions & { body?: string | Buffer }, number, string]>([
    ['a path without a route', '/nowhere', {}, 404, 'Not Found'],
    ['an escape that is none', '/%zz', {}, 400, 'Bad Request'],
    [
      'headers of more than 10,240 bytes',
      '/mcp',
      { headers: { 'x-long': 'x'.repeat(10_230) } },
      431,
      'Request Header Fields Too Large',
    ],
    [
      'a body of more than 10 MB',
      '/mcp',
      { method: 'POST', body: Buffer.alloc(10 * 1024 * 1024 + 1) },
      413,
      'Request Entity Too Large',
    ],
    [
      'an event of more than 6 MB',
      '/mcp',
      { method: 'POST', body: Buffer.alloc(5 * 1024 * 1024) },
      413,
      'Request Entity Too Large',
    ],
    ['a name that leads here from outside', '/mcp', { headers: { host: 'evil.example' } }, 403, 'Forbidden'],
  ])('%s', async (...[_what, path, options, status, message]) => {
    const running = await gateway({ routes: { 'ANY /mcp': 'Halt' } });
    expect(await send(running, path, options)).toMatchObject({ status, body: JSON.stringify({ message }) });
    // The function was not asked, and the gateway is none the worse.
    expect(running.told('invocation-started')).toEqual([]);
    expect(await send(running, '/mcp')).toMatchObject({ status: 200 });
  });

  test('too many requests of a route that its stage limits', async () => {
    const throttled = { ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 2 };
    const running = await gateway({ stage: { RouteSettings: { 'ANY /mcp': throttled } } });
    const statuses = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await send(running, '/mcp')).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    expect((await send(running, '/other')).status).toBe(200);
  });

  test('everything as not found, where the template has no HTTP API', async () => {
    const running = await plane({ resources: { Role: role } });
    expect(await send(running, '/')).toMatchObject({ status: 404, body: '{"message":"Not Found"}' });
  });
});

test('a client that leaves in the middle of its body harms nobody', async () => {
  const told: unknown[] = [];
  const door = await startHttpApi({ port: 0, nowMs: Date.now, emit: (event) => told.push(event) });
  onTestFinished(() => door.stop());
  door.open(undefined, () => Promise.reject(new Error('never asked')));
  const socket = connect(Number(new URL(door.url).port), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
  await until('it is under way', () => door.pending() === 1);
  socket.destroy();
  await until('it is over', () => door.pending() === 0);
  expect(told).toEqual([]);
  expect((await fetch(door.url)).status).toBe(404);
});

test('the plane is not idle while a request is under way, its body included', async () => {
  const running = await gateway();
  const socket = connect(Number(new URL(running.endpoints.gateway).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await running.idle();
  socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nha');
  await until('it has come', async () => {
    const idle = running.idle(AbortSignal.timeout(50));
    return idle.then(
      () => false,
      () => true,
    );
  });
  socket.write('lf');
  await running.idle();
  expect(running.told('invocation-ended')).toHaveLength(1);
});
