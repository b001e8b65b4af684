// What an HTTP API answers to a client: of a function's result in payload format 2.0, or by itself.
import * as z from 'zod';
import type { InvocationResult } from '#local/lambda-environment.ts';

export interface HttpAnswer {
  status: number;
  headers: [name: string, value: string][];
  body: Buffer;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const resultSchema = z.object({
  statusCode: z.coerce.number().int().min(200).max(599),
  headers: z.record(z.string(), scalar).nullish(),
  cookies: z.array(z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/** Lambda gives no more than this back, in JSON. */
const LARGEST_RESULT_BYTES = 6 * 1024 * 1024 + 100;

/** The gateway's own words, `{"message": ...}`. */
export function ownAnswer(status: number, message: string): HttpAnswer {
  return {
    status,
    headers: [['content-type', 'application/json']],
    body: Buffer.from(JSON.stringify({ message })),
  };
}

export const internalError = (): HttpAnswer => ownAnswer(500, 'Internal Server Error');
export const unavailable = (): HttpAnswer => ownAnswer(503, 'Service Unavailable');

export function toHttpAnswer({ outcome, result }: InvocationResult): HttpAnswer {
  if (outcome !== 'success') return internalError();
  const text = JSON.stringify(result ?? null);
  if (Buffer.byteLength(text) > LARGEST_RESULT_BYTES) return internalError();
  if (typeof result === 'object' && result !== null && 'statusCode' in result) return fullAnswer(result);
  // Without a status the whole result is the body, and a text is it as it stands.
  const body = Buffer.from(typeof result === 'string' ? result : text);
  return { status: 200, headers: [['content-type', 'application/json']], body };
}

function fullAnswer(result: object): HttpAnswer {
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success) return internalError();
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const given = Object.entries(headers ?? {}).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const kept = given.filter(([name]) => !MADE_HERE.has(name));
  const set = (cookies ?? []).map((cookie): [string, string] => ['set-cookie', cookie]);
  if (![...kept, ...set].every(([name, value]) => isToken(name) && isValue(value))) return internalError();
  if (kept.every(([name]) => name !== 'content-type')) kept.push(['content-type', 'text/plain; charset=utf-8']);
  return {
    status: statusCode,
    headers: [...kept, ...set],
    body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  };
}

const MADE_HERE = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);
const isToken = (name: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(name);
// What Node's server, too, refuses to write.
const isValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
