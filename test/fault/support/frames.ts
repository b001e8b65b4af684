import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import type { Frame } from '#core/progress.ts';

export interface Frames {
  /** What was PUBLISHed so far, in the order of arrival. */
  readonly heard: Frame[];
  /** What the stream of a run holds. */
  stored(run: string): Promise<Frame[]>;
}

/** Listens to the progress of all runs, as alphaswarm-core does; `onFrame` hears each frame as it comes. */
export async function listenToFrames(url: string, onFrame: (frame: Frame) => void = () => {}): Promise<Frames> {
  const [listener, reader] = [new Redis(url), new Redis(url)];
  // A test may kill the server under these connections.
  for (const one of [listener, reader]) one.on('error', () => {});
  onTestFinished(() => [listener, reader].forEach((one) => one.disconnect()));
  const heard: Frame[] = [];
  listener.on('pmessage', (_pattern, _channel, body: string) => {
    const frame = JSON.parse(body) as Frame;
    heard.push(frame);
    onFrame(frame);
  });
  await listener.psubscribe(redisName(redisChannels.progress, { run: '*' }));
  return {
    heard,
    async stored(run) {
      const entries = await reader.xrange(redisName(redisKeys.progressStream.pattern, { run }), '-', '+');
      return entries.map(([, fields]) => JSON.parse(fields[1] ?? 'null') as Frame);
    },
  };
}
