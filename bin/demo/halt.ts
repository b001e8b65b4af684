// The kill switch in the demo: engaged while a backtest runs, and released.
import type { Run } from '#core/run.ts';
import { backtestRequest, fetchBacktest, type BacktestChoice, type Backtested } from './backtest.ts';
import { check, liveUntil, minuteMs, nextMinute, stop } from './checks.ts';
import type { CsvFile } from './csv-file.ts';
import { requestOf, type Stage } from './scenario.ts';

const haltedMinutes = 2;

export interface Halted {
  readonly epoch: number;
  readonly acknowledgedAfterMs: number;
  readonly heldRun: string;
  readonly heldState: string;
  readonly skipped: readonly string[];
  readonly finalState: string;
  /** A backtest that was running when the switch was engaged. */
  readonly caught: {
    readonly run: string;
    readonly heldState: string;
    /** From the engagement until its row said so: by then its process was gone. */
    readonly heldAfterMs: number;
    readonly cursor: unknown;
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
  const flying = await progress.step(
    'another backtest, to be caught in flight',
    () => inFlight(stage, before),
    ({ at }) => `it runs: ${at}`,
  );
  const fromMs = plane.clock.now();
  const startedMs = performance.now();
  const sinceMs = () => Math.round(performance.now() - startedMs);
  const catching = operator
    .until(flying.id, ['held', 'succeeded', 'failed', 'dead'], 30_000)
    .then((run) => ({ caught: run, heldAfterMs: sinceMs() }));
  const { epoch } = await progress.step(
    'the kill switch is engaged',
    () => operator.halt('demo: everything stops'),
    ({ key }) => `halted; the key is ${key}, and every permit given before is void`,
  );
  const acknowledgedAfterMs = sinceMs();
  const { caught, heldAfterMs } = await catching;
  check(
    caught.state === 'held' && caught.attempt === 0,
    `the running backtest is held, its attempt given back (it is ${caught.state})`,
  );
  check(caught.cursor !== undefined, 'the held backtest has a checkpoint to go on from');
  const held = await progress.step(
    'a second request, and two minutes of slots, while halted',
    () => waitInHalt(stage, before.file),
    (run) => `the backtest was held after ${heldAfterMs} ms; the request is ${run.state}; nothing was begun`,
  );
  const skipped = (await operator.scheduledRuns(fromMs, plane.clock.now()))
    .filter((run) => run.outcome?.code === 'halted')
    .map((run) => run.id);
  check(skipped.length > 0, 'slots of tasks that stand still in a halt were skipped');
  const [done, again] = await progress.step(
    'released; the held request and the backtest go on',
    () => releaseAndFinish(stage, [held.id, flying.id]),
    ([request, run]) =>
      `the request ${request?.state}; the backtest ${run?.state}, begun ${run?.starts} times, attempt ${run?.attempt}`,
  );
  check(done?.state === 'succeeded' && done.attempt === 1, 'the held request was done once, at its first attempt');
  check(again?.state === 'succeeded' && again.starts === 2, 'the backtest was resumed once and done');
  const { metrics, trades } = await fetchBacktest(stage, again);
  const sameResult =
    JSON.stringify([metrics, trades]) === JSON.stringify([before.backtested.metrics, before.backtested.trades]);
  check(sameResult, 'the resumed backtest has the numbers of the undisturbed one');
  return {
    epoch,
    acknowledgedAfterMs,
    heldRun: held.id,
    heldState: held.state,
    skipped,
    finalState: done.state,
    caught: {
      run: flying.id,
      heldState: caught.state,
      heldAfterMs,
      cursor: caught.cursor,
      finalState: again.state,
      starts: again.starts,
      attempt: again.attempt,
      sameResult,
    },
  };
}

/** Resolves once the run has said that it is in the middle of its work. */
async function inFlight({ operator }: Stage, { file, choice }: Before): Promise<{ id: string; at: string }> {
  const { id } = await operator.request(backtestRequest(file, choice));
  for (const until = performance.now() + 60_000; performance.now() < until;) {
    const frame = (await operator.frames(id)).findLast(
      ({ stage, done }) => stage === 'resample' && (done ?? 0) >= 1000,
    );
    if (frame) return { id, at: `${frame.done} of ${frame.total} ${frame.unit}` };
    const run = await operator.run(id);
    check(run?.state === 'queued' || run?.state === 'running', `the backtest is still under way (it is ${run?.state})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw stop(`the backtest ${id} did not come to its resampling within a minute: look at its executor's log`);
}

async function waitInHalt({ plane, operator }: Pick<Stage, 'plane' | 'operator'>, file: CsvFile) {
  const { id } = await operator.request(requestOf(file));
  await liveUntil(plane, nextMinute(plane.clock.now()) + (haltedMinutes - 1) * minuteMs);
  const run = await operator.run(id);
  check(
    run?.state === 'held' && run.starts === 0,
    `the second request is held and was never begun (it is ${run?.state})`,
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
