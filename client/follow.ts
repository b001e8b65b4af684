/**
 * Following a run: every frame once, dense and in order, until the run has ended.
 *
 * Frames come by WebSocket, and by the long poll where that fails three times in a row. A feed may end at any time (a token
 * that expires, a connection that is lost): the next one begins behind the last frame that was handed on. A hole in the
 * sequence is asked for once more before it is called a gap; frames are best effort, and Redis may have lost some for good.
 * The row is the truth: when nothing has come for a while it is looked at, and a run that is over there is over here, even
 * if its last frame never comes. A terminal frame is believed only when the row agrees: a retry begins a new generation.
 */
import type { Position } from '#core/frame-order.ts';
import { GatewayError, UnreachableError, VersionError } from './errors.ts';
import type { Batch, Feed } from './feed.ts';
import { sequence } from './position.ts';
import { realMeans, type RetryMeans } from './retry.ts';
import { look, missed, take, type Followed, type FollowSource, type RunSeen, type Watch } from './watch.ts';

export interface FollowOptions {
  /** The last frame that is known already. */
  readonly after?: Position | undefined;
  readonly signal?: AbortSignal | undefined;
  /** When a socket has been silent for so long the row is looked at. */
  readonly idleMs?: number;
  readonly means?: RetryMeans;
}

const defaultIdleMs = 5000;
const longPollSeconds = 20;
const socketTries = 3;
/** So long the gateway may be away before following ends with what the network said. */
const patienceMs = 60_000;
const longestPauseMs = 5000;

interface Following<R extends RunSeen> extends Watch<R> {
  readonly options: FollowOptions;
  readonly means: RetryMeans;
  /** In a row. */
  failures: number;
  /** When the gateway last answered. */
  goodMs: number;
}

/** @throws GatewayError, VersionError; UnreachableError when the gateway stays away; the reason of an aborted signal. */
export async function* follow<R extends RunSeen>(
  source: FollowSource<R>,
  runId: string,
  options: FollowOptions = {},
): AsyncGenerator<Followed<R>, void> {
  const following: Following<R> = {
    source,
    runId,
    options,
    means: options.means ?? realMeans,
    order: sequence(options.after),
    suspected: undefined,
    said: undefined,
    failures: 0,
    goodMs: performance.now(),
  };
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      if (yield* once(following)) return;
    } catch (error) {
      await afterFailure(following, error);
    }
  }
}

/** Waits before the next feed, or throws on what no other feed will mend. */
async function afterFailure<R extends RunSeen>(following: Following<R>, error: unknown): Promise<void> {
  const { options, means, goodMs } = following;
  options.signal?.throwIfAborted();
  if (isFinal(error) || performance.now() - goodMs > patienceMs) throw error;
  following.failures += 1;
  const stepMs = Math.min(longestPauseMs, 100 * 2 ** following.failures);
  await means.sleep(means.random() * stepMs, options.signal);
}

/** A feed that breaks is taken up again; a refusal stays one. */
const isFinal = (error: unknown): boolean =>
  error instanceof VersionError ||
  (error instanceof GatewayError && error.status < 500) ||
  (error instanceof UnreachableError && !error.passing);

/** One feed from its beginning to its end. Returns whether the run is over. */
async function* once<R extends RunSeen>(following: Following<R>): AsyncGenerator<Followed<R>, boolean> {
  if (yield* look(following)) return true;
  following.goodMs = performance.now();
  const ending = new AbortController();
  const batches = batchesOf(following, ending.signal);
  try {
    for await (const batch of batches) {
      following.goodMs = performance.now();
      if (batch !== 'idle') following.failures = 0;
      const taken = batch === 'idle' ? yield* missed(following) : yield* take(following, batch);
      if (taken === 'hole') return false;
      if (taken !== 'more' && (yield* look(following))) return true;
    }
    return false;
  } finally {
    ending.abort(new DOMException('this feed is over', 'AbortError'));
  }
}

function batchesOf<R extends RunSeen>(following: Following<R>, ending: AbortSignal): AsyncIterable<Batch | 'idle'> {
  const { source, runId, options, order, failures } = following;
  const signal = options.signal ? AbortSignal.any([options.signal, ending]) : ending;
  const socket = failures < socketTries ? source.socket?.(runId) : undefined;
  // A long poll says by itself that there was nothing; a socket is silent, and may be so because it is dead.
  if (!socket) return pollFeed(source, runId)(order.position(), signal);
  return orIdle(socket(order.position(), signal), following, signal);
}

const pollFeed = <R extends RunSeen>(source: FollowSource<R>, runId: string): Feed =>
  async function* (after, signal) {
    let position = after;
    for (;;) {
      const batch = await source.events(runId, { after: position, waitSeconds: longPollSeconds, signal });
      position = batch.frames.at(-1) ?? position;
      yield batch;
    }
  };

/** Batches as they come, and `idle` whenever there was none for a while. */
async function* orIdle<R extends RunSeen>(
  feed: AsyncIterable<Batch>,
  { options, means }: Following<R>,
  signal: AbortSignal,
): AsyncGenerator<Batch | 'idle', void> {
  const batches = feed[Symbol.asyncIterator]();
  let next = batches.next();
  try {
    for (;;) {
      const quiet = new AbortController();
      const either = AbortSignal.any([signal, quiet.signal]);
      const idle = means.sleep(options.idleMs ?? defaultIdleMs, either).catch(() => undefined);
      const first = await Promise.race([next, idle]).finally(() => quiet.abort());
      signal.throwIfAborted();
      if (first?.done) return;
      yield first?.value ?? 'idle';
      if (first) next = batches.next();
    }
  } finally {
    // What the feed still waits for ends by its signal; nobody is interested in how.
    void next.catch(() => undefined);
    void batches.return?.().catch(() => undefined);
  }
}

export type { Followed, FollowSource, RunSeen };
