import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import type { ProgressChannel } from '#core/ports.ts';
import type { Frame } from '#core/progress.ts';
import { redisTimeouts, type RedisConnection } from './redis.ts';

/** Frames kept for those who come late: at four a second, about four minutes whole, then the latest. */
const streamCap = 1000;
/** A frame decides nothing, so unlike the kill switch it may wait for a connection to be made. */
const limitMs = redisTimeouts.connectMs + redisTimeouts.commandMs;

export function runtimeProgress({ ask }: RedisConnection): ProgressChannel {
  const streamOf = (run: string) => redisName(redisKeys.progressStream.pattern, { run });
  return {
    async publish(frame) {
      const body = JSON.stringify(frame);
      const stream = streamOf(frame.run_id);
      await ask(async (redis) => {
        // Stream first: whoever hears the PUBLISH and asks for what came before finds this frame there, too.
        const done = await redis
          .pipeline()
          .xadd(stream, 'MAXLEN', '~', streamCap, '*', 'frame', body)
          .expire(stream, redisKeys.progressStream.ttl)
          .publish(redisName(redisChannels.progress, { run: frame.run_id }), body)
          .exec();
        const failed = done?.find(([error]) => error);
        if (failed?.[0]) throw failed[0];
      }, limitMs);
    },
    async read(runId) {
      const entries = await ask((redis) => redis.xrange(streamOf(runId), '-', '+'), limitMs);
      return entries.map(([, fields]) => JSON.parse(fields[1] ?? 'null') as Frame).toSorted(byFenceAndSeq);
    },
  };
}

const byFenceAndSeq = (one: Frame, other: Frame): number => one.fence - other.fence || one.seq - other.seq;
