import { Failure } from '#core/errors.ts';
import type { TaskBody } from '#core/task.ts';
import { brokerOptions } from '#engines/backtest/broker.ts';
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
import { checkpointer, restore } from './checkpoints.ts';
import { loadInput, type Context, type Input, type Payload } from './input.ts';

/** Bars between two looks at the world: some milliseconds of work. */
const barsAStep = 20_000;

/** Runs a strategy over a data set. */
export const run: TaskBody<'backtest.run'> = async (payload, context) => {
  if (payload.engine !== 'event') throw unavailable(payload.engine);
  try {
    const input = await loadInput(payload, context);
    const simulation = await simulate(payload, input, context);
    return {
      metrics: {},
      tradeCount: simulation.broker.closed.length,
      bars: input.bars.tsMs.length,
      warnings: [],
      manifestKey: 'x',
    };
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

async function simulate(payload: Payload, { bars }: Input, context: Context): Promise<Simulation> {
  const strategy = strategyOf(payload.strategy);
  const saved = await restore(context);
  const simulation = saved
    ? thaw(saved.state as FrozenSimulation, { bars, strategy })
    : startSimulation({ bars, strategy, options: brokerOptions(payload.broker) });
  const checkpoints = checkpointer(context);
  for (let until = barsAStep; !advanceTo(simulation, until); until += barsAStep) {
    context.progress({ stage: 'simulate', done: until, total: bars.tsMs.length, unit: 'bars' });
    await checkpoints.reach('simulate', () => freeze(simulation));
  }
  return simulation;
}
