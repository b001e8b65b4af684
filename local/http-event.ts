// The event that an HTTP API makes of a request, payload format 2.0, field by field as AWS sends it.
import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';

export interface HttpRequest {
  method: string;
  /** Path and query as they came. */
  target: string;
  /** Names and values in turn, as Node gives them. */
  rawHeaders: readonly string[];
  body: Buffer;
  sourceIp: string;
  port: number;
}

interface EventContext {
  api: { id: string; stage: string };
  routeKey: string;
  pathParameters?: Record<string, string>;
  requestId: string;
  nowMs: number;
}

/** What AWS hands over as text; the rest is base64, even forms and bodies without a type (measured on AWS by others). */
const TEXT = /^(?:text\/[^;]+|application\/(?:json|xml|javascript))\s*(?:;|$)/i;

/** Throws URIError for a path that is not escaped well. */
export function toHttpEvent(request: HttpRequest, context: EventContext): APIGatewayProxyEventV2 {
  const { path, query } = splitTarget(request.target);
  const { headers, cookies } = joinHeaders(request);
  const { api, routeKey, pathParameters, requestId, nowMs } = context;
  // AWS gives the path decoded, and ends it at a question mark that was escaped.
  const rawPath = decodeURIComponent(path).split('?')[0] ?? '';
  const domainName = headers['host'] ?? '';
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...queryParameters(query),
    requestContext: {
      accountId: LOCAL_ACCOUNT_ID,
      apiId: api.id,
      domainName,
      domainPrefix: domainName.split('.')[0] ?? '',
      http: {
        method: request.method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey,
      stage: api.stage,
      time: logTime(nowMs),
      timeEpoch: nowMs,
    },
    ...(pathParameters && { pathParameters }),
    ...bodyOf(request.body, headers['content-type']),
  };
}

export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

/** Names in lower case, values of one name joined with commas; cookies apart; and what the gateway itself adds. */
function joinHeaders({ rawHeaders, sourceIp, port }: HttpRequest): {
  headers: Record<string, string>;
  cookies: string[];
} {
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name, value] = [(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? ''];
    if (name === 'cookie') cookies.push(...value.split(/;\s*/).filter((cookie) => cookie !== ''));
    else if (!HOP_BY_HOP.has(name)) headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  const before = headers['x-forwarded-for'];
  headers['x-amzn-trace-id'] ??= traceId();
  headers['x-forwarded-for'] = before === undefined ? sourceIp : `${before}, ${sourceIp}`;
  headers['x-forwarded-port'] = String(port);
  headers['x-forwarded-proto'] = 'http';
  return { headers, cookies };
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade']);

export const traceId = (): string =>
  `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;

/** An id as the gateway makes them for requests, messages and connections. */
export const gatewayId = (): string => `${randomBytes(11).toString('base64url')}=`;

function queryParameters(query: string): { queryStringParameters?: Record<string, string> } {
  if (query === '') return {};
  const joined: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query))
    joined[name] = Object.hasOwn(joined, name) ? `${joined[name]},${value}` : value;
  return { queryStringParameters: joined };
}

function bodyOf(body: Buffer, type: string | undefined): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = type !== undefined && TEXT.test(type);
  return { body: body.toString(isText ? 'utf8' : 'base64'), isBase64Encoded: !isText };
}

/** `12/Mar/2020:19:03:58 +0000` */
export function logTime(atMs: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(new Date(atMs).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
