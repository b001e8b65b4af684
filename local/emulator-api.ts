// Hands a call that the front does not answer to an emulator, as it came, and its answer back.
import type { ServerResponse } from 'node:http';
import type { Call } from '#local/aws-call.ts';

export interface Emulator {
  url: string;
  /** Hears of each call that the emulator has answered well. */
  onAnswered?(call: { target: string; body: string }): void;
}

/** Of one connection, or made anew by fetch. */
const hopByHop = new Set(['connection', 'content-length', 'expect', 'host', 'keep-alive', 'transfer-encoding']);

/** Rejects when the emulator does not answer at all. */
export async function handOver(call: Call, response: ServerResponse, emulator: Emulator): Promise<void> {
  const headers = Object.entries(call.headers).filter(([name, value]) => value !== undefined && !hopByHop.has(name));
  const answer = await fetch(new URL(`${call.url.pathname}${call.url.search}`, emulator.url), {
    method: call.method,
    headers: headers.map(([name, value]) => [name, String(value)]),
    ...(call.bytes.length > 0 && { body: new Uint8Array(call.bytes) }),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.ok) emulator.onAnswered?.(call);
  const own = [...answer.headers].filter(([name]) => !hopByHop.has(name) && name !== 'content-encoding');
  response.writeHead(answer.status, Object.fromEntries(own));
  response.end(body);
}
