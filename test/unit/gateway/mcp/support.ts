// The tools' door over twins, behind a real HTTP server, and the SDK's own client that calls it.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { onTestFinished } from 'vitest';
import type { Caller } from '#gateway/caller.ts';
import { badToken, noToken } from '#gateway/identity/challenge.ts';
import { createMcpApp, type McpOptions } from '#gateway/mcp/app.ts';
import type { GatewayPorts } from '#gateway/ports.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { memoryLinks, memoryRate, memorySchedules } from '#memory/gateway.ts';
import { memoryPlane } from '#memory/plane.ts';
import { people, realNowMs, type Who } from '#test/unit/gateway/support.ts';

export const issuers = ['https://login.example/tenant/v2.0', 'https://acme.auth0.example/'];

/** As the real one refuses: by a challenge, with words for what is wrong. */
const identity: McpOptions['identity'] = {
  async caller(authorization): Promise<Caller> {
    const who = authorization?.replace(/^Bearer /, '') ?? '';
    if (who === '') throw noToken('There is no token: send one as a Bearer token in the header Authorization');
    if (Object.hasOwn(people, who)) return people[who as Who];
    throw badToken('The token has expired: obtain a new one');
  },
  ready: async () => [{ name: 'test', ok: true }],
};

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Answers are looked into deeply, and a wrong path fails the test all the same.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}
interface Raw {
  /** A token: a name of the people, or whatever it is. */
  readonly as?: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

export async function mcpDoor(over: { ports?: Partial<GatewayPorts>; options?: Partial<McpOptions> } = {}) {
  const plane = memoryPlane();
  const rate = memoryRate(plane.clock);
  const ports = {
    ...plane,
    auditLog: memoryAuditLog(),
    links: memoryLinks(plane.clock),
    rate,
    schedules: memorySchedules(),
    ...over.ports,
  };
  const app = createMcpApp(ports, { door: 'mcp', identity, realNowMs: () => realNowMs, issuers, ...over.options });
  const url = await served((request) =>
    app.fetch(request, { requestContext: { requestId: 'request-1', http: { sourceIp: '192.0.2.7' } } }),
  );

  /** A client that has shaken hands already. */
  async function client(who: Who): Promise<Client> {
    const made = new Client({ name: 'test', version: '1' });
    const headers = { authorization: `Bearer ${who}` };
    await made.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
    onTestFinished(() => made.close());
    return made;
  }
  /** What a tool says to somebody: as much of it as tests look at. */
  async function call(who: Who, name: string, given: Record<string, unknown> = {}) {
    const {
      isError = false,
      content,
      structuredContent,
    } = await (await client(who)).callTool({ name, arguments: given });
    const [{ text = '' } = {}] = content as { text?: string }[];
    // oxlint-disable-next-line typescript/no-explicit-any
    return { isError, text, said: structuredContent as any };
  }
  /** A request as anybody may send it. */
  async function send({ as, method = 'POST', path = '/mcp', body, headers = {} }: Raw): Promise<Sent> {
    const response = await fetch(url + path, {
      method,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(as ? { authorization: `Bearer ${as}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }
  return { url, plane, ports, rate, client, call, send };
}

/** A message as it stands in a body; without an id it is a notification, which nobody answers. */
export const message = (method: string, params: Record<string, unknown> = {}, id: number | null = 1): string =>
  JSON.stringify({ jsonrpc: '2.0', ...(id === null ? {} : { id }), method, params });

/** Serves on loopback until the test is over; resolves with the address. */
async function served(answer: (request: Request) => Response | Promise<Response>): Promise<string> {
  let url = '';
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const response = await answer(await asRequest(incoming, url));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return url;
}

async function asRequest(incoming: IncomingMessage, url: string): Promise<Request> {
  const parts: Buffer[] = [];
  for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
  const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const { method = 'GET', url: target = '/' } = incoming;
  return new Request(url + target, { method, headers, ...(parts.length > 0 ? { body: Buffer.concat(parts) } : {}) });
}
