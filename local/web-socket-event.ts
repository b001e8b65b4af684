// The events that a WebSocket API makes of a connection, its messages and its end, field by field as AWS sends them.
import type { IncomingMessage } from 'node:http';
import { gatewayId, logTime, splitTarget, traceId } from '#local/http-event.ts';

export interface Caller {
  connectionId: string;
  connectedAtMs: number;
  sourceIp: string;
  userAgent: string;
  domainName: string;
}

interface EventContext {
  api: { id: string; stage: string };
  caller: Caller;
  routeKey: string;
  nowMs: number;
}

export interface WebSocketEvent {
  requestContext: Record<string, unknown> & { requestId: string; connectionId: string };
  isBase64Encoded: false;
  [field: string]: unknown;
}

export function connectEvent(request: IncomingMessage, port: number, context: EventContext): WebSocketEvent {
  const named = new Map<string, string[]>();
  for (const [name, value] of headerPairs(request, port, context.caller))
    named.set(name, [...(named.get(name) ?? []), value]);
  const { query } = splitTarget(request.url ?? '/');
  return {
    headers: lastOf(named),
    multiValueHeaders: Object.fromEntries(named),
    ...queryParameters(query),
    requestContext: requestContext('CONNECT', context),
    isBase64Encoded: false,
  };
}

export function messageEvent(body: string, context: EventContext): WebSocketEvent {
  return {
    requestContext: { ...requestContext('MESSAGE', context), messageId: gatewayId() },
    body,
    isBase64Encoded: false,
  };
}

export function disconnectEvent(
  { code, reason }: { code: number; reason: string },
  context: EventContext,
): WebSocketEvent {
  const headers = { Host: context.caller.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' };
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    requestContext: {
      ...requestContext('DISCONNECT', context),
      disconnectStatusCode: code,
      disconnectReason: reason === '' && code === 1005 ? 'Client-side close frame status not set' : reason,
    },
    isBase64Encoded: false,
  };
}

function requestContext(eventType: string, { api, caller, routeKey, nowMs }: EventContext) {
  const { connectionId, connectedAtMs, sourceIp, userAgent, domainName } = caller;
  const requestId = gatewayId();
  return {
    routeKey,
    eventType,
    extendedRequestId: requestId,
    requestTime: logTime(nowMs),
    messageDirection: 'IN',
    stage: api.stage,
    connectedAt: connectedAtMs,
    requestTimeEpoch: nowMs,
    identity: { userAgent, sourceIp },
    requestId,
    domainName,
    connectionId,
    apiId: api.id,
  };
}

/** Names as the client wrote them: only an HTTP API makes them small. */
function headerPairs({ rawHeaders }: IncomingMessage, port: number, caller: Caller): [string, string][] {
  const pairs = rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 && !/^(?:connection|upgrade)$/i.test(name) ? [[name, rawHeaders[index + 1] ?? '']] : [],
  );
  return [
    ...pairs,
    ['X-Amzn-Trace-Id', traceId()],
    ['X-Forwarded-For', caller.sourceIp],
    ['X-Forwarded-Port', String(port)],
    ['X-Forwarded-Proto', 'http'],
  ];
}

function queryParameters(query: string): object {
  if (query === '') return {};
  const given = new URLSearchParams(query);
  const named = new Map([...given.keys()].map((name) => [name, given.getAll(name)]));
  return { queryStringParameters: lastOf(named), multiValueQueryStringParameters: Object.fromEntries(named) };
}

const lastOf = (named: ReadonlyMap<string, string[]>): Record<string, string> =>
  Object.fromEntries([...named].map(([name, values]) => [name, values.at(-1) ?? '']));
