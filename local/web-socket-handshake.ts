// What a WebSocket API looks at before it asks $connect, and how it refuses.
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as z from 'zod';
import type { ApiSpec } from '#local/api-resources.ts';
import { splitTarget } from '#local/http-event.ts';
import type { InvocationResult } from '#local/lambda-environment.ts';
import { isLoopbackHost } from '#local/loopback.ts';

/** A refusal before there is a connection: the status of the handshake. */
export interface Refusal {
  status: number;
  message: string;
}

const forbidden: Refusal = { status: 403, message: 'Forbidden' };

/** Undefined for a handshake of RFC 6455 that is meant for this API. */
export function refusalOf(request: IncomingMessage, api: ApiSpec): Refusal | undefined {
  if (!isForThisMachine(request) || !leadsTo(api, request)) return forbidden;
  return isHandshake(request) ? undefined : { status: 400, message: 'Bad Request' };
}

/** A page in the developer's browser may make its own name lead here. */
function isForThisMachine({ headers }: IncomingMessage): boolean {
  const url = `http://${headers.host ?? ''}`;
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname);
}

/** The stage may be left out here, where there is but one. */
function leadsTo(api: ApiSpec, { url = '/' }: IncomingMessage): boolean {
  const [, stage = '', ...more] = splitTarget(url).path.split('/');
  return (stage === api.stage || stage === '') && more.every((part) => part === '');
}

const isHandshake = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  headers['sec-websocket-version'] === '13' &&
  /^[+/\w]{22}==$/.test(headers['sec-websocket-key'] ?? '');

interface Acceptance {
  /** The subprotocol that is echoed. */
  protocol: string | undefined;
}

const answerSchema = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), z.coerce.string()).nullish(),
});

/** What $connect's answer means. */
export function decisionOf({ outcome, result }: Pick<InvocationResult, 'outcome' | 'result'>): Refusal | Acceptance {
  const parsed = answerSchema.safeParse(result);
  if (outcome !== 'success' || !parsed.success) return { status: 502, message: 'Internal server error' };
  const { statusCode: status, headers } = parsed.data;
  if (status < 200 || status > 299) return { status, message: STATUS_CODES[status] ?? 'Refused' };
  const named = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'sec-websocket-protocol');
  return { protocol: named?.[1] };
}

/** Answers a handshake in HTTP and ends it. */
export function refuse(socket: Duplex, { status, message }: Refusal, ids: Record<string, string> = {}): void {
  const body = JSON.stringify({ message, ...ids });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
