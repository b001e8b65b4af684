import * as z from 'zod';
import type { Context } from './input.ts';

/** What the row carries: where the state of the work lies, written under the fence of the claim that wrote it. */
const cursorSchema = z.object({ phase: z.enum(['simulate', 'resample']), fence: z.int(), name: z.string() });
export interface Saved {
  readonly phase: 'simulate' | 'resample';
  readonly state: unknown;
}

/** A state is written as an artefact at most this often; in between a checkpoint only listens. */
const saveEveryMs = 500;

/** Saves the state of the work so that another attempt, or the run after a halt, goes on where this one was. */
export function checkpointer(context: Context) {
  let savedMs = context.nowMs();
  let counter = 0;
  let cursor = context.cursor;
  return {
    /** `stateOf` is asked only when it is time to save. */
    async reach(phase: Saved['phase'], stateOf: () => unknown): Promise<void> {
      if (context.nowMs() - savedMs >= saveEveryMs) {
        savedMs = context.nowMs();
        counter += 1;
        const name = `checkpoint-${counter % 2}.json`;
        await context.ports.artefacts.put(
          name,
          new TextEncoder().encode(JSON.stringify(stateOf())),
          'application/json',
        );
        cursor = { phase, fence: context.run.fence, name };
      }
      await context.checkpoint(cursor);
    },
  };
}

/** The state that an earlier attempt saved, if one did. */
export async function restore({ cursor, ports }: Context): Promise<Saved | undefined> {
  if (cursor === undefined) return undefined;
  const { phase, fence, name } = cursorSchema.parse(cursor);
  const bytes = await ports.artefacts.read(fence, name);
  return { phase, state: JSON.parse(new TextDecoder().decode(bytes)) as unknown };
}
