// The heavy way: a backtest on what was ingested, in an executor that the dispatcher started.
import { createHash } from 'node:crypto';
import type { Frame } from '#client/client.ts';
import { check, stop } from './checks.ts';
import type { CsvFile } from './csv-file.ts';
import type { Run } from './operator.ts';
import type { Stage } from './scenario.ts';

/** What a person may choose of the demo's backtest. */
export interface BacktestChoice {
  readonly fast: number;
  readonly slow: number;
  /** In the currency of the prices. */
  readonly cash: number;
  /** Fraction of the value of each order. */
  readonly commission: number;
}
export const defaultChoice: BacktestChoice = { fast: 10, slow: 20, cash: 10_000, commission: 0.002 };

export interface Trade {
  readonly entryBar: number;
  readonly exitBar: number;
  readonly size: number;
  readonly entryPrice: number;
  readonly exitPrice: number;
  readonly pnl: number;
  readonly commission: number;
}
export interface Backtested {
  readonly run: string;
  /** The task of ECS that served it. */
  readonly executor: string;
  readonly strategy: { readonly name: string; readonly params: unknown };
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Returns that were resampled; none where they were too few. */
  readonly periods: number;
  readonly trades: readonly Trade[];
  readonly warnings: readonly string[];
  readonly artefacts: readonly {
    readonly name: string;
    readonly key: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export const backtestRequest = (file: CsvFile, { fast, slow, cash, commission }: BacktestChoice) =>
  ({
    task: 'backtest.run',
    payload: {
      data: { dataset: file.dataset },
      strategy: { name: 'sma-cross', params: { fast, slow } },
      broker: { cash, commission, exclusiveOrders: true },
    },
  }) as const;

/** Asks for a backtest, follows it, and fetches what it left; every file is compared with its manifest. */
export function backtest(stage: Stage, file: CsvFile, choice: BacktestChoice): Promise<Backtested> {
  return stage.progress.step(
    `a request: backtest.run, sma-cross ${choice.fast}/${choice.slow} on ${file.dataset}; the dispatcher starts an executor`,
    async (note) => {
      const asked = await stage.operator.request(backtestRequest(file, choice));
      const { run, executor } = await follow(stage, asked.id, note);
      if (run.state !== 'succeeded')
        throw stop(`the backtest could not be run. ${run.outcome?.message ?? run.outcome?.code}`);
      return { ...(await fetchBacktest(stage, run)), executor };
    },
    ({ metrics, trades }) =>
      `${trades.length} trades, return ${shown(metrics['returnPercent'])} %, buy and hold ${shown(metrics['buyAndHoldReturnPercent'])} %`,
  );
}

export const shown = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'undefined' : value.toFixed(2);

const patienceMs = 120_000;

/** Tells each stage of the run as its frames say it, until it has ended. */
async function follow(
  { operator }: Stage,
  id: string,
  note: (text: string) => void,
): Promise<{ run: Run; executor: string }> {
  let [stage, executor]: (string | undefined)[] = [];
  for await (const frame of operator.frames(id, AbortSignal.timeout(patienceMs))) {
    if (frame.stage !== undefined && frame.stage !== stage) note(describe(frame));
    stage = frame.stage ?? stage;
    executor ??= (await operator.run(id)).worker;
  }
  return { run: await operator.run(id), executor: executor ?? '' };
}

const describe = ({ stage, done, total, unit, pct }: Frame): string =>
  [stage, done === undefined ? '' : `${done} of ${total} ${unit ?? ''}`, pct === undefined ? '' : `${pct} %`]
    .filter(Boolean)
    .join(', ');

interface Manifest {
  readonly strategy: Backtested['strategy'];
  readonly metrics: Backtested['metrics'];
  readonly confidence: { readonly periods: number } | string;
  readonly warnings: readonly string[];
  readonly artefacts: Backtested['artefacts'];
}

export async function fetchBacktest({ operator }: Stage, run: Run): Promise<Omit<Backtested, 'executor'>> {
  const { manifestKey } = run.result as { manifestKey: string };
  const manifestBytes = await operator.artefact(run, manifestKey);
  const manifest = JSON.parse(new TextDecoder().decode(manifestBytes)) as Manifest;
  const files = new Map([['manifest.json', manifestBytes]]);
  for (const { name, key, sha256 } of manifest.artefacts) {
    const bytes = await operator.artefact(run, key);
    check(createHash('sha256').update(bytes).digest('hex') === sha256, `${key} has the sha256 of its manifest`);
    files.set(name, bytes);
  }
  const { strategy, metrics, confidence, warnings, artefacts } = manifest;
  const periods = typeof confidence === 'string' ? 0 : confidence.periods;
  const trades = JSON.parse(new TextDecoder().decode(files.get('trades.json'))) as Trade[];
  return { run: run.id, strategy, metrics, periods, trades, warnings, artefacts, files };
}
