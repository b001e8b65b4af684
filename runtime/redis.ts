/**
 * One connection to Redis for a safety check.
 *
 * ioredis by default queues commands while it is away and retries them for as long as it takes: right for a cache,
 * wrong for a kill switch, whose answer must come within 250 ms or not at all. So nothing is queued, nothing is retried,
 * and reconnecting is ours: a fresh client, with a fresh IAM token where one is needed, at the first use after the old
 * one was lost, did not answer in time, turned out to be no primary any more, grew idle (a Lambda was frozen, and its
 * socket may be dead without knowing), or neared the 12 hours that ElastiCache lets an IAM connection live.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Failure } from '#core/errors.ts';
import type { Clock } from '#core/ports.ts';
import type { HostPort } from './environment.ts';

export const redisTimeouts = {
  commandMs: 250,
  connectMs: 1000,
  /** How long a socket that was closed may take to say goodbye before it is destroyed; ioredis allows 2 s. */
  disconnectMs: 50,
  idleMs: 30_000,
  oldestMs: 11 * 3600 * 1000,
} as const;

export interface RedisConnection {
  /**
   * Hands a connected client to `command` and resolves with its answer.
   *
   * @throws Failure DEPENDENCY_UNAVAILABLE: whatever goes wrong, connecting included, has gone wrong after `limitMs`, and
   *   a command that was not sent by then is not sent any more.
   */
  readonly ask: <T>(command: (client: Redis) => Promise<T>, limitMs?: number) => Promise<T>;
  /**
   * Waits for a connection, a second at most, and never throws. A question of 250 ms is too short to make one (TLS, a
   * token, a cold start), and a Lambda that is frozen in the middle of making one finds it dead when it thaws.
   */
  readonly ready: () => Promise<void>;
  /** Rises with each new connection, and with each that is lost. */
  readonly epoch: () => number;
  /** Drops the connection; the next use makes a new one. */
  readonly close: () => void;
}

export interface RedisOptions {
  readonly at: HostPort;
  readonly clock: Clock;
  /** Absent on the local plane: no TLS, no user. */
  readonly iam?: { readonly user: string; readonly token: () => Promise<string> };
}

export function redisConnection(options: RedisOptions): RedisConnection {
  const { clock } = options;
  let current: Promise<Redis> | undefined;
  let openedMs = 0;
  let usedMs = 0;
  let epoch = 0;

  // By identity: who gives up an old connection must not take a newer one down with it.
  const drop = (client: Promise<Redis> | undefined) => {
    if (client === undefined || current !== client) return;
    current = undefined;
    epoch += 1;
    client.then(
      (one) => one.disconnect(),
      () => undefined,
    );
  };
  const connect = (): Promise<Redis> => {
    epoch += 1;
    openedMs = clock.monotonicMs();
    const opening = openClient(options, () => drop(opening));
    current = opening;
    opening.catch(() => drop(opening));
    return opening;
  };
  const isWorn = (): boolean => {
    const nowMs = clock.monotonicMs();
    return nowMs - usedMs > redisTimeouts.idleMs || nowMs - openedMs > redisTimeouts.oldestMs;
  };

  const usable = (): Promise<Redis> => {
    if (isWorn()) drop(current);
    usedMs = clock.monotonicMs();
    return current ?? connect();
  };

  return {
    ask: (command, limitMs = redisTimeouts.commandMs) => {
      const opening = usable();
      return askOn(opening, command, { limitMs, onBroken: () => drop(opening) });
    },
    ready: async () => {
      await Promise.allSettled([usable()]);
    },
    epoch: () => epoch,
    close: () => drop(current),
  };
}

async function askOn<T>(
  opening: Promise<Redis>,
  command: (client: Redis) => Promise<T>,
  { limitMs, onBroken }: { limitMs: number; onBroken: () => void },
): Promise<T> {
  let sentMs = Number.POSITIVE_INFINITY;
  let givenUp = false;
  const answer = opening.then((client) => {
    if (givenUp) throw unavailable('the command was given up before it was sent');
    sentMs = performance.now();
    return command(client);
  });
  answer.catch((cause) => sentMs < Number.POSITIVE_INFINITY && isBroken(cause) && onBroken());
  try {
    return await before(limitMs, answer);
  } catch (cause) {
    givenUp = true;
    // A connection that had its 250 ms to answer is not trusted with the next question. One that is still being made, or
    // was ready only just now (TLS, a token, a cold start), is left alone: the next question finds it ready.
    if (cause instanceof Failure && performance.now() - sentMs > redisTimeouts.commandMs * 0.9) onBroken();
    throw cause instanceof Failure ? cause : unavailable(`Redis: ${reasonOf(cause)}`, cause);
  }
}

/** Connects, authenticates and waits until the server has loaded its data, all within `connectMs`. */
async function openClient({ at, iam }: RedisOptions, onLost: () => void): Promise<Redis> {
  const givenUp = new AbortController();
  let client: Redis | undefined;
  let refusal = '';
  const connecting = async (): Promise<Redis> => {
    const auth = iam ? { username: iam.user, password: await iam.token(), tls: { servername: at.host } } : {};
    givenUp.signal.throwIfAborted();
    client = new Redis({ ...at, ...auth, ...fixedOptions });
    // Each command reports its own failure; what is heard here alone is why a connection was refused.
    client.on('error', (error) => (refusal ||= refusalOf(error)));
    client.on('end', onLost);
    await client.connect();
    return client;
  };
  try {
    return await before(redisTimeouts.connectMs, connecting());
  } catch (cause) {
    givenUp.abort(cause);
    client?.disconnect();
    throw unavailable(`Redis at ${at.host}:${at.port} gave no connection: ${refusal || reasonOf(cause)}`, cause);
  }
}

const fixedOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  retryStrategy: () => null,
  reconnectOnError: () => false,
  commandTimeout: redisTimeouts.commandMs,
  connectTimeout: redisTimeouts.connectMs,
  disconnectTimeout: redisTimeouts.disconnectMs,
  enableReadyCheck: true,
  maxLoadingRetryTime: redisTimeouts.commandMs,
} as const;

/** `answer`, or a failure once `limitMs` have passed without it. */
async function before<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = wait(limitMs, undefined, { signal: over.signal }).then(() => {
    throw unavailable(`Redis has not answered within ${limitMs} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    answer.catch(() => undefined);
    late.catch(() => undefined);
    over.abort();
  }
}

/** An error reply leaves the connection whole, unless it says that this server is not the one to ask. */
const isBroken = (cause: unknown): boolean => !isReply(cause) || notTheOne.test(cause.message);
const notTheOne = /^(READONLY|MOVED|LOADING|MASTERDOWN|CLUSTERDOWN|NOAUTH)\b/;

/** An error that the server answered, as opposed to none at all. */
export const isReply = (cause: unknown): cause is Error => cause instanceof Error && cause.name === 'ReplyError';

/** Of a reply only its code: some servers repeat the command they refuse, and here that is the one with the password. */
const refusalOf = (error: Error): string =>
  error.name === 'ReplyError' ? (/^\w+/.exec(error.message)?.[0] ?? '') : error.message;

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
const unavailable = (message: string, cause?: unknown): Failure =>
  new Failure('DEPENDENCY_UNAVAILABLE', message, cause === undefined ? {} : { cause });
