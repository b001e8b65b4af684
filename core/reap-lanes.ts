/** How the reaper goes through its rows: a lane a duty and queue, side by side, each step through one turnstile. */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import type { QueueName } from './catalogue/queues.ts';
import { inhabitedQueues } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import { readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { OpenQuery, ReapCount } from './ports.ts';
import { changeRun, type Run } from './run.ts';

export interface Pass {
  readonly plane: Plane;
  readonly turn: Turnstile;
  /** Looked at between any two rows. */
  readonly isOver: () => boolean;
  readonly signal: AbortSignal | undefined;
}

export type Turnstile = <T>(step: () => Promise<T>) => Promise<T>;

/** Lets `width` steps go on at once, the others in the order in which they came: a long lane does not hold up a short one. */
export function turnstile(width: number): Turnstile {
  const waiting: (() => void)[] = [];
  let free = width;
  return async (step) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await step();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

type Act = (row: Run) => Promise<boolean>;

/** Hands each due row of one state to `act`, in every queue that has tasks; counts those it changed. */
export async function eachDue(pass: Pass, state: OpenQuery['state'], act: Act): Promise<ReapCount> {
  const lanes = await Promise.allSettled(inhabitedQueues.map((queue) => lane(pass, { queue, state }, act)));
  const counts = lanes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  // A queue that cannot be read is that queue's misfortune, unless all are.
  if (counts.length === 0 && lanes[0]?.status === 'rejected') throw lanes[0].reason;
  return {
    count: counts.reduce((sum, { count }) => sum + count, 0),
    more: counts.length < lanes.length || counts.some(({ more }) => more),
  };
}

async function lane(pass: Pass, of: { queue: QueueName; state: OpenQuery['state'] }, act: Act): Promise<ReapCount> {
  const { plane, turn } = pass;
  let count = 0;
  for (;;) {
    const dueMs = plane.clock.nowMs();
    const ids = await turn(() => plane.ledger.open({ ...of, dueMs, limit: limits.reapBatch }));
    const rows = await turn(() => dueRows(plane, ids, dueMs));
    const changed = await eachRow(pass, rows, act);
    count += changed;
    if (pass.isOver()) return { count, more: ids.length > 0 };
    if (ids.length < limits.reapBatch) return { count, more: false };
    // Nothing moves here, or somebody has halted the plane: the rest is for the next minute.
    if (changed === 0 || (await readSwitch(plane)).state !== 'clear') return { count, more: true };
  }
}

/** The rows as they stand now. The index comes late: a row that was just dealt with may still be in it. */
export async function dueRows(plane: Plane, ids: readonly string[], dueMs: number): Promise<Run[]> {
  if (ids.length === 0) return [];
  return (await plane.ledger.readMany(ids)).filter((row) => row.checkAfterMs <= dueMs);
}

/** At most `reapWidth` rows at once, so that a queue whose service hangs leaves turns for the others. */
async function eachRow(pass: Pass, rows: readonly Run[], act: Act): Promise<number> {
  let changed = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let row = rows[next++]; row && !pass.isOver(); row = rows[next++]) {
      const one = row;
      const did = await pass.turn(() => attemptRow(pass.plane, one, act));
      changed += Number(did);
    }
  };
  await Promise.all(Array.from({ length: limits.reapWidth }, worker));
  return changed;
}

/** A row that makes its duty fail must not stand before the others for ever. */
export async function attemptRow(plane: Plane, row: Run, act: Act): Promise<boolean> {
  try {
    return await act(row);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    plane.log.warn(logLines.rowLeft, { run: row.id, state: row.state, reason });
    await Promise.allSettled([putBehind(plane, row, toMs(limits.reapRetryAfter))]);
    return false;
  }
}

/** Moves a row back in the open index: it is looked at again after `afterMs`. */
export async function putBehind(plane: Plane, row: Run, afterMs: number): Promise<void> {
  await plane.ledger.replace(row, changeRun(row, { checkAfterMs: plane.clock.nowMs() + afterMs }));
}
