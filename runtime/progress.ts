import { setTimeout as wait } from 'node:timers/promises';
import type { ChainableCommander } from 'ioredis';
import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { Failure } from '#core/errors.ts';
import { beginning, type Position } from '#core/frame-order.ts';
import type { ProgressChannel, Queues } from '#core/ports.ts';
import { streamFrames, type Frame } from '#core/progress.ts';
import { wakeForFrame } from '#core/wake.ts';
import { isReply, redisTimeouts, type RedisConnection } from './redis.ts';

/** A frame decides nothing, so unlike the kill switch it may wait for a connection to be made. */
const limitMs = redisTimeouts.connectMs + redisTimeouts.commandMs;
/** The frames of a run are sent one after another, and a run is settled behind the last: SQS may not hold them up. */
const wakeWithinMs = 1000;
/** Read at a time: a quarter of a megabyte. */
const pageFrames = 1000;

/**
 * The stream of a run on Redis. An entry's id is `fence-seq`, so Redis itself keeps the order, refuses the frames of a
 * claim that was taken over as well as a second terminal frame, and finds what lies beyond a position without reading what
 * lies before it.
 */
export function runtimeProgress({ ask }: RedisConnection, queues: Pick<Queues, 'send'>): ProgressChannel {
  const page = async (run: string, after: Position, count: number) => {
    const [top, entries] = await ask(
      async (redis) =>
        results(
          redis
            .pipeline()
            .xrevrange(streamOf(run), '+', '-', 'COUNT', 1)
            .xrange(streamOf(run), `(${after.fence}-${after.seq}`, '+', 'COUNT', count),
        ) as Promise<[Entry[], Entry[]]>,
      limitMs,
    );
    return { top: frameOf(top[0]), frames: entries.map((entry) => frameOf(entry)!) };
  };
  return {
    async publish(frame) {
      const watched = await ask(async (redis) => publishOn(redis.pipeline(), frame), limitMs);
      // Sent here, not before: it must find the frame in the stream. Who subscribes after EXISTS sends a wake of his own.
      if (watched) await soon(wakeForFrame(queues, frame));
    },
    async read(run, { after = beginning, limit = pageFrames } = {}) {
      const { top, frames } = await page(run, after, limit);
      if (!top || top.fence <= after.fence || frames[0]?.fence === top.fence) return frames;
      // He stood in an older fence, and what is left of that is of no interest any more.
      return (await page(run, { fence: top.fence, seq: 0 }, limit)).frames;
    },
    async latest(run) {
      const [entry] = await ask((redis) => redis.xrevrange(streamOf(run), '+', '-', 'COUNT', 1), limitMs);
      return frameOf(entry);
    },
  };
}

const streamOf = (run: string) => redisName(redisKeys.progressStream.pattern, { run });

type Entry = [id: string, fields: string[]];
const frameOf = (entry: Entry | undefined): Frame | undefined => entry && (JSON.parse(entry[1][1] ?? 'null') as Frame);

/** Keeps the frame, tells it, and resolves with whether somebody watches the run over a WebSocket. */
async function publishOn(pipeline: ChainableCommander, frame: Frame): Promise<boolean> {
  const run = frame.run_id;
  const body = JSON.stringify(frame);
  // Stream first: whoever hears the PUBLISH and asks for what came before finds this frame there, too.
  const answers = await pipeline
    .xadd(streamOf(run), 'MAXLEN', '~', streamFrames, `${frame.fence}-${frame.seq}`, 'frame', body)
    .expire(streamOf(run), redisKeys.progressStream.ttl)
    .publish(redisName(redisChannels.progress, { run }), body)
    .exists(redisName(redisKeys.subscriptions.pattern, { run }))
    .exec();
  const [added, ...others] = answers ?? [];
  const failed = [isOutrun(added?.[0]) ? undefined : added, ...others].find((one) => one?.[0]);
  if (failed?.[0]) throw failed[0];
  return others.at(-1)?.[1] === 1;
}

/** The stream has this frame, or one that comes after it. */
const isOutrun = (error: unknown): boolean => isReply(error) && /equal or smaller than/.test(error.message);

async function results(pipeline: ChainableCommander): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, value]) => {
    if (error) throw error;
    return value;
  });
}

/** @throws Failure DEPENDENCY_UNAVAILABLE after a second, and what the queue throws. */
async function soon(sending: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = wait(wakeWithinMs, undefined, { signal: over.signal }).then(() => {
    throw new Failure('DEPENDENCY_UNAVAILABLE', `the queue has not taken the wake within ${wakeWithinMs} ms`);
  });
  try {
    await Promise.race([sending, late]);
  } finally {
    sending.catch(() => undefined);
    late.catch(() => undefined);
    over.abort();
  }
}
