// The plane's clock: wall time plus an offset. The bundles read the same offset from a file, so rows, frames and metrics of
// all processes agree. In `wall` mode the offset is 0 for ever. A driven clock also runs at wall speed, but `advanceTo`
// jumps over the time in which nothing would happen: from one due instant to the next (of a schedule, or of a message that
// comes back after its visibility timeout), and only when the plane is quiet, so that no lease expires under a live owner
// and no slot grows stale by a jump.
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError } from '#local/errors.ts';

export interface Clock {
  readonly mode: 'wall' | 'driven';
  now: () => number;
  /**
   * Lets the plane live through all that is due until `instantMs`, which the clock then shows, and returns when that work
   * is over. Rejects with the signal's reason when aborted.
   */
  advanceTo(instantMs: number, options?: { signal?: AbortSignal }): Promise<void>;
}

interface ClockOptions {
  mode: 'wall' | 'driven';
  file: string;
  /** Where a driven clock begins; the wall's time when absent. */
  startAtMs?: number | undefined;
}

/** What the clock must know of the rest of the plane before it may jump. */
export interface Surroundings {
  /** True when nothing is in flight. */
  isQuiet(): Promise<boolean>;
  /** The next instant at which a schedule fires or a message can be received again, if any. */
  nextDueMs(): Promise<number | undefined>;
  /** Fires what is due by now. */
  fireDue(): void;
  /** Lets the time pass for all that keeps a time of its own. */
  onJump(byMs: number, toMs: number): Promise<void>;
}

export interface DrivenClock extends Clock {
  attach(surroundings: Surroundings): void;
}

const LOOK_EVERY_MS = 5;

/** A clock whose offset stands in `file`, in whole milliseconds, replaced atomically. */
export function createClock({ mode, file, startAtMs }: ClockOptions): DrivenClock {
  let offsetMs = 0;
  let surroundings: Surroundings | undefined;
  const now = (): number => Date.now() + offsetMs;
  const setOffset = (ms: number): void => {
    offsetMs = Math.round(ms);
    writeAtomically(file, String(offsetMs));
  };
  setOffset(mode === 'driven' && startAtMs !== undefined ? startAtMs - Date.now() : 0);

  async function advanceTo(instantMs: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (mode === 'wall' || !surroundings) throw notDriven();
    while (now() < instantMs || (await isDue(surroundings, instantMs))) {
      await untilQuiet(surroundings, signal);
      const nextMs = Math.min((await surroundings.nextDueMs()) ?? instantMs, instantMs);
      const byMs = nextMs - now();
      if (byMs > 0) {
        setOffset(offsetMs + byMs);
        await surroundings.onJump(byMs, nextMs);
      }
      surroundings.fireDue();
    }
    await untilQuiet(surroundings, signal);
  }

  return { mode, now, advanceTo, attach: (around) => void (surroundings = around) };
}

async function isDue(surroundings: Surroundings, instantMs: number): Promise<boolean> {
  const dueMs = await surroundings.nextDueMs();
  return dueMs !== undefined && dueMs <= instantMs;
}

async function untilQuiet(surroundings: Surroundings, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  while (!(await surroundings.isQuiet())) await sleep(LOOK_EVERY_MS, undefined, { ...(signal && { signal }) });
}

function notDriven(): PlaneError {
  return new PlaneError(
    'CLOCK_NOT_DRIVEN',
    "This plane's clock is the wall's, which cannot be advanced. Start it with clock: 'driven'.",
  );
}

/** A reader sees the old number or the new one, never half of it. */
function writeAtomically(file: string, content: string): void {
  const next = `${file}.next`;
  writeFileSync(next, content);
  renameSync(next, file);
}
