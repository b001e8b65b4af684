import * as z from 'zod';
import { GatewayError, SettingsError, UnreachableError, VersionError } from './errors.ts';
import { realMeans, retryAfterMs, retrying, type RetryMeans } from './retry.ts';
import { checkVersion } from './version.ts';

/** What a token is wanted for: destructive routes want one of strong and recent authentication. */
export interface TokenWanted {
  readonly stepUp: boolean;
}
export type TokenSource = (wanted: TokenWanted) => Promise<string>;

/** One exchange, for whoever wants to see it. The token is handed over whole: showing it is the watcher's to refuse. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  /** Absent when nobody answered. */
  readonly status?: number;
  readonly tookMs: number;
  readonly token?: string;
}

export interface TransportOptions {
  readonly baseUrl: string;
  readonly token: TokenSource;
  /** For one try, its body included. 30 s when absent: longer than a long poll of 20 s. */
  readonly timeoutMs?: number | undefined;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
  readonly means?: RetryMeans | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  /** From the root of the gateway, its parameters filled in. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Routes for everybody are asked without a token. */
  readonly anonymous?: boolean;
  readonly stepUp?: boolean;
  /** The least to wait for one try, where the gateway is asked to wait itself. */
  readonly leastTimeoutMs?: number | undefined;
  /** Whether an answer that is no success is one all the same: `not ready` is what was asked for. */
  readonly accepts?: ((answer: Answer) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const defaultTimeoutMs = 30_000;

/**
 * Sends one call, and the same again while that may help.
 *
 * @throws GatewayError, UnreachableError, VersionError, what the token source throws, and the reason of an aborted signal.
 */
export type Send = (call: Call) => Promise<Answer>;

/** @throws SettingsError for an address that a token may not be sent to. */
export function transport(options: TransportOptions): Send {
  const baseUrl = checkedBase(options.baseUrl);
  const means = options.means ?? realMeans;
  return async (call) => {
    const token = call.anonymous ? undefined : await options.token({ stepUp: call.stepUp ?? false });
    const request = requestOf(baseUrl, call, token);
    return retrying(() => attempt({ ...options, baseUrl }, { call, request, token }), means, call.signal);
  };
}

/** Tokens travel over TLS or over loopback. @throws SettingsError */
export function checkedBase(text: string): string {
  if (!URL.canParse(text))
    throw new SettingsError(`${JSON.stringify(text)} is no address of a gateway: write https://host.`);
  const { protocol, hostname } = new URL(text);
  const secure = protocol === 'https:' || protocol === 'wss:';
  const loopback = ['localhost', '[::1]'].includes(hostname) || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  if (secure || (loopback && /^(?:http|ws):$/.test(protocol))) return text.replace(/\/+$/, '');
  throw new SettingsError(`${text} is neither https nor on this machine: a token sent there could be read on its way.`);
}

interface Prepared {
  readonly url: string;
  readonly init: RequestInit;
}

/** Made once and sent as often as need be: the same key and body each time. */
function requestOf(baseUrl: string, call: Call, token: string | undefined): Prepared {
  const url = new URL(`${baseUrl}${call.path}`);
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (call.method === 'POST') {
    headers['idempotency-key'] ??= crypto.randomUUID();
    headers['content-type'] = 'application/json';
  }
  const body = call.method === 'POST' ? { body: JSON.stringify(call.body ?? {}) } : {};
  // A redirect would carry the token to whoever it names.
  return { url: url.href, init: { method: call.method, headers, redirect: 'error', ...body } };
}

interface Attempt {
  readonly call: Call;
  readonly request: Prepared;
  readonly token: string | undefined;
}

async function attempt(options: TransportOptions, { call, request, token }: Attempt): Promise<Answer> {
  const startedMs = performance.now();
  const told = (status?: number) =>
    options.onExchange?.({
      method: call.method,
      url: request.url,
      tookMs: Math.round(performance.now() - startedMs),
      ...(status === undefined ? {} : { status }),
      ...(token === undefined ? {} : { token }),
    });
  const timeoutMs = Math.max(options.timeoutMs ?? defaultTimeoutMs, call.leastTimeoutMs ?? 0);
  const patience = AbortSignal.timeout(timeoutMs);
  const signal = call.signal ? AbortSignal.any([call.signal, patience]) : patience;
  try {
    const response = await fetch(request.url, { ...request.init, signal });
    const text = await response.text();
    told(response.status);
    return answerOf(response, text, { baseUrl: options.baseUrl, accepts: call.accepts });
  } catch (error) {
    if (isOurs(error)) throw error;
    told();
    if (call.signal?.aborted) throw call.signal.reason;
    throw unreachable(error, { baseUrl: options.baseUrl, timeoutMs, late: patience.aborted });
  }
}

const isOurs = (error: unknown): boolean => error instanceof GatewayError || error instanceof VersionError;

interface Expected extends Pick<Call, 'accepts'> {
  readonly baseUrl: string;
}

function answerOf({ status, headers, ok }: Response, text: string, { baseUrl, accepts }: Expected): Answer {
  checkVersion(headers, baseUrl);
  const body = parsed(text);
  if (!ok && !accepts?.({ status, headers, body })) throw errorOf({ status, headers, body }, text);
  if (body === undefined && text !== '')
    throw new VersionError(
      `What answers at ${baseUrl} is no gateway of AlphaSwarm: its answer is no JSON. Look at the profile's address.`,
    );
  return { status, headers, body };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Pages of proxies and empty answers: the status has to speak for itself.
    return undefined;
  }
}

const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).default([]),
});
/** API Gateway itself answers so, for a route that it does not have or a function that did not answer. */
const plainSchema = z.object({ message: z.string() });

function errorOf({ status, headers, body }: Answer, text: string): GatewayError {
  const waits = { status, retryAfterMs: retryAfterMs(headers.get('retry-after'), Date.now()) };
  const problem = problemSchema.safeParse(body);
  if (problem.success) return new GatewayError({ ...waits, ...problem.data });
  const said = plainSchema.safeParse(body).data?.message ?? text.slice(0, 200).trim();
  return new GatewayError({
    ...waits,
    code: `HTTP_${status}`,
    detail: `HTTP ${status}${said && `: ${said}`}`,
    issues: [],
  });
}

/** What passes: nobody listens just now, or hung up. A name that does not exist or a wrong certificate stays so. */
const passingCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function unreachable(
  error: unknown,
  { baseUrl, timeoutMs, late }: { baseUrl: string; timeoutMs: number; late: boolean },
): UnreachableError {
  if (late) {
    const message = `The gateway at ${baseUrl} did not answer within ${timeoutMs / 1000} s. What was asked for may have been done all the same: look before you ask again.`;
    return new UnreachableError(message, { passing: false, cause: error });
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  const why = code || (cause instanceof Error ? cause.message : String(cause));
  return new UnreachableError(`The gateway at ${baseUrl} cannot be reached (${why}).`, {
    passing: passingCodes.has(code),
    cause: error,
  });
}
