// The WebSocket API of the template on a port of 127.0.0.1. A connection stands once $connect has said yes; each message is
// an invocation of its own, beside the others; $disconnect hears of every end but the plane's own.
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ApiSpec, RouteSpec } from '#local/api-resources.ts';
import type { Backplane } from '#local/backplane.ts';
import { messageOf } from '#local/errors.ts';
import { gatewayId } from '#local/http-event.ts';
import type { InvocationResult } from '#local/lambda-environment.ts';
import { listenOnLoopback, LOOPBACK } from '#local/loopback.ts';
import type { Emit } from '#local/plane-event.ts';
import { createThrottle } from '#local/throttle.ts';
import { openConnection, SOCKET_LIMITS, type Connection, type SocketLimits } from '#local/web-socket-connection.ts';
import {
  connectEvent,
  disconnectEvent,
  messageEvent,
  type Caller,
  type WebSocketEvent,
} from '#local/web-socket-event.ts';
import { decisionOf, refusalOf, refuse } from '#local/web-socket-handshake.ts';

export interface WebSocketApi {
  url: string;
  /** From now on connections are taken; without an API every one is refused. */
  open(api: ApiSpec | undefined, invoke: Backplane['invoke']): void;
  /** Those that stand, by their ids. */
  connections: ReadonlyMap<string, Connection>;
  /** Invocations for connections that are under way. */
  pending(): number;
  /** Ends every connection. Safe to call twice. */
  stop(): Promise<void>;
}

interface WebSocketApiOptions {
  port: number | undefined;
  nowMs: () => number;
  emit: Emit;
  limits?: Partial<SocketLimits> | undefined;
}

interface Handshake {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

interface Contents {
  api: ApiSpec;
  invoke: Backplane['invoke'];
}

/** Starts it on 127.0.0.1. Throws PORT_TAKEN. */
export async function startWebSocketApi(options: WebSocketApiOptions): Promise<WebSocketApi> {
  const door = new SocketDoor(options);
  await door.listen();
  return door;
}

class SocketDoor implements WebSocketApi {
  url = '';
  readonly connections = new Map<string, Connection>();
  readonly #options: WebSocketApiOptions;
  readonly #limits: SocketLimits;
  readonly #server: Server;
  readonly #handshakes: WebSocketServer;
  /** The subprotocol that $connect chose for a handshake. */
  readonly #protocols = new WeakMap<IncomingMessage, string>();
  /** Every socket that was upgraded, until it is over. */
  readonly #open = new Set<Connection>();
  readonly #mayPass = createThrottle();
  #port = 0;
  #pending = 0;
  #stopped = false;
  #contents: Contents | undefined;

  constructor(options: WebSocketApiOptions) {
    this.#options = options;
    this.#limits = { ...SOCKET_LIMITS, ...options.limits };
    this.#handshakes = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: this.#limits.messageBytes,
      handleProtocols: (_offered, request) => this.#protocols.get(request) ?? false,
    });
    this.#server = createServer((_request, response) => {
      response.writeHead(426, { 'content-type': 'application/json', upgrade: 'websocket' });
      response.end(JSON.stringify({ message: STATUS_CODES[426] }));
    });
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  async listen(): Promise<void> {
    this.#port = await listenOnLoopback(this.#server, { what: 'The WebSocket API', port: this.#options.port });
    this.url = `ws://${LOOPBACK}:${this.#port}`;
  }

  open(api: ApiSpec | undefined, invoke: Backplane['invoke']): void {
    if (api) this.#contents = { api, invoke };
  }

  pending(): number {
    return this.#pending;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    for (const connection of this.#open) connection.terminate();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Nobody else listens while $connect thinks.
    socket.on('error', () => socket.destroy());
    const contents = this.#contents;
    if (!contents) return refuse(socket, { status: 503, message: 'Service Unavailable' });
    const refusal = refusalOf(request, contents.api);
    if (refusal) return refuse(socket, refusal);
    await this.#connect({ request, socket, head }, contents);
  }

  async #connect({ request, socket, head }: Handshake, contents: Contents): Promise<void> {
    const caller = this.#callerOf(request);
    const event = connectEvent(request, this.#port, this.#context(contents, caller, '$connect'));
    const decision = await this.#ask(contents, event);
    if ('status' in decision) return refuse(socket, decision, idsOf(event));
    if (this.#stopped) return void socket.destroy();
    if (decision.protocol !== undefined) this.#protocols.set(request, decision.protocol);
    // The client may have gone while $connect thought, and what $connect has made is to be undone.
    if (!socket.readable || !socket.writable) {
      // Half of it may still be open, and would keep the port.
      socket.destroy();
      return this.#left(contents, caller, { code: 1006, reason: '' });
    }
    this.#handshakes.handleUpgrade(request, socket, head, (opened) => this.#accept(contents, caller, opened));
  }

  /** Without a route for it every connection is taken. */
  async #ask(contents: Contents, event: WebSocketEvent): Promise<ReturnType<typeof decisionOf>> {
    const route = routeNamed(contents.api, '$connect');
    if (!route) return { protocol: undefined };
    if (!this.#mayPass(route)) return { status: 429, message: 'Too Many Requests' };
    return decisionOf(await this.#invoke(contents, route, event));
  }

  #callerOf({ headers, socket }: IncomingMessage): Caller {
    return {
      connectionId: gatewayId(),
      connectedAtMs: this.#options.nowMs(),
      sourceIp: socket.remoteAddress ?? LOOPBACK,
      userAgent: headers['user-agent'] ?? '',
      domainName: headers.host ?? '',
    };
  }

  #context({ api }: Contents, caller: Caller, routeKey: string) {
    return { api, caller, routeKey, nowMs: this.#options.nowMs() };
  }

  #accept(contents: Contents, caller: Caller, socket: WebSocket): void {
    const connection = openConnection({
      socket,
      caller,
      limits: this.#limits,
      nowMs: this.#options.nowMs,
      onMessage: (text) => void this.#message(contents, connection, text),
      onGone: () => this.connections.delete(caller.connectionId),
      onEnd: (ending) => {
        this.#open.delete(connection);
        this.#left(contents, caller, ending);
      },
    });
    this.#open.add(connection);
    this.connections.set(caller.connectionId, connection);
  }

  async #message(contents: Contents, connection: Connection, text: string): Promise<void> {
    const route = routeNamed(contents.api, routeKeyOf(contents.api, text)) ?? routeNamed(contents.api, '$default');
    const event = messageEvent(text, this.#context(contents, connection.caller, route?.key ?? '$default'));
    const tell = (message: string): void => void connection.send(JSON.stringify({ message, ...idsOf(event) }));
    if (!route) return tell('Forbidden');
    if (!this.#mayPass(route)) return tell('Too Many Requests');
    const { outcome } = await this.#invoke(contents, route, event);
    if (outcome !== 'success') tell('Internal server error');
  }

  #left(contents: Contents, caller: Caller, ending: { code: number; reason: string }): void {
    const route = routeNamed(contents.api, '$disconnect');
    if (!route || this.#stopped) return;
    void this.#invoke(contents, route, disconnectEvent(ending, this.#context(contents, caller, '$disconnect')));
  }

  /** Never rejects; a function that is late goes on, and only the gateway gives up. */
  async #invoke(
    { invoke }: Contents,
    route: RouteSpec,
    event: WebSocketEvent,
  ): Promise<Pick<InvocationResult, 'outcome' | 'result'>> {
    const over = new AbortController();
    const late = sleep(route.timeoutMs, { outcome: 'timeout' as const }, { ref: false, signal: over.signal });
    late.catch(() => {});
    this.#pending += 1;
    const ran = invoke(route.functionName, event)
      .catch((error: unknown) => {
        if (!this.#stopped) this.#options.emit({ type: 'error', where: 'WebSocket API', message: messageOf(error) });
        return { outcome: 'error' as const };
      })
      .finally(() => {
        this.#pending -= 1;
        over.abort();
      });
    return Promise.race([ran, late]);
  }
}

const idsOf = ({ requestContext: { connectionId, requestId } }: WebSocketEvent) => ({ connectionId, requestId });

const routeNamed = ({ routes }: ApiSpec, key: string | undefined): RouteSpec | undefined =>
  routes.find((route) => route.key === key);

/** What the message itself names; undefined where it names nothing. */
function routeKeyOf({ routeSelection }: ApiSpec, text: string): string | undefined {
  if (routeSelection === undefined) return undefined;
  try {
    const key = (JSON.parse(text) as Record<string, unknown> | null)?.[routeSelection];
    // The names of the gateway's own events are nobody's to say.
    return typeof key === 'string' && !key.startsWith('$') ? key : undefined;
  } catch {
    // Not JSON: the default route's.
    return undefined;
  }
}
