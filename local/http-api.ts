// The HTTP API of the template on a port of 127.0.0.1: API Gateway in front of functions, with its events, answers and
// limits. It listens before there is a template, whose functions need its address; until `open` it is unavailable.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiSpec, RouteSpec } from '#local/api-resources.ts';
import type { Backplane } from '#local/backplane.ts';
import { messageOf } from '#local/errors.ts';
import { internalError, ownAnswer, toHttpAnswer, unavailable, type HttpAnswer } from '#local/http-answer.ts';
import { gatewayId, splitTarget, toHttpEvent, type HttpRequest } from '#local/http-event.ts';
import { matchRoute, type RouteMatch } from '#local/http-routes.ts';
import { isLoopbackHost, listenOnLoopback, LOOPBACK } from '#local/loopback.ts';
import type { Emit } from '#local/plane-event.ts';
import { createThrottle } from '#local/throttle.ts';

export interface HttpApi {
  url: string;
  /** From now on requests are answered; without an API every one is not found. */
  open(api: ApiSpec | undefined, invoke: Backplane['invoke']): void;
  /** Requests that have come and are not answered. */
  pending(): number;
  /** Ends every connection. Safe to call twice. */
  stop(): Promise<void>;
}

interface HttpApiOptions {
  port: number | undefined;
  nowMs: () => number;
  emit: Emit;
}

const LARGEST_BODY_BYTES = 10 * 1024 * 1024;
const LONGEST_PATIENCE_BYTES = 10 * LARGEST_BODY_BYTES;
/** Lambda takes no more than this, in JSON. */
const LARGEST_EVENT_BYTES = 6 * 1024 * 1024;
/** Of the request line and the values of all headers. */
const LARGEST_HEADERS_BYTES = 10_240;
/** Node's own limit stands well beyond, so that ours answers. */
const NODE_HEADERS_BYTES = 64 * 1024;

/** Starts it on 127.0.0.1. Throws PORT_TAKEN. */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const door = new HttpDoor(options);
  await door.listen();
  return door;
}

class HttpDoor implements HttpApi {
  url = '';
  readonly #options: HttpApiOptions;
  readonly #server: Server;
  readonly #mayPass = createThrottle();
  #port = 0;
  #pending = 0;
  #contents: { api: ApiSpec | undefined; invoke: Backplane['invoke'] } | undefined;

  constructor(options: HttpApiOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: NODE_HEADERS_BYTES }, (request, response) => {
      void this.#serve(request, response);
    });
  }

  async listen(): Promise<void> {
    this.#port = await listenOnLoopback(this.#server, { what: 'The HTTP API', port: this.#options.port });
    this.url = `http://${LOOPBACK}:${this.#port}`;
  }

  open(api: ApiSpec | undefined, invoke: Backplane['invoke']): void {
    this.#contents = { api, invoke };
  }

  pending(): number {
    return this.#pending;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = gatewayId();
    this.#pending += 1;
    try {
      write(response, requestId, await this.#answer(request, requestId));
    } catch (error) {
      // A client that went away in the middle of its body is nobody's error.
      if (request.errored) return;
      this.#options.emit({ type: 'error', where: 'HTTP API', message: messageOf(error) });
      write(response, requestId, internalError());
    } finally {
      this.#pending -= 1;
    }
  }

  async #answer(request: IncomingMessage, requestId: string): Promise<HttpAnswer> {
    if (!this.#contents) return unavailable();
    // A page in the developer's browser may make its own name lead here.
    if (!isLoopbackHost(hostNameOf(request))) return ownAnswer(403, 'Forbidden');
    if (headerBytes(request) > LARGEST_HEADERS_BYTES) return ownAnswer(431, 'Request Header Fields Too Large');
    const body = await bodyOf(request);
    if (!body) return ownAnswer(413, 'Request Entity Too Large');
    const { api, invoke } = this.#contents;
    const found = api && routeOf(api, request);
    if (found === 'bad') return ownAnswer(400, 'Bad Request');
    if (!found) return ownAnswer(404, 'Not Found');
    if (!this.#mayPass(found.route)) return ownAnswer(429, 'Too Many Requests');
    const { route, ...variables } = found;
    const event = toHttpEvent(this.#plain(request, body), {
      api,
      routeKey: route.key,
      ...variables,
      requestId,
      nowMs: this.#options.nowMs(),
    });
    if (Buffer.byteLength(JSON.stringify(event)) > LARGEST_EVENT_BYTES)
      return ownAnswer(413, 'Request Entity Too Large');
    return this.#integrate(route, () => invoke(route.functionName, event));
  }

  /** The function goes on after its time: only the client is told. */
  async #integrate(route: RouteSpec, invoke: () => ReturnType<Backplane['invoke']>): Promise<HttpAnswer> {
    const over = new AbortController();
    const late = sleep(route.timeoutMs, unavailable(), { ref: false, signal: over.signal });
    // Aborted when the function was in time.
    late.catch(() => {});
    const answered = invoke().then(toHttpAnswer);
    answered.catch(() => {});
    return Promise.race([answered, late]).finally(() => over.abort());
  }

  #plain({ method = 'GET', url = '/', rawHeaders, socket }: IncomingMessage, body: Buffer): HttpRequest {
    const sourceIp = socket.remoteAddress ?? LOOPBACK;
    return { method, target: url, rawHeaders, body, sourceIp, port: this.#port };
  }
}

function routeOf(
  { stage, routes }: ApiSpec,
  { method = 'GET', url = '/' }: IncomingMessage,
): RouteMatch<RouteSpec> | 'bad' | undefined {
  const { path } = splitTarget(url);
  const prefix = stage === '$default' ? '' : `/${stage}`;
  if (!path.startsWith(`${prefix}/`) && path !== prefix) return undefined;
  try {
    return matchRoute(routes, method, path.slice(prefix.length) || '/');
  } catch (error) {
    if (error instanceof URIError) return 'bad';
    throw error;
  }
}

function hostNameOf({ headers }: IncomingMessage): string {
  const url = `http://${headers.host ?? ''}`;
  return URL.canParse(url) ? new URL(url).hostname : '';
}

function headerBytes({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): number {
  const line = `${method} ${url} HTTP/${httpVersion}`;
  const values = rawHeaders.filter((_, index) => index % 2 === 1);
  return [line, ...values].reduce((sum, text) => sum + Buffer.byteLength(text, 'latin1'), 0);
}

/** Undefined when it is too large; then the rest is read and thrown away, or the client would never see the answer. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > LONGEST_PATIENCE_BYTES) return undefined;
    if (bytes > LARGEST_BODY_BYTES) parts = [];
    else parts.push(part);
  }
  return bytes > LARGEST_BODY_BYTES ? undefined : Buffer.concat(parts);
}

function write(response: ServerResponse, requestId: string, { status, headers, body }: HttpAnswer): void {
  if (response.destroyed) return;
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.setHeader('apigw-requestid', requestId);
  if (status === 204 || status === 304) {
    response.writeHead(status).end();
    return;
  }
  response.writeHead(status, { 'content-length': body.length }).end(body);
}
