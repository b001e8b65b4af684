/** Webhooks over HTTPS: signed, to public addresses alone, once, without following anybody anywhere. */
import type { LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Webhook } from 'standardwebhooks';
import { Failure } from '#core/errors.ts';
import type { Secrets, SecretVersions } from '#core/ports-secrets.ts';
import type { WebhookMessage, Webhooks } from '#core/ports-webhooks.ts';
import { publicAddresses, systemResolve, type Resolve } from './public-address.ts';

/** From the first look at the name to the status of the answer. */
const timeLimitMs = 10_000;
/** Nobody reads the answer; so much of it is taken in for the receiver's sake. */
const answerBytes = 4096;

export interface WebhookOptions {
  readonly secrets: Secrets;
  /** Of the local plane: loopback may be called, and without TLS. */
  readonly local: boolean;
  readonly resolve?: Resolve;
  readonly timeLimitMs?: number;
}

export function runtimeWebhooks(options: WebhookOptions): Webhooks {
  const { resolve = systemResolve, local } = options;
  return {
    async deliver(message) {
      const url = checkedUrl(message.url, local);
      const signal = AbortSignal.timeout(options.timeLimitMs ?? timeLimitMs);
      const headers = signed(message, await options.secrets.read(message.secret));
      const addresses = await before(signal, url, publicAddresses(url.hostname, { resolve, allowLoopback: local }));
      return { status: await post(url, { addresses, headers, body: message.body, signal }) };
    },
  };
}

/** @throws Failure CALLBACK_REFUSED */
function checkedUrl(text: string, local: boolean): URL {
  const refused = (why: string): Failure =>
    new Failure('CALLBACK_REFUSED', `the address of the callback ${why}: use https://HOST/PATH`);
  if (!URL.canParse(text)) throw refused('is none');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw refused('has a user or password in it');
  if (url.protocol === 'https:' || (local && url.protocol === 'http:')) return url;
  throw refused(`begins with ${url.protocol}`);
}

/** Signed with both versions while there are two, so that a receiver may change over in its own time. */
function signed({ id, secret, body }: WebhookMessage, { current, previous }: SecretVersions): Record<string, string> {
  // Receivers hold it against their own clock, to refuse what is replayed: the world's time, not the plane's.
  const at = new Date();
  const versions = previous === undefined ? [current] : [current, previous];
  try {
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': versions.map((key) => new Webhook(key).sign(id, at, body)).join(' '),
    };
  } catch {
    // What the library says of a key may quote it.
    throw new Failure(
      'CALLBACK_REFUSED',
      `the secret ${secret} cannot sign: it must be base64 of 24 to 64 bytes, best as whsec_...`,
    );
  }
}

interface Sending {
  readonly addresses: readonly LookupAddress[];
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** @throws Failure DEPENDENCY_UNAVAILABLE */
async function post(url: URL, { addresses, headers, body, signal }: Sending): Promise<number> {
  const options: RequestOptions = {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'alphaswarm-webhooks/1',
    },
    // No pool: a connection made for one address is not kept for another call.
    agent: false,
    signal,
    lookup: (_, { all }, found) => {
      const [first] = addresses;
      if (all === true || !first) found(null, [...addresses]);
      else found(null, first.address, first.family);
    },
  };
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  try {
    return await new Promise<number>((resolve, reject) => {
      let status: number | undefined;
      const sending = send(url, options, (response) => {
        status = response.statusCode ?? 0;
        takeIn(response, () => resolve(response.statusCode ?? 0));
      });
      // Once there is a status there is an answer, whatever becomes of the rest of it.
      sending.on('error', (failed) => (status === undefined ? reject(failed) : resolve(status)));
      sending.end(body);
    });
  } catch (cause) {
    throw unanswered(url, cause);
  }
}

/** Reads a little of the answer, for as long as there is time. */
function takeIn(response: IncomingMessage, done: () => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > answerBytes) response.destroy();
  });
  response.on('error', () => undefined);
  response.on('close', done);
}

/** The promise, or the end of the time there is. */
async function before<T>(signal: AbortSignal, url: URL, promise: Promise<T>): Promise<T> {
  const over = Promise.withResolvers<never>();
  const end = () => over.reject(unanswered(url, signal.reason));
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Its host alone is named: a path may be all that keeps strangers from a receiver. */
function unanswered(url: URL, cause: unknown): Failure {
  const { name, code = name } = cause as { name?: string; code?: string };
  const why = name === 'TimeoutError' || name === 'AbortError' ? 'in time' : `(${code})`;
  return new Failure('DEPENDENCY_UNAVAILABLE', `${url.host} did not answer ${why}: it is tried again`, { cause });
}
