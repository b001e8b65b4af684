/**
 * Light no-op runs through the real pipeline, a durable row each: `npm run bench:plane`. docs/benchmarks.md says what each
 * figure means. One JSON line a figure on stdout, words on stderr.
 *
 *   --quick             few runs, two repetitions: to see that it works
 *   --no-celery         without the peer
 *   --cpu-profile DIR   writes a profile of the measured process
 */
import { parseArgs } from 'node:util';
import { startCelery, type Celery } from './plane/celery.ts';
import { startChild, type Child } from './plane/child.ts';
import { figureOf, percentile, rounded, sentenceOf } from './plane/figures.ts';
import { load, machine } from './plane/machine.ts';
import type { MeasuredAnswers } from './plane/measured.ts';
import { startWorld, type World } from './plane/world.ts';

const bench = 'plane';
const full = { runs: 1000, single: 300, chains: 60, traffic: 400, warmUp: 400, repetitions: 5 };
const quick = { runs: 100, single: 30, chains: 10, traffic: 100, warmUp: 50, repetitions: 2 };
type Sizes = typeof full;

/** Samples of each figure, one a repetition. */
type Samples = Map<string, { unit: string; values: number[] }>;
interface Bench {
  readonly world: World;
  readonly measured: Child<MeasuredAnswers>;
  readonly celery: Celery | undefined;
  readonly sizes: Sizes;
  readonly note: (figure: string, unit: string, value: number) => void;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

async function throughput({ world, measured, sizes, note }: Bench): Promise<void> {
  const { runs } = sizes;
  const before = await world.cpuMs();
  const { enqueued, drained } = await measured.ask('throughput', runs);
  const after = await world.cpuMs();
  note('enqueue + drain', 'runs/s', (runs * 1000) / (enqueued.ms + drained.ms));
  note('enqueue alone', 'runs/s', (runs * 1000) / enqueued.ms);
  note('drain alone', 'runs/s', (runs * 1000) / drained.ms);
  note('processor: enqueue', 'ms/run', enqueued.cpuMs / runs);
  note('processor: consume', 'ms/run', drained.cpuMs / runs);
  const polled = await measured.ask('poll', runs);
  note('processor: of it the poller', 'ms/run', polled.cpuMs / runs);
  for (const name of ['dynalite', 'fauxqs', 'valkey'] as const) {
    const cpuMs = after[name] - before[name];
    if (Number.isFinite(cpuMs)) note(`processor: ${name}, not ours`, 'ms/run', cpuMs / runs);
  }
}

async function overhead({ measured, sizes, note }: Bench): Promise<void> {
  const plain = await measured.ask('overhead', { runs: sizes.single, traced: false });
  const totals = plain.map(({ totalMs }) => totalMs);
  note('overhead p50', 'ms', percentile(totals, 50));
  note('overhead p99', 'ms', percentile(totals, 99));
  const traced = await measured.ask('overhead', { runs: sizes.single, traced: true });
  const ours = traced.map(({ totalMs, waitedMs }) => totalMs - waitedMs);
  const waited = traced.map(({ waitedMs }) => waitedMs);
  note('overhead, counted: stores p50', 'ms', percentile(waited, 50));
  note('overhead, counted: stores p99', 'ms', percentile(waited, 99));
  note('overhead, counted: ours p50', 'ms', percentile(ours, 50));
  note('overhead, counted: ours p99', 'ms', percentile(ours, 99));
}

async function chains({ measured, sizes, note }: Bench): Promise<void> {
  const samples = await measured.ask('chains', sizes.chains);
  note('chain of three, median', 'ms', percentile(samples, 50));
  note('chain of three, p99', 'ms', percentile(samples, 99));
}

async function traffic({ measured, sizes, note }: Bench): Promise<void> {
  const { enqueued, consumed } = await measured.ask('traffic', sizes.traffic);
  for (const [when, { operations, roundTrips }] of Object.entries({ enqueue: enqueued, consume: consumed })) {
    note(`round trips: ${when}`, '/run', roundTrips);
    for (const [operation, count] of Object.entries(operations)) note(`  ${when}: ${operation}`, '/run', count);
  }
}

async function peer({ celery, sizes, note }: Bench): Promise<void> {
  if (!celery) return;
  const { runs } = sizes;
  const { ms, enqueueMs, enqueueCpuMs, workerCpuMs } = await celery.throughput(runs);
  note('Celery: enqueue and drain at once', 'runs/s', (runs * 1000) / ms);
  note('Celery: enqueue', 'runs/s', (runs * 1000) / enqueueMs);
  note('Celery: processor: enqueue', 'ms/run', enqueueCpuMs / runs);
  note('Celery: processor: worker', 'ms/run', workerCpuMs / runs);
  const samples = await celery.chains(sizes.chains);
  note('Celery: chain of three, median', 'ms', percentile(samples, 50));
  note('Celery: chain of three, p99', 'ms', percentile(samples, 99));
}

type Part = (run: Bench) => Promise<void>;

const mostTries = 5;

/** A part is done again when the machine stood still for longer than the plane puts up with: 250 ms for the kill switch. */
async function unlessVoid(run: Bench, part: Part): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const noted: Parameters<Bench['note']>[] = [];
    try {
      await part({ ...run, note: (...row) => void noted.push(row) });
      for (const row of noted) run.note(...row);
      return;
    } catch (error) {
      const why = error instanceof Error ? /VOID: .*/.exec(error.message)?.[0] : undefined;
      if (why === undefined) throw error;
      if (tries === mostTries) throw new Error(`this machine is too busy to measure on, try again later: ${why}`);
      say(`${part.name}, to be repeated: ${why}`);
    }
  }
}

async function warmUp({ measured, sizes }: Bench): Promise<void> {
  say(`warm-up: ${sizes.warmUp} runs`);
  await measured.ask('throughput', sizes.warmUp);
  await measured.ask('overhead', { runs: sizes.single, traced: false });
}

/** In turns, so that what else the machine does meets all of them. */
async function repeat(run: Bench): Promise<void> {
  const { sizes } = run;
  await unlessVoid(run, warmUp);
  for (let repetition = 1; repetition <= sizes.repetitions; repetition += 1) {
    for (const part of [throughput, overhead, chains, traffic, peer]) {
      const beganMs = performance.now();
      await unlessVoid(run, part);
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
      say(`repetition ${repetition} of ${sizes.repetitions}: ${part.name}, ${seconds} s, load ${load()}`);
    }
  }
}

/** Figures of this run over those of Celery, repetition by repetition: the machine was the same for both. */
function noteRatios(samples: Samples): void {
  const pairs = [
    ['ratio to Celery: throughput', 'enqueue + drain', 'Celery: enqueue and drain at once'],
    ['ratio to Celery: chain of three', 'chain of three, median', 'Celery: chain of three, median'],
  ] as const;
  for (const [figure, ours, theirs] of pairs) {
    const peerValues = samples.get(theirs)?.values;
    const values = samples.get(ours)?.values.map((value, at) => value / (peerValues?.[at] ?? Number.NaN));
    if (peerValues && values) samples.set(figure, { unit: 'x', values });
  }
}

function report(samples: Samples, where: ReturnType<typeof machine>): void {
  const loadAfter = load();
  tell({ bench, figure: 'machine', value: where.cores, unit: 'cores', ...where, loadAfter });
  say(`\n${where.cores} cores, ${where.processor}, Node ${where.versions['node']}, ${where.atUtc} UTC`);
  say(`load before ${where.loadBefore}, after ${loadAfter}; median (smallest to largest repetition)\n`);
  for (const [name, { unit, values }] of samples) {
    const figure = figureOf(bench, [name.trim(), unit], values);
    tell(figure);
    say(sentenceOf({ ...figure, figure: name, value: rounded(figure.value) }));
  }
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      'no-celery': { type: 'boolean', default: false },
      'cpu-profile': { type: 'string' },
    },
  });
  const where = machine();
  const samples: Samples = new Map();
  const note: Bench['note'] = (figure, unit, value) => {
    const row = samples.get(figure) ?? { unit, values: [] };
    row.values.push(value);
    samples.set(figure, row);
  };
  const world = await startWorld();
  const profile = options['cpu-profile'];
  const execArgv = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const measured = startChild<MeasuredAnswers>('measured.ts', { env: world.variables, execArgv });
  const celery = options['no-celery'] ? { skipped: 'not wanted' } : await startCelery(world.redisUrl);
  try {
    await measured.ask('open', world.variables);
    if ('skipped' in celery) say(`Celery is skipped: ${celery.skipped}`);
    const sizes = options.quick ? quick : full;
    await repeat({ world, measured, celery: 'skipped' in celery ? undefined : celery, sizes, note });
    noteRatios(samples);
    report(samples, where);
  } finally {
    await measured.stop();
    if (!('skipped' in celery)) await celery.stop();
    await world.stop();
  }
}

await main();
