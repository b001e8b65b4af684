import { cancelled, isAtWork } from './claim.ts';
import { untilWritten } from './conflict.ts';
import { existingRow, operated, type Done, type Request } from './operations.ts';
import type { Plane } from './plane.ts';
import { redactText } from './redact.ts';
import { changeRun, isTerminal, type CancelRequest } from './run.ts';
import { drain } from './settle.ts';

/**
 * Cancels a run, in a halt too. What nobody has at work is cancelled at once; what is at work under a live lease gets a
 * flag, which its owner sees within about a second and which keeps it from ever being queued again. The first wish
 * stays. A repetition sends what the first could not.
 *
 * @throws Failure RUN_UNKNOWN; CONFIGURATION_INVALID without who and why; LEDGER_CONFLICT.
 */
export async function cancel(plane: Plane, runId: string, request: Request): Promise<Done<'cancelled' | 'flagged'>> {
  const run = await existingRow(plane, runId);
  return operated(plane, { how: 'cancel', request, on: { run } }, async () => {
    const done = await untilWritten(`run ${runId}`, () => tryCancel(plane, runId, request));
    if (!isTerminal(done.run.state) || done.run.outbox.length === 0) return done;
    await drain(plane, done.run);
    return { ...done, run: await existingRow(plane, runId) };
  });
}

async function tryCancel(
  plane: Plane,
  runId: string,
  { by, reason }: Request,
): Promise<Done<'cancelled' | 'flagged'> | undefined> {
  const row = await existingRow(plane, runId);
  const nowMs = plane.clock.nowMs();
  const wish: CancelRequest = row.cancel ?? { by, reason: redactText(reason), atMs: nowMs };
  if (isTerminal(row.state)) return { did: 'nothing', why: `it is ${row.state}`, run: row };
  const atWork = isAtWork(row, nowMs);
  if (atWork && row.cancel) return { did: 'nothing', why: `${row.cancel.by} has asked for it already`, run: row };
  const next = atWork ? changeRun(row, { cancel: wish }) : cancelled(row, wish, nowMs);
  if ((await plane.ledger.replace(row, next)) !== 'replaced') return undefined;
  return { did: atWork ? 'flagged' : 'cancelled', run: next };
}
