import { issuesOf } from '#engines/backtest/broker.ts';
import { badSetting } from '#engines/backtest/errors.ts';
import { breakout } from '#engines/backtest/strategies/breakout.ts';
import { buyAndHold } from '#engines/backtest/strategies/buy-and-hold.ts';
import { smaCross } from '#engines/backtest/strategies/sma-cross.ts';
import type { Strategy, StrategyMoment } from '#engines/backtest/strategy.ts';

/** A strategy with its parameters checked: what a run needs of it, the parameters' type forgotten. */
export interface ReadyStrategy extends Omit<Strategy<unknown>, 'params' | 'warmUpBars' | 'prepare'> {
  name: string;
  params: unknown;
  warmUpBars: number;
  prepare: (bars: Parameters<Strategy<unknown>['prepare']>[0]) => ReturnType<Strategy<unknown>['prepare']>;
}

/** What a run asks for; `params` may leave out what has a default. */
export interface StrategyChoice {
  name: string;
  params?: unknown;
}

/** Checks parameters of any strategy, registered or not. Throws PAYLOAD_INVALID. */
const ready = <P>(name: string, strategy: Strategy<P>, input: unknown = {}): ReadyStrategy => {
  const parsed = strategy.params.safeParse(input);
  if (!parsed.success) throw badSetting(`strategy ${name}: ${issuesOf(parsed.error, input, 'params')}`, parsed.error);
  const params = parsed.data;
  return {
    name,
    title: strategy.title,
    params,
    warmUpBars: strategy.warmUpBars(params),
    prepare: (bars) => strategy.prepare(bars, params),
    start: strategy.start,
    // A moment carries the parameters that stand above; it is not copied, since this runs once a bar.
    next: (moment) => strategy.next(moment as StrategyMoment<P>),
  };
};

const registry: Readonly<Record<string, (input: unknown) => ReadyStrategy>> = {
  'sma-cross': (input) => ready('sma-cross', smaCross, input),
  breakout: (input) => ready('breakout', breakout, input),
  'buy-and-hold': (input) => ready('buy-and-hold', buyAndHold, input),
};

const strategyNames = Object.keys(registry);

/** The strategy of that name with its parameters. Throws PAYLOAD_INVALID for an unknown name or wrong parameters. */
export const strategyOf = ({ name, params }: StrategyChoice): ReadyStrategy => {
  const make = Object.hasOwn(registry, name) ? registry[name] : undefined;
  if (make) return make(params ?? {});
  const near = strategyNames.map((each) => ({ each, far: distance(name, each) })).toSorted((a, b) => a.far - b.far)[0];
  const meant = near && near.far <= 4 ? ` Did you mean ${near.each}?` : '';
  throw badSetting(`there is no strategy ${JSON.stringify(name)}: take one of ${strategyNames.join(', ')}.${meant}`);
};

/** Levenshtein's distance: how many letters to change, add or take away. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= Math.min(a.length, 64); i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? a.length;
};
