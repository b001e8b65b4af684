import { Failure } from '#core/errors.ts';
import type { TaskBody } from '#core/task.ts';
import {
  bootstrapReason,
  confidenceOf,
  resample,
  startBootstrap,
  type BootstrapState,
  type Confidence,
} from '#engines/backtest/bootstrap.ts';
import { brokerOptions } from '#engines/backtest/broker.ts';
import { equityCurve } from '#engines/backtest/equity.ts';
import { periodsOf, type Periods } from '#engines/backtest/metrics/periods.ts';
import { statisticsOf } from '#engines/backtest/metrics/statistics.ts';
import {
  advanceTo,
  freeze,
  startSimulation,
  thaw,
  type FrozenSimulation,
  type Simulation,
} from '#engines/backtest/simulate.ts';
import { strategyOf } from '#engines/backtest/strategies/registry.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { checkpointer, restore, type Checkpoints, type Saved } from './checkpoints.ts';
import { loadInput, type Context, type Input, type Payload } from './input.ts';
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

async function backtest(payload: Payload, context: Context) {
  const work: Work = { context, saved: await restore(context), checkpoints: checkpointer(context) };
  const input = await loadInput(payload, context);
  const simulation = await simulate(work, payload, input);
  const { bars, broker, strategy } = simulation;
  const curve = equityCurve(bars, broker);
  const statistics = statisticsOf({ bars, broker, curve, warmUpBars: strategy.warmUpBars });
  const periods = periodsOf(bars.tsMs, curve.equity);
  const confidence = await howSure(work, simulation, periods);
  return writeResult(context, { payload, input, simulation, curve, statistics, confidence });
}

/** What the phases share. */
interface Work {
  readonly context: Context;
  readonly saved: Saved | undefined;
  readonly checkpoints: Checkpoints;
}

async function simulate({ context, saved, checkpoints }: Work, payload: Payload, { bars }: Input): Promise<Simulation> {
  const strategy = strategyOf(payload.strategy);
  const simulation = saved
    ? thaw(saved.simulation as FrozenSimulation, { bars, strategy })
    : startSimulation({ bars, strategy, options: brokerOptions(payload.broker) });
  const total = bars.tsMs.length;
  for (let until = barsAStep; !advanceTo(simulation, until); until += barsAStep) {
    context.progress({ stage: 'simulate', done: Math.min(until, total), total, unit: 'bars' });
    await checkpoints.reach(() => ({ simulation: freeze(simulation) }));
  }
  context.progress({ stage: 'simulate', done: total, total, unit: 'bars' });
  return simulation;
}

/** Resamples the returns; most of the time of a run on daily bars goes into this. */
async function howSure(
  { context, saved, checkpoints }: Work,
  simulation: Simulation,
  periods: Periods,
): Promise<Confidence | { readonly reason: string }> {
  const reason = bootstrapReason(periods);
  if (reason !== null) return { reason };
  const state = (saved?.bootstrap as BootstrapState | undefined) ?? startBootstrap(periods);
  const total = state.resamples;
  for (
    let until = state.sharpeRatio.length + resamplesAStep;
    !resample(state, periods, until);
    until += resamplesAStep
  ) {
    context.progress({
      stage: 'resample',
      done: until,
      total,
      unit: 'resamples',
      pct: Math.floor((90 * until) / total),
    });
    await checkpoints.reach(() => ({ simulation: freeze(simulation), bootstrap: state }));
  }
  return confidenceOf(state, periods);
}
