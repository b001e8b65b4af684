/**
 * One connection to Redis for a safety check.
 *
 * ioredis by default queues commands while it is away and retries them for as long as it takes: right for a cache,
 * wrong for a kill switch, whose answer must come within 250 ms or not at all. So nothing is queued, nothing is retried,
 * and reconnecting is ours: a fresh client, with a fresh IAM token where one is needed, at the first use after the old
 * one was lost, grew idle (a Lambda was frozen, and its socket may be dead without knowing), or neared the 12 hours that
 * ElastiCache lets an IAM connection live.
 */
import { Redis } from 'ioredis';
import type { Clock } from '#core/ports.ts';
import type { HostPort } from './environment.ts';

export const redisTimeouts = { commandMs: 250, connectMs: 1000, idleMs: 30_000, oldestMs: 11 * 3600 * 1000 } as const;

export interface RedisConnection {
  /** A client that is connected. Rejects within `connectMs`. */
  client(): Promise<Redis>;
  /** Rises with each new connection. */
  epoch(): number;
  /** Drops the connection; the next use makes a new one. */
  close(): void;
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

  const forget = (client: Promise<Redis>) => {
    if (current === client) current = undefined;
  };
  const connect = (): Promise<Redis> => {
    epoch += 1;
    openedMs = clock.monotonicMs();
    const opening = openClient(options, () => forget(opening));
    current = opening;
    opening.catch(() => forget(opening));
    return opening;
  };
  const isWorn = (): boolean => {
    const nowMs = clock.monotonicMs();
    return nowMs - usedMs > redisTimeouts.idleMs || nowMs - openedMs > redisTimeouts.oldestMs;
  };

  const drop = () => {
    if (current) discard(current);
    current = undefined;
  };

  return {
    async client() {
      if (current && isWorn()) drop();
      usedMs = clock.monotonicMs();
      return current ?? connect();
    },
    epoch: () => epoch,
    close: drop,
  };
}

async function openClient({ at, iam }: RedisOptions, onLost: () => void): Promise<Redis> {
  const auth = iam ? { username: iam.user, password: await iam.token(), tls: { servername: at.host } } : {};
  const client = new Redis({
    ...at,
    ...auth,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
    reconnectOnError: () => false,
    commandTimeout: redisTimeouts.commandMs,
    connectTimeout: redisTimeouts.connectMs,
    enableReadyCheck: true,
  });
  client.on('error', () => undefined); // Each command reports its own failure.
  client.on('end', onLost);
  await client.connect();
  return client;
}

function discard(opening: Promise<Redis>): void {
  opening.then(
    (client) => client.disconnect(),
    () => undefined,
  );
}
