// The kill switch in the demo: engaged while a backtest runs, and released.
import { backtestRequest, fetchBacktest, type BacktestChoice, type Backtested } from './backtest.ts';
import { check, liveUntil, minuteMs, nextMinute, stop } from './checks.ts';
import type { CsvFile } from './csv-file.ts';
import type { Run } from './operator.ts';
import { requestOf, type Stage } from './scenario.ts';

const haltedMinutes = 2;

export interface Halted {
  readonly epoch: number;
  readonly acknowledgedAfterMs: number;
  readonly heldRun: string;
  readonly heldState: string;
  readonly skipped: readonly string[];
  readonly finalState: string;
  /** A backtest that was running when the switch was engaged; absent where the data were too few for one that lasts. */
  readonly caught?: {
    readonly run: string;
    readonly heldState: string;
    /** From the engagement until its row said so: by then its process was gone. */
    readonly heldAfterMs: number;
    readonly checkpointed: boolean;
    readonly finalState: string;
    readonly starts: number;
    readonly attempt: number;
    readonly sameResult: boolean;
  };
}

export interface Before {
  readonly file: CsvFile;
  readonly choice: BacktestChoice;
  readonly backtested: Backtested;
}

/**
 * Halts the plane while a backtest runs, asks for another run, lets two minutes of slots come, releases, and sees both
 * done: the backtest goes on where it was, and ends in the very numbers that the undisturbed one ended in.
 */
export async function haltAndRelease(stage: Stage, before: Before): Promise<Halted> {
  const { plane, operator, progress } = stage;
  const flying = await takeOff(stage, before);
  const fromMs = plane.clock.now();
  const { epoch, acknowledgedAfterMs, held: caught } = await engage(stage, flying);
  const held = await progress.step(
    'a second request, and two minutes of slots, while halted',
    () => waitInHalt(stage, before.file),
    (run) => `the request is ${run.state}; nothing was begun`,
  );
  const skipped = (await operator.scheduledRuns(fromMs, plane.clock.now()))
    .filter((run) => run.outcome?.code === 'halted')
    .map((run) => run.id);
  check(skipped.length > 0, 'slots of tasks that stand still in a halt were skipped');
  const [done, again] = await progress.step(
    'released; what was held goes on',
    () => releaseAndFinish(stage, flying === undefined ? [held.id] : [held.id, flying]),
    ([request, run]) =>
      `the request ${request?.state}${run ? `; the backtest ${run.state}, begun ${run.starts} times, attempt ${run.attempt}` : ''}`,
  );
  check(done?.state === 'succeeded' && done.attempt === 1, 'the held request was done once, at its first attempt');
  const resumed = caught && again ? await checkResumed(stage, before, { caught, again }) : undefined;
  const request = { heldRun: held.id, heldState: held.state, skipped, finalState: done.state };
  return { epoch, acknowledgedAfterMs, ...request, ...(resumed ? { caught: resumed } : {}) };
}

interface Caught {
  readonly run: Run;
  readonly heldAfterMs: number;
}

/** Begins the backtest that is to be caught; undefined where the data are too few for it to last. */
function takeOff(stage: Stage, before: Before): Promise<string | undefined> {
  return stage.progress.step(
    'another backtest, to be caught in flight',
    async (note) => {
      if (before.backtested.periods === 0) return undefined;
      const { id, at } = await inFlight(stage, before);
      note(`it runs: ${at}`);
      return id;
    },
    (id) => (id === undefined ? 'left out: the file has too few bars for a run that lasts' : `run ${id}`),
  );
}

async function engage({ operator, progress }: Stage, flying: string | undefined) {
  const startedMs = performance.now();
  const sinceMs = () => Math.round(performance.now() - startedMs);
  const catching = flying === undefined ? undefined : whenHeld(operator, flying, sinceMs);
  const { epoch } = await progress.step(
    'the kill switch is engaged',
    () => operator.halt('demo: everything stops'),
    ({ key }) => `halted; the key is ${key}, and every permit given before is void`,
  );
  const acknowledgedAfterMs = sinceMs();
  const held = await catching;
  if (held) {
    check(
      held.run.state === 'held' && held.run.attempt === 0,
      `the running backtest is held (it is ${held.run.state})`,
    );
    check(held.run.checkpointed, 'the held backtest has a checkpoint to go on from');
  }
  return { epoch, acknowledgedAfterMs, held };
}

async function whenHeld(operator: Stage['operator'], id: string, sinceMs: () => number): Promise<Caught> {
  const run = await operator.until(id, ['held', 'succeeded', 'failed', 'dead'], 30_000);
  return { run, heldAfterMs: sinceMs() };
}

async function checkResumed(
  stage: Stage,
  { backtested }: Before,
  { caught, again }: { caught: Caught; again: Run },
): Promise<NonNullable<Halted['caught']>> {
  check(again.state === 'succeeded' && again.starts === 2, 'the backtest was resumed once and done');
  const { metrics, trades } = await fetchBacktest(stage, again);
  const sameResult = JSON.stringify([metrics, trades]) === JSON.stringify([backtested.metrics, backtested.trades]);
  check(sameResult, 'the resumed backtest has the numbers of the undisturbed one');
  const { id, state, checkpointed } = caught.run;
  const { starts, attempt } = again;
  const ended = { finalState: again.state, starts, attempt, sameResult };
  return { run: id, heldState: state, heldAfterMs: caught.heldAfterMs, checkpointed, ...ended };
}

/** Some seconds of work, whatever the length of the data: a hundred million returns are about one. */
const resamplesOf = (periods: number): number => Math.round(Math.min(1_000_000, Math.max(20_000, 4e8 / periods)));

/** Resolves once the run has said that it is in the middle of its work. */
async function inFlight({ operator }: Stage, before: Before): Promise<{ id: string; at: string }> {
  const { task, payload } = backtestRequest(before.file, before.choice);
  const resamples = resamplesOf(before.backtested.periods);
  const { id } = await operator.request({ task, payload: { ...payload, resamples } });
  for await (const { stage, done, total, unit } of operator.frames(id, AbortSignal.timeout(60_000)))
    if (stage === 'resample' && (done ?? 0) >= 1000) return { id, at: `${done} of ${total} ${unit}` };
  throw stop(`the backtest ${id} ended before its resampling: look at its executor's log`);
}

async function waitInHalt({ plane, operator }: Pick<Stage, 'plane' | 'operator'>, file: CsvFile) {
  const { id } = await operator.request(requestOf(file));
  await liveUntil(plane, nextMinute(plane.clock.now()) + (haltedMinutes - 1) * minuteMs);
  const run = await operator.run(id);
  check(
    run.state === 'held' && run.starts === 0,
    `the second request is held and was never begun (it is ${run.state})`,
  );
  return run;
}

async function releaseAndFinish(
  { plane, operator }: Pick<Stage, 'plane' | 'operator'>,
  ids: readonly string[],
): Promise<Run[]> {
  const released = await operator.release('demo: on we go');
  check(released.state === 'clear', `the switch is clear after the release (it is ${released.state})`);
  await liveUntil(plane, nextMinute(plane.clock.now()));
  const runs: Run[] = [];
  for (const id of ids) runs.push(await operator.until(id, ['succeeded', 'failed', 'dead'], 90_000));
  return runs;
}
