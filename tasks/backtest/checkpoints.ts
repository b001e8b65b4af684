import * as z from 'zod';
import { toFailure } from '#core/errors.ts';
import type { Context } from './input.ts';

/** What the row carries: where the state of the work lies, under the fence of the claim that wrote it. */
const cursorSchema = z.object({ fence: z.int(), name: z.string() });
const savedSchema = z.object({
  /** sha256 of the data that the work was done on. */
  data: z.string(),
  simulation: z.unknown(),
  bootstrap: z.unknown().optional(),
});
export type Saved = Omit<z.infer<typeof savedSchema>, 'data'>;

export interface Checkpoints {
  /** Ends the work here when it must end. `stateOf` is asked only when it is time to save. */
  reach(stateOf: () => Saved): Promise<void>;
  /** Ends the work here when it must end; what was saved last is what another attempt goes on from. */
  listen(): Promise<void>;
}

/** A state is written as an artefact at most this often, and in at most a tenth of the time; in between a checkpoint only listens. */
const saveEveryMs = 300;

/** Saves the state of the work so that another attempt, or the run after a halt, goes on where this one was. */
export function checkpointer(context: Context, data: string): Checkpoints {
  // The first checkpoint is saved at once: whatever comes then has something to go on from.
  let nextMs = 0;
  let counter = 0;
  let { cursor } = context;
  return {
    async reach(stateOf) {
      const beganMs = context.nowMs();
      if (beganMs >= nextMs) {
        counter += 1;
        // By turns: should the process die while it writes one, the cursor names the other.
        const name = `checkpoint-${counter % 2}.json`;
        const bytes = new TextEncoder().encode(JSON.stringify({ data, ...stateOf() }));
        await context.ports.artefacts.put(name, bytes, 'application/json');
        cursor = { fence: context.run.fence, name };
        nextMs = context.nowMs() + Math.max(saveEveryMs, 9 * (context.nowMs() - beganMs));
      }
      await context.checkpoint(cursor);
    },
    listen: () => context.checkpoint(cursor),
  };
}

/**
 * The state that an earlier attempt saved, if one did, on the same data: a data set may have been ingested anew since, and
 * half a run on each is a run on neither. What is gone or cannot be read costs time, not the run.
 */
export async function restore({ cursor, ports }: Context, data: string): Promise<Saved | undefined> {
  const at = cursorSchema.safeParse(cursor).data;
  if (!at) return undefined;
  const [read] = await Promise.allSettled([ports.artefacts.read(at.fence, at.name)]);
  if (read.status === 'rejected') {
    if (toFailure(read.reason).disposition === 'reject') return undefined;
    throw read.reason;
  }
  const saved = savedSchema.safeParse(jsonOf(read.value)).data;
  return saved?.data === data ? saved : undefined;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
