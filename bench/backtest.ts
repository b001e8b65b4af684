// How many bars a second our engine simulates, beside backtesting.py 0.6.6: the same bars, the same strategy, a whole run
// with its statistics (no bootstrap, no report), each timed inside its own process, turn by turn on the same machine.
// One JSON line a figure. `npm run bench:backtest [repetitions]`.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { finishBacktest, prepareBacktest } from '#engines/backtest/backtest.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import { advanceTo } from '#engines/backtest/simulate.ts';
import { pythonEnvironment } from './python-environment.ts';

// Both programs compile or cache on the way; ours needs some runs until V8 has.
const WARM_UPS = 20;
const repetitions = Number(process.argv[2] ?? 25);
const print = (figure: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(figure)}\n`);
const fileOf = (name: string): string => fileURLToPath(new URL(`../test/data/${name}`, import.meta.url));

interface Timing {
  seconds: number;
  bars: number;
  trades: number;
  finalEquity: number;
}

function barsOf(name: string): Bars {
  const rows = readFileSync(fileOf(name), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  const column = (at: number): Float64Array => Float64Array.from(rows, (row) => Number(row[at]));
  const tsMs = Float64Array.from(rows, ([date = '']) =>
    Date.parse(`${date.replace(' ', 'T')}${date.length > 10 ? 'Z' : ''}`),
  );
  return { tsMs, open: column(1), high: column(2), low: column(3), close: column(4), volume: column(5) };
}

function ours(bars: Bars): Timing {
  const began = performance.now();
  const { run } = prepareBacktest({
    bars,
    strategy: { name: 'sma-cross' },
    broker: { cash: 10_000, commission: 0.002 },
  });
  advanceTo(run);
  const { values } = finishBacktest(run).statistics;
  const seconds = (performance.now() - began) / 1000;
  return { seconds, bars: bars.close.length, trades: values.tradeCount ?? 0, finalEquity: values.finalEquity ?? 0 };
}

function openTheirs(python: string) {
  const child = spawn(python, [fileURLToPath(new URL('backtest/theirs.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the other program ended: run its Python on bench/backtest/theirs.py to see why');
    return JSON.parse(value) as T;
  };
  const ask = (name: string): Promise<Timing> => {
    child.stdin.write(`${JSON.stringify({ path: fileOf(name) })}\n`);
    return answer();
  };
  return { ask, answer, close: () => child.stdin.end() };
}

const spread = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Number((sorted[Math.round(share * (sorted.length - 1))] ?? 0).toPrecision(4));
  return { min: at(0), median: at(0.5), max: at(1) };
};

async function compare(name: string, ask: (name: string) => Promise<Timing>): Promise<void> {
  const bars = barsOf(name);
  for (let turn = 0; turn < WARM_UPS; turn += 1) alike(name, ours(bars), await ask(name));
  const pairs: [Timing, Timing][] = [];
  for (let turn = 0; turn < repetitions; turn += 1) pairs.push([ours(bars), await ask(name)]);
  const speed = ({ seconds, bars: count }: Timing): number => count / seconds;
  const about = { data: name, bars: bars.close.length, repetitions };
  print({ figure: 'bars per second, ours', ...about, ...spread(pairs.map(([mine]) => speed(mine))) });
  print({ figure: 'bars per second, backtesting.py', ...about, ...spread(pairs.map(([, theirs]) => speed(theirs))) });
  print({
    figure: 'ratio, turn by turn',
    ...about,
    ...spread(pairs.map(([mine, theirs]) => theirs.seconds / mine.seconds)),
  });
}

/** Speed is only worth comparing where the results are equal. */
function alike(name: string, own: Timing, other: Timing): void {
  if (own.trades === other.trades && Math.abs(own.finalEquity / other.finalEquity - 1) < 1e-9) return;
  throw new Error(`${name}: the runs differ, ${JSON.stringify({ own, other })}: nothing to compare`);
}

async function main(): Promise<void> {
  const found = pythonEnvironment('bench-backtest', new URL('backtest/requirements.lock', import.meta.url));
  if ('reason' in found) {
    print({ skipped: 'bench:backtest', reason: found.reason });
    return;
  }
  const theirs = openTheirs(`${found.bin}/python`);
  const versions = await theirs.answer<Record<string, string>>();
  print({
    measured: 'sma-cross 10/20, cash 10,000, commission 0.002: checks, simulation, statistics; data already in memory',
    node: process.version,
    ...versions,
    cores: availableParallelism(),
    processor: cpus()[0]?.model,
  });
  for (const name of ['GOOG.csv', 'EURUSD.csv']) await compare(name, theirs.ask);
  theirs.close();
}

await main();
