// A run over bars: broker and strategy side by side, advanced to any bar, frozen there, thawed elsewhere.
//
// Frozen state is the broker and the strategy's own state: it grows with the number of orders, not with the number of
// bars. Indicator columns and the equity curve are recomputed from the bars, by causal columns and from the fills, so an
// interrupted run ends in the very same bytes.
import { badData, badSetting } from '#engines/backtest/errors.ts';
import { barAt, barCount } from '#engines/backtest/bars.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import { openBroker } from '#engines/backtest/broker.ts';
import type { Broker, BrokerOptions } from '#engines/backtest/broker.ts';
import { advance, finalize } from '#engines/backtest/matching.ts';
import type { ReadyStrategy } from '#engines/backtest/strategies/registry.ts';
import type { Columns, StrategyState } from '#engines/backtest/strategy.ts';

export interface Simulation {
  readonly bars: Bars;
  readonly strategy: ReadyStrategy;
  readonly columns: Columns;
  readonly broker: Broker;
  state: StrategyState;
  finished: boolean;
}

export interface FrozenSimulation {
  v: 1;
  strategy: { name: string; params: unknown };
  broker: Broker;
  state: StrategyState;
  finished: boolean;
}

interface Setting {
  bars: Bars;
  strategy: ReadyStrategy;
  options: BrokerOptions;
}

/** A run before its first bar. Throws INPUT_INVALID where the warm-up leaves no bar to trade on. */
export const startSimulation = ({ bars, strategy, options }: Setting): Simulation => {
  const [rows, warmUp] = [barCount(bars), strategy.warmUpBars];
  if (rows <= warmUp) {
    throw badData(
      `strategy ${strategy.name} needs ${warmUp} bars before its first decision, and the data has ${rows}: take more data, or smaller parameters`,
    );
  }
  return assemble({ bars, strategy }, { broker: openBroker(options), state: strategy.start, finished: false });
};

const assemble = (
  { bars, strategy }: Pick<Setting, 'bars' | 'strategy'>,
  kept: Pick<Simulation, 'broker' | 'state' | 'finished'>,
): Simulation => ({ bars, strategy, columns: strategy.prepare(bars), ...kept });

/**
 * Simulates bars until `untilBar` (not included) or the end; at the end finalises where that is asked for. Says whether the
 * run is over.
 */
export const advanceTo = (run: Simulation, untilBar = Number.POSITIVE_INFINITY): boolean => {
  const rows = barCount(run.bars);
  const until = Math.min(rows, untilBar);
  simulate(run, until);
  if (run.broker.bar + 1 === rows && !run.finished) {
    if (run.broker.options.finalizeTrades) finalize(run.broker, barAt(run.bars, rows - 1));
    run.finished = true;
  }
  return run.finished;
};

const simulate = (run: Simulation, until: number): void => {
  const { broker, strategy, bars, columns } = run;
  const moment = { params: strategy.params, index: 0, bars, columns, broker, state: run.state };
  while (broker.bar + 1 < until) {
    advance(broker, barAt(bars, broker.bar + 1));
    if (broker.ruin !== null || broker.bar < strategy.warmUpBars) continue;
    moment.index = broker.bar;
    moment.state = strategy.next(moment);
  }
  run.state = moment.state;
};

/** A copy that JSON carries. */
export const freeze = ({ strategy, broker, state, finished }: Simulation): FrozenSimulation =>
  structuredClone({ v: 1, strategy: { name: strategy.name, params: strategy.params }, broker, state, finished });

/** The run goes on over the same bars with the same strategy. Throws PAYLOAD_INVALID for a state of another run. */
export const thaw = (frozen: FrozenSimulation, { bars, strategy }: Pick<Setting, 'bars' | 'strategy'>): Simulation => {
  const [was, is] = [frozen.strategy, { name: strategy.name, params: strategy.params }].map((each) =>
    JSON.stringify(each),
  );
  if (frozen.v !== 1 || was !== is || frozen.broker.bar >= barCount(bars)) {
    throw badSetting(
      `the frozen state is of strategy ${was} at bar ${frozen.broker.bar}, not of ${is} over ${barCount(bars)} bars: start anew`,
    );
  }
  const { broker, state, finished } = structuredClone(frozen);
  return assemble({ bars, strategy }, { broker, state, finished });
};
