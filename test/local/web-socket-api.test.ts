import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket, { type ClientOptions } from 'ws';
import type { PlaneOptions } from '#local/plane.ts';
import { webSocketApi } from '#test/local/fixtures/apis.ts';
import { lambda, role } from '#test/local/fixtures/assembly.ts';
import { plane, until, type TestPlane } from '#test/local/fixtures/plane.ts';

/** Writes each event down; what it answers to $connect stands in the query. */
const front = `
const post = (id, text) => fetch(process.env.AWS_ENDPOINT_URL + '/@connections/' + encodeURIComponent(id), { method: 'POST', body: text });
export const handler = async (event) => {
  console.log(JSON.stringify(event));
  const { eventType, connectionId } = event.requestContext;
  if (eventType === 'CONNECT') {
    const { status, answer, early, protocol } = event.queryStringParameters ?? {};
    if (early) console.log('early ' + (await post(connectionId, 'too early')).status);
    if (answer === 'throws') throw new Error('no');
    if (answer === 'nothing') return {};
    return { statusCode: status ?? 200, headers: protocol ? { 'sec-websocket-protocol': protocol } : {} };
  }
  if (event.body === 'throw') throw new Error('no');
  if (event.body === 'echo') await post(connectionId, 'echoed');
  return { statusCode: 200, body: 'never sent' };
};`;

interface Options {
  routes?: Record<string, string>;
  stage?: Record<string, unknown>;
  limits?: PlaneOptions['socketLimits'];
}

const allRoutes = { $connect: 'Front', $disconnect: 'Front', $default: 'Front', subscribe: 'Front' };

async function sockets({ routes = allRoutes, stage = {}, limits = {} }: Options = {}): Promise<TestPlane> {
  return plane(
    {
      resources: { Role: role, Front: lambda({ FunctionName: 'front' }), ...webSocketApi({ routes, stage }) },
      code: { Front: front },
    },
    { socketLimits: limits },
  );
}

interface Client {
  socket: WebSocket;
  messages: string[];
  closed: Promise<{ code: number; reason: string }>;
}

/** Opens a connection; rejects when it is refused. */
async function open(
  running: TestPlane,
  path = '/dev',
  { protocols = [], ...options }: ClientOptions & { protocols?: string[] } = {},
): Promise<Client> {
  const socket = new WebSocket(`${running.endpoints.sockets}${path}`, protocols, options);
  onTestFinished(() => socket.terminate());
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await once(socket, 'open');
  return { socket, messages, closed };
}

interface Event {
  requestContext: Record<string, unknown> & { connectionId: string };
  headers: Record<string, string>;
  [field: string]: unknown;
}

const events = (running: TestPlane, type: string): Event[] =>
  running
    .lines()
    .flatMap((line) => (line.startsWith('{') ? (JSON.parse(line) as Event) : []))
    .filter((event) => event.requestContext?.['eventType'] === type);

async function eventOf(running: TestPlane, type: string): Promise<Event> {
  await until(`an event ${type}`, () => events(running, type).length > 0);
  return events(running, type)[0]!;
}

/** A connection, and the management API's client for it. */
async function managed(running: TestPlane): Promise<Client & { id: string; api: ApiGatewayManagementApiClient }> {
  const client = await open(running);
  const { requestContext } = await eventOf(running, 'CONNECT');
  return { ...client, id: requestContext.connectionId, api: management(running) };
}

function management(running: TestPlane, path = ''): ApiGatewayManagementApiClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const endpoint = `${running.endpoints.aws}${path}`;
  const client = new ApiGatewayManagementApiClient({ region: 'us-east-1', endpoint, credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

const id = expect.stringMatching(/^[\w-]{15}=$/);

describe('a connection', () => {
  test('is an event to $connect, as AWS sends it', async () => {
    const running = await sockets();
    await open(running, '/dev?ticket=t%201&x=1&x=2', { headers: { 'User-Agent': 'test/1' } });
    const event = await eventOf(running, 'CONNECT');
    const { host, port } = new URL(running.endpoints.sockets);
    expect(event).toEqual({
      headers: {
        Host: host,
        'Sec-WebSocket-Extensions': expect.any(String),
        'Sec-WebSocket-Key': expect.any(String),
        'Sec-WebSocket-Version': '13',
        'User-Agent': 'test/1',
        'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-/),
        'X-Forwarded-For': '127.0.0.1',
        'X-Forwarded-Port': port,
        'X-Forwarded-Proto': 'http',
      },
      multiValueHeaders: expect.objectContaining({ Host: [host], 'User-Agent': ['test/1'] }),
      queryStringParameters: { ticket: 't 1', x: '2' },
      multiValueQueryStringParameters: { ticket: ['t 1'], x: ['1', '2'] },
      requestContext: {
        routeKey: '$connect',
        eventType: 'CONNECT',
        extendedRequestId: id,
        requestTime: expect.stringMatching(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        messageDirection: 'IN',
        stage: 'dev',
        connectedAt: expect.any(Number),
        requestTimeEpoch: expect.any(Number),
        identity: { userAgent: 'test/1', sourceIp: '127.0.0.1' },
        requestId: id,
        domainName: host,
        connectionId: id,
        apiId: running.resources.apis[0]?.id,
      },
      isBase64Encoded: false,
    });
  });

  test('speaks the protocol that $connect names, and no other', async () => {
    const running = await sockets();
    const offered = ['alphaswarm.v1', 'bearer.a-b_c.d'];
    const { socket } = await open(running, '/dev?protocol=alphaswarm.v1', { protocols: offered });
    expect(socket.protocol).toBe('alphaswarm.v1');
    expect((await eventOf(running, 'CONNECT')).headers['Sec-WebSocket-Protocol']).toBe(offered.join(','));
    // A client that has offered some must be told one.
    await expect(open(running, '/dev', { protocols: offered })).rejects.toThrow('Server sent no subprotocol');
  });

  test.each([
    ['the status of $connect', '/dev?status=401', 401],
    ['a redirection, which is no yes', '/dev?status=302', 302],
    ['a $connect that throws', '/dev?answer=throws', 502],
    ['a $connect that says nothing', '/dev?answer=nothing', 502],
    ['a stage that is none', '/prod', 403],
    ['a path below the stage', '/dev/x', 403],
  ])('is refused by %s', async (_what, path, status) => {
    const running = await sockets();
    await expect(open(running, path)).rejects.toThrow(`Unexpected server response: ${status}`);
    await running.idle();
    expect(events(running, 'DISCONNECT')).toEqual([]);
  });

  test('is refused where it comes under a name from outside, and where it is no WebSocket', async () => {
    const running = await sockets();
    await expect(open(running, '/dev', { headers: { host: 'evil.example' } })).rejects.toThrow('response: 403');
    const plain = await fetch(running.endpoints.sockets.replace('ws', 'http'));
    expect(plain.status).toBe(426);
    expect(running.told('invocation-started')).toEqual([]);
  });

  test('is taken without being asked about, where there is no $connect, and at the bare address', async () => {
    const running = await sockets({ routes: { $default: 'Front' } });
    const { socket } = await open(running, '');
    socket.send('hello');
    expect(await eventOf(running, 'MESSAGE')).toMatchObject({ body: 'hello' });
  });

  test('ends with an event to $disconnect, whoever ends it and however', async () => {
    const running = await sockets();
    const ends: [(socket: WebSocket) => void, object][] = [
      [(socket) => socket.close(4001, 'enough'), { disconnectStatusCode: 4001, disconnectReason: 'enough' }],
      [
        (socket) => socket.close(),
        { disconnectStatusCode: 1005, disconnectReason: 'Client-side close frame status not set' },
      ],
      [(socket) => socket.terminate(), { disconnectStatusCode: 1006, disconnectReason: '' }],
    ];
    for (const [index, [end, told]] of ends.entries()) {
      end((await open(running)).socket);
      await until('$disconnect', () => events(running, 'DISCONNECT').length > index);
      expect(events(running, 'DISCONNECT')[index]?.requestContext).toMatchObject({ ...told, routeKey: '$disconnect' });
    }
    const [connected, gone] = ['CONNECT', 'DISCONNECT'].map((type) =>
      events(running, type).map(({ requestContext }) => requestContext.connectionId),
    );
    expect(gone).toEqual(connected);
  });

  test('whose client has gone while $connect thought is told to $disconnect', async () => {
    const running = await sockets();
    const { hostname, port, host } = new URL(running.endpoints.sockets);
    const raw = connectTcp(Number(port), hostname);
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    raw.write(
      `GET /dev HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    await until('$connect runs', () => running.told('invocation-started').length > 0);
    raw.destroy();
    expect((await eventOf(running, 'DISCONNECT')).requestContext['disconnectStatusCode']).toBe(1006);
  });
});

describe('a message', () => {
  test('goes to the route that it names, any other to $default', async () => {
    const running = await sockets();
    const { socket } = await open(running);
    const bodies = [
      '{"action":"subscribe","run_id":"r1"}',
      '{"action":"nowhere"}',
      'no JSON',
      '{"action":"$connect"}',
      'null',
    ];
    for (const body of bodies) socket.send(body);
    await until('all have come', () => events(running, 'MESSAGE').length === bodies.length);
    const routed = events(running, 'MESSAGE').map(({ body, requestContext }) => [body, requestContext['routeKey']]);
    expect(Object.fromEntries(routed)).toEqual(
      Object.fromEntries(bodies.map((body, index) => [body, index === 0 ? 'subscribe' : '$default'])),
    );
    expect(events(running, 'MESSAGE')[0]).toEqual({
      requestContext: expect.objectContaining({ eventType: 'MESSAGE', messageId: id, requestId: id, stage: 'dev' }),
      body: expect.any(String),
      isBase64Encoded: false,
    });
  });

  test('whose function fails is answered so, and so is one without a route; the connection stays', async () => {
    const running = await sockets({ routes: { $connect: 'Front', throw: 'Front' } });
    const { socket, messages } = await open(running);
    socket.send('{"action":"nowhere"}');
    await until('an answer', () => messages.length === 1);
    expect(JSON.parse(messages[0] ?? '')).toEqual({ message: 'Forbidden', connectionId: id, requestId: id });
    const other = await sockets();
    const failing = await open(other);
    failing.socket.send('throw');
    await until('an answer', () => failing.messages.length === 1);
    expect(JSON.parse(failing.messages[0] ?? '')).toMatchObject({ message: 'Internal server error' });
    failing.socket.send('echo');
    await until('the next', () => failing.messages.includes('echoed'));
    // What the function returns is sent nowhere.
    expect(failing.messages).toHaveLength(2);
  });

  test('beyond what the stage lets through is answered so', async () => {
    const RouteSettings = { $default: { ThrottlingRateLimit: 0.001, ThrottlingBurstLimit: 1 } };
    const running = await sockets({ stage: { RouteSettings } });
    const { socket, messages } = await open(running);
    for (const text of ['one', 'two', 'three']) socket.send(text);
    await until('two are refused', () => messages.length === 2);
    expect(messages.map((text) => (JSON.parse(text) as { message: string }).message)).toEqual([
      'Too Many Requests',
      'Too Many Requests',
    ]);
    await running.idle();
    expect(events(running, 'MESSAGE').map(({ body }) => body)).toEqual(['one']);
  });

  test('of more than 128 KB, or of bytes, ends the connection', async () => {
    const running = await sockets();
    const large = await open(running);
    large.socket.send('x'.repeat(128 * 1024 + 1));
    expect((await large.closed).code).toBe(1009);
    const binary = await open(running);
    binary.socket.send(Buffer.from([1]));
    expect((await binary.closed).code).toBe(1003);
    const just = await open(running);
    just.socket.send('x'.repeat(128 * 1024));
    await eventOf(running, 'MESSAGE');
  });
});

describe('the management API', () => {
  test('sends, tells and ends, with a stage before its path or without', async () => {
    const running = await sockets();
    const { id: ConnectionId, api, messages, closed } = await managed(running);
    await api.send(new PostToConnectionCommand({ ConnectionId, Data: 'grüße' }));
    await management(running, '/dev').send(new PostToConnectionCommand({ ConnectionId, Data: 'x'.repeat(128 * 1024) }));
    await until('both have come', () => messages.length === 2);
    expect(messages.map((text) => text.slice(0, 5))).toEqual(['grüße', 'xxxxx']);
    const about = await api.send(new GetConnectionCommand({ ConnectionId }));
    expect(about).toMatchObject({ ConnectedAt: expect.any(Date), Identity: { SourceIp: '127.0.0.1' } });
    expect(about.LastActiveAt!.getTime()).toBeGreaterThanOrEqual(about.ConnectedAt!.getTime());
    await api.send(new DeleteConnectionCommand({ ConnectionId }));
    expect((await closed).code).toBe(1000);
    for (const Command of [GetConnectionCommand, DeleteConnectionCommand])
      await expect(api.send(new Command({ ConnectionId }))).rejects.toMatchObject({ name: 'GoneException' });
  });

  test('answers 410 for what is gone, 413 for what is too large, 400 for what is no connection', async () => {
    const running = await sockets();
    const { id: ConnectionId, api, socket } = await managed(running);
    const post = (to: string, Data: string) => api.send(new PostToConnectionCommand({ ConnectionId: to, Data }));
    await expect(post(ConnectionId, 'x'.repeat(128 * 1024 + 1))).rejects.toMatchObject({
      name: 'PayloadTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
    socket.terminate();
    await eventOf(running, 'DISCONNECT');
    await expect(post(ConnectionId, 'x')).rejects.toMatchObject({
      name: 'GoneException',
      $metadata: { httpStatusCode: 410 },
    });
    await expect(post('nobody', 'x')).rejects.toMatchObject({ name: 'BadRequestException' });
  });

  test('knows no connection before $connect has said yes', async () => {
    const running = await sockets();
    await open(running, '/dev?early=1');
    await until('the function was told', () => running.lines().includes('early 410'));
  });

  test('cuts off a client that does not read, and keeps nothing for it', async () => {
    const running = await sockets({ limits: { bufferedBytes: 256 * 1024 } });
    const { id: ConnectionId, api, socket } = await managed(running);
    socket.pause();
    const Data = 'x'.repeat(128 * 1024);
    // What the system's own buffers take is some megabytes.
    const flood = async (): Promise<void> => {
      for (let count = 0; count < 400; count += 1) await api.send(new PostToConnectionCommand({ ConnectionId, Data }));
    };
    await expect(flood()).rejects.toMatchObject({ name: 'GoneException' });
    expect((await eventOf(running, 'DISCONNECT')).requestContext['disconnectStatusCode']).toBe(1006);
    await expect(api.send(new GetConnectionCommand({ ConnectionId }))).rejects.toMatchObject({ name: 'GoneException' });
  });
});

describe('the time of a connection', () => {
  test('is over when nothing was said for long; what is said either way begins it anew', async () => {
    const running = await sockets({ limits: { idleMs: 400 } });
    const { id: ConnectionId, api, socket, closed } = await managed(running);
    const begunMs = Date.now();
    for (let count = 0; count < 3; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      if (count === 1) socket.send('still here');
      else await api.send(new PostToConnectionCommand({ ConnectionId, Data: 'still there' }));
    }
    expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(Date.now() - begunMs).toBeGreaterThan(1_100);
    expect((await eventOf(running, 'DISCONNECT')).requestContext).toMatchObject({
      disconnectStatusCode: 1001,
      disconnectReason: 'Going away',
    });
  });

  test('is over after its life, whatever is said', async () => {
    const running = await sockets({ limits: { lifeMs: 500 } });
    const { socket, closed } = await open(running);
    const talk = setInterval(() => socket.send('talk'), 100);
    expect((await closed).code).toBe(1001);
    clearInterval(talk);
  });
});

test('the plane is idle with connections that rest, and stops with them', async () => {
  const running = await sockets();
  const { socket, closed } = await open(running);
  socket.send('echo');
  await until('it has come', () => events(running, 'MESSAGE').length > 0);
  await running.idle();
  expect(running.lambdas.inFlight()).toBe(0);
  await running.stop();
  expect((await closed).code).toBe(1006);
  expect(events(running, 'DISCONNECT')).toEqual([]);
});
