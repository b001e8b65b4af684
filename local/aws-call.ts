// One call to the AWS front, and what is answered to it.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { LOOPBACK } from '#local/loopback.ts';

export interface Call {
  method: string;
  url: URL;
  /** `X-Amz-Target`, which names the operation in the JSON protocols. */
  target: string;
  body: string;
  /** The body as it came, where it is no text. */
  bytes: Buffer;
  /** Headers as they came, for whom the call is handed to. */
  headers: IncomingHttpHeaders;
  /** The service that the request is signed for. */
  service: string;
}

export interface Reply {
  status: number;
  /** Absent for an empty one. A text goes out as it stands, anything else as JSON. */
  body?: unknown;
  contentType?: string;
  /** The literal code of an error. */
  error?: string;
}

export async function readCall(request: IncomingMessage): Promise<Call> {
  const credential = /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '');
  const bytes = await buffer(request);
  return {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', `http://${LOOPBACK}`),
    target: String(request.headers['x-amz-target'] ?? ''),
    body: bytes.toString(),
    bytes,
    headers: request.headers,
    service: credential?.[1] ?? 'unsigned',
  };
}

/** An error in AWS's JSON. */
export function failure(status: number, code: string, message: string): Reply {
  return { status, error: code, body: { __type: code, message } };
}

/** Undefined for what is no JSON: the schema that reads it refuses that with a reason. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
