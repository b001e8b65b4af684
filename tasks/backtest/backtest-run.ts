import { Failure } from '#core/errors.ts';
import type { TaskBody } from '#core/task.ts';
import { finishBacktest, prepareBacktest, type PreparedBacktest } from '#engines/backtest/backtest.ts';
import {
  bootstrapReason,
  confidenceOf,
  resample,
  startBootstrap,
  type BootstrapState,
  type Confidence,
} from '#engines/backtest/bootstrap.ts';
import type { Periods } from '#engines/backtest/metrics/periods.ts';
import { advanceTo, freeze, type FrozenSimulation, type Simulation } from '#engines/backtest/simulate.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { checkpointer, restore, type Checkpoints, type Saved } from './checkpoints.ts';
import { loadInput, type Context, type Payload } from './input.ts';
import { writeResult } from './result.ts';

/** Work between two looks at the world: some milliseconds to some tens of them. */
const barsAStep = 20_000;
const resamplesAStep = 500;

/**
 * Runs a strategy over a data set: bar by bar, then its statistics, then how sure they are; at last the files, and the
 * manifest that names them. What an earlier attempt had saved is not done again.
 */
export const run: TaskBody<'backtest.run'> = async (payload, context) => {
  if (payload.engine !== 'event') throw unavailable(payload.engine);
  try {
    return await backtest(payload, context);
  } catch (thrown) {
    if (thrown instanceof IngestError) throw new Failure('INPUT_INVALID', thrown.message, { cause: thrown });
    throw thrown;
  }
};

const unavailable = (engine: string) =>
  new Failure(
    'ENGINE_UNAVAILABLE',
    `the engine ${engine} is not part of this plane: take "event", or leave engine out`,
  );

/** What the phases share. */
interface Work {
  readonly context: Context;
  readonly saved: Saved | undefined;
  readonly checkpoints: Checkpoints;
}

async function backtest(payload: Payload, context: Context) {
  const { bars, data } = await loadInput(payload, context);
  const { sha256 } = data;
  const work: Work = { context, saved: await restore(context, sha256), checkpoints: checkpointer(context, sha256) };
  const { strategy, broker, from, to, resamples } = payload;
  const frozen = work.saved?.simulation as FrozenSimulation | undefined;
  const prepared = prepareBacktest({ bars, strategy, broker, from, to }, frozen);
  await simulate(work, prepared);
  const result = finishBacktest(prepared.run);
  const confidence = await howSure(work, prepared.run, { periods: result.periods, resamples });
  return writeResult(work, { payload, data, ...prepared, result, confidence });
}

async function simulate({ context, checkpoints }: Work, { run: simulation }: PreparedBacktest): Promise<void> {
  const total = simulation.bars.tsMs.length;
  for (let until = simulation.broker.bar + 1 + barsAStep; !advanceTo(simulation, until); until += barsAStep) {
    context.progress({ stage: 'simulate', done: Math.min(until, total), total, unit: 'bars' });
    await checkpoints.reach(() => ({ simulation: freeze(simulation) }));
  }
  context.progress({ stage: 'simulate', done: total, total, unit: 'bars' });
}

/** Resamples the returns; most of the time of a run on daily bars goes into this. Or why there is nothing to resample. */
async function howSure(
  { context, saved, checkpoints }: Work,
  simulation: Simulation,
  { periods, resamples }: { periods: Periods; resamples: number },
): Promise<Confidence | string> {
  const reason = bootstrapReason(periods);
  if (reason !== null) return reason;
  const state = (saved?.bootstrap as BootstrapState | undefined) ?? startBootstrap(periods, { resamples });
  const total = state.resamples;
  const untilNext = () => state.sharpeRatio.length + resamplesAStep;
  while (!resample(state, periods, untilNext())) {
    const done = state.sharpeRatio.length;
    context.progress({ stage: 'resample', done, total, unit: 'resamples', pct: Math.floor((90 * done) / total) });
    await checkpoints.reach(() => ({ simulation: freeze(simulation), bootstrap: state }));
  }
  return confidenceOf(state, periods);
}
