/** Beginning a run again that had ended: a new generation, a fresh attempt budget, a new message. */
import { limits } from './catalogue/limits.ts';
import { untilWritten } from './conflict.ts';
import { Failure } from './errors.ts';
import { removeLettersOf, type Sweep } from './letters.ts';
import { existingRow, mustBeClear, operated, type Done, type Request } from './operations.ts';
import type { Plane } from './plane.ts';
import { redactText } from './redact.ts';
import { changeRun, type BegunAgain, type Run, type RunState } from './run.ts';
import { drain, dueAgain } from './settle.ts';

export interface DoneAgain extends Done<'queued'> {
  /** Of the letters of earlier generations; absent where there can be none. */
  readonly letters?: Sweep;
}

export interface RunAgain {
  readonly how: BegunAgain['how'];
  readonly from: readonly RunState[];
  readonly request: Request;
  /** Only if the run is still of this generation: then a repetition begins nothing a second time. */
  readonly generation?: number | undefined;
}

/** Retries a run that failed, died or was skipped. Repeated with its generation it does nothing twice.
 *
 * @throws Failure RUN_UNKNOWN, KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN, DEPENDENCY_UNAVAILABLE (its outbox cannot be
 *   drained: nothing was done), CONFIGURATION_INVALID, LEDGER_CONFLICT.
 */
export const retry = (plane: Plane, runId: string, request: Request & { generation?: number }): Promise<DoneAgain> =>
  again(plane, runId, { how: 'retry', from: ['failed', 'dead', 'skipped'], request, generation: request.generation });

/** Begins the run again, audited, and removes the letters that told of its end. */
export async function again(plane: Plane, runId: string, how: RunAgain): Promise<DoneAgain> {
  const run = await existingRow(plane, runId);
  return operated(plane, { how: how.how, request: how.request, on: { run } }, async () => {
    const done = await beginAgain(plane, runId, how);
    // After the write: a letter that is gone while its run is still dead would be forgotten by everybody.
    return done.run.generation > 1 ? { ...done, letters: await withoutLetters(plane, done.run) } : done;
  });
}

/** The run is begun again: a letter that cannot be removed now is found to be of an older generation by any redrive. */
async function withoutLetters(plane: Plane, run: Run): Promise<Sweep> {
  const [swept] = await Promise.allSettled([removeLettersOf(plane, run)]);
  return swept.status === 'fulfilled' ? swept.value : { seen: 0, removed: 0, complete: false };
}

/** The write and the message. */
export async function beginAgain(plane: Plane, runId: string, how: RunAgain): Promise<Done<'queued'>> {
  const done = await untilWritten(`run ${runId}`, () => tryAgain(plane, runId, how));
  // What an earlier call of the same operation could not send is sent now.
  if (done.run.state !== 'queued' || done.run.outbox.length === 0) return done;
  await drain(plane, done.run);
  return { ...done, run: await existingRow(plane, runId) };
}

async function tryAgain(plane: Plane, runId: string, how: RunAgain): Promise<Done<'queued'> | undefined> {
  const row = await existingRow(plane, runId);
  if (how.generation !== undefined && how.generation !== row.generation) {
    return { did: 'nothing', why: `it is of generation ${row.generation} by now`, run: row };
  }
  if (!how.from.includes(row.state)) return { did: 'nothing', why: `it is ${row.state}`, run: row };
  await mustBeClear(plane, how.how, row);
  if (row.outbox.length > 0) return drainFirst(plane, row);
  const next = nextGeneration(row, how, plane.clock.nowMs());
  return (await plane.ledger.replace(row, next)) === 'replaced' ? { did: 'queued', run: next } : undefined;
}

/** What the last generation has to say is said before it is over; then the row is read again. */
async function drainFirst(plane: Plane, row: Run): Promise<undefined> {
  if ((await drain(plane, row)) === 'drained') return undefined;
  throw new Failure(
    'DEPENDENCY_UNAVAILABLE',
    `run ${row.id} still has ${row.outbox.join(', ')} to send, which failed just now: nothing was done; try again`,
  );
}

const nextGeneration = (row: Run, { how, request }: RunAgain, atMs: number): Run =>
  changeRun(row, {
    ...dueAgain(atMs),
    generation: row.generation + 1,
    attempt: 0,
    send: row.send + 1,
    outbox: ['send'],
    outcome: 'none',
    cancel: 'none',
    settledMs: 'none',
    again: { how, by: request.by, reason: redactText(request.reason).slice(0, limits.reasonLength), atMs },
  });
