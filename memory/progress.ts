import type { ProgressChannel } from '#core/ports.ts';
import type { Frame } from '#core/progress.ts';

/** The stream of each run in a map; capped like the real one. */
export function memoryProgress(cap = 1000): ProgressChannel {
  const streams = new Map<string, Frame[]>();
  return {
    async publish(frame) {
      const stream = [...(streams.get(frame.run_id) ?? []), frame];
      streams.set(frame.run_id, stream.slice(-cap));
    },
    read: async (runId) =>
      (streams.get(runId) ?? []).toSorted((one, other) => one.fence - other.fence || one.seq - other.seq),
  };
}
