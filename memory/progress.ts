import { comparePositions } from '#core/frame-order.ts';
import type { ProgressChannel, Queues, Subscriptions } from '#core/ports.ts';
import { streamFrames, type Frame } from '#core/progress.ts';
import { wakeForFrame } from '#core/wake.ts';

interface MemoryProgressOptions {
  readonly cap?: number;
  /** Who is to be woken, and how. */
  readonly relay?: { readonly subscriptions: Pick<Subscriptions, 'exists'>; readonly queues: Pick<Queues, 'send'> };
}

/** The stream of each run in a map; ordered and capped like the real one. */
export function memoryProgress({ cap = streamFrames, relay }: MemoryProgressOptions = {}): ProgressChannel {
  const streams = new Map<string, Frame[]>();
  const of = (run: string) => streams.get(run) ?? streams.set(run, []).get(run)!;
  return {
    async publish(frame) {
      const stream = of(frame.run_id);
      const top = stream.at(-1);
      if (!top || comparePositions(frame, top) > 0) stream.push(frame);
      if (stream.length > cap) stream.splice(0, stream.length - cap);
      if (relay && (await relay.subscriptions.exists(frame.run_id))) await wakeForFrame(relay.queues, frame);
    },
    async read(run, { after = { fence: 0, seq: 0 }, limit = 1000 } = {}) {
      const newest = of(run).at(-1)?.fence;
      const beyond = of(run).filter((frame) => frame.fence === newest && comparePositions(frame, after) > 0);
      return beyond.slice(0, limit);
    },
    latest: async (run) => of(run).at(-1),
  };
}
