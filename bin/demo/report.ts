import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { shown, type Backtested } from './backtest.ts';
import { table } from './progress.ts';
import type { Halted } from './halt.ts';
import type { Audited, Operator, ScheduledRun } from './operator.ts';
import type { driveSchedules, Ingested } from './scenario.ts';

/** Which slots came oddly: one three times in all, one behind newer ones. */
type Ticks = Awaited<ReturnType<typeof driveSchedules>>;

export interface Told {
  readonly runs: readonly ScheduledRun[];
  readonly ticks: Ticks;
  readonly ingested: Ingested;
  readonly backtested: Backtested;
  readonly halted: Halted;
  readonly audited: Audited;
  /** Pages of the synthesised dashboards. */
  readonly dashboards: readonly string[];
  readonly folder: string;
}

/** Writes results, reports and status page where a person finds them when the plane is gone. */
export async function keepFiles(
  operator: Operator,
  { ingested, backtested }: Pick<Told, 'ingested' | 'backtested'>,
  folder: string,
): Promise<void> {
  const write = (path: string, bytes: Uint8Array) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  };
  for (const [name, bytes] of ingested.files) write(join('ingest', name), bytes);
  for (const [name, bytes] of backtested.files) write(join('backtest', name), bytes);
  for (const name of ['status.json', 'history.json', 'index.html'])
    write(join('status', name), await operator.statusFile(name));
}

const slotMs = ({ slot }: ScheduledRun): number => (slot === undefined ? 0 : Date.parse(slot));
const iso = (instantMs: number): string =>
  instantMs === 0 ? '-' : `${new Date(instantMs).toISOString().slice(0, 19)}Z`;
const lateness = (run: ScheduledRun): number | null =>
  run.startedAt === undefined || run.slot === undefined ? null : Date.parse(run.startedAt) - slotMs(run);

/** The one document of `--json`. */
export const toJson = ({ runs, ticks, ingested, backtested, halted, audited, dashboards, folder }: Told) => ({
  runs: runs.map((run) => ({
    schedule: run.schedule,
    slot: iso(slotMs(run)),
    run: run.id,
    task: run.task,
    state: run.state,
    ...(run.outcome?.code ? { code: run.outcome.code } : {}),
    latenessMs: lateness(run),
    attempts: run.attempt,
    deliveries: isSlot(run, ticks, ticks.repeatedMs) ? 3 : 1,
  })),
  ingest: {
    run: ingested.run,
    ...ingested.result,
    quality: ingested.manifest.quality,
    files: files(ingested, folder),
    statusPage: join(folder, 'status', 'index.html'),
    dashboards,
  },
  halt: halted,
  audit: audited,
  backtest: {
    run: backtested.run,
    executor: backtested.executor,
    strategy: backtested.strategy,
    metrics: backtested.metrics,
    trades: backtested.trades.map(({ entryBar, exitBar, size, entryPrice, exitPrice, pnl, commission }) => ({
      entryBar,
      exitBar,
      size,
      entryPrice,
      exitPrice,
      pnl,
      commission,
    })),
    artefacts: backtested.artefacts.map(({ name, bytes, sha256 }) => ({
      name,
      path: join(folder, 'backtest', name),
      bytes,
      sha256,
    })),
    warnings: backtested.warnings,
  },
});

const files = ({ files: kept }: Ingested, folder: string): string[] =>
  [...kept.keys()].map((name) => join(folder, 'ingest', name));

/** What a person reads at the end. */
export function toText(told: Told): string {
  const parts = [
    scheduledTable(told),
    ingestReport(told.ingested),
    backtestReport(told.backtested),
    auditReport(told.audited),
    whereToLook(told),
  ];
  return [...parts, whatNext()].join('\n\n');
}

const isSlot = (run: ScheduledRun, { schedule }: Ticks, atMs: number): boolean =>
  slotMs(run) === atMs && schedule.endsWith(run.schedule ?? '-');

function scheduledTable({ runs, ticks }: Told): string {
  const rows = runs
    .toSorted((one, other) => slotMs(one) - slotMs(other) || (one.schedule ?? '').localeCompare(other.schedule ?? ''))
    .map((run) => {
      const state = run.outcome?.code ? `${run.state}: ${run.outcome.code}` : run.state;
      return [
        run.schedule ?? '',
        iso(slotMs(run)),
        run.id,
        state,
        lateness(run) === null ? '-' : `${lateness(run)} ms`,
        String(run.attempt),
      ];
    });
  const oddly = `Of ${ticks.schedule}, the slot ${iso(ticks.repeatedMs)} was delivered three times, and ${iso(ticks.lateMs)} came behind newer ones: one run each.`;
  return `Scheduled runs\n\n${table([['schedule', 'slot', 'run', 'state', 'lateness', 'attempts'], ...rows])}\n\n${oddly}`;
}

function ingestReport({ result, manifest: { quality, artefacts } }: Ingested): string {
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .filter(([, rows]) => rows > 0)
      .map(([name, rows]) => `${name} ${rows}`)
      .join(', ') || 'none';
  const facts = [
    ['rows in', String(result['rowsIn'])],
    ['rows in silver', String(result['rowsSilver'])],
    ['quarantined', `${result['rowsQuarantined']} (${counts(quality.quarantine)})`],
    ['duplicates', String(result['duplicates'])],
    ['from, to', `${quality.first} to ${quality.last}`],
    ['order', quality.order],
    ['calendar', describe(quality.calendar)],
    ['sessions without a bar', sessionsWithoutBar(quality.gaps)],
    ['flags', counts(quality.flags)],
    ...quality.warnings.map((warning) => ['warning', warning]),
    ...artefacts.map(({ name, rows, bytes, sha256 }) => [
      `${name}.parquet`,
      `${rows} rows, ${bytes} bytes, sha256 ${sha256.slice(0, 16)}...`,
    ]),
  ];
  return `Ingestion\n\n${table([['what', 'found'], ...facts])}`;
}

/** How many, and the first of them: a date may be missing in the file, or its row may be in quarantine. */
function sessionsWithoutBar({ missing, listed }: Ingested['manifest']['quality']['gaps']): string {
  if (missing === 0) return '0';
  const shown = listed.slice(0, 8).map(({ from, to }) => (from === to ? from : `${from} to ${to}`));
  return `${missing}, quarantined ones included (${shown.join(', ')}${listed.length > shown.length ? ', ...' : ''})`;
}

/** Which metrics a person looks at first, and how they are called. */
const shownMetrics = [
  ['returnPercent', 'return, %'],
  ['buyAndHoldReturnPercent', 'buy and hold, %'],
  ['cagrPercent', 'CAGR, %'],
  ['annualVolatilityPercent', 'volatility a year, %'],
  ['sharpeRatio', 'Sharpe ratio'],
  ['maxDrawdownPercent', 'largest drawdown, %'],
  ['winRatePercent', 'win rate, %'],
  ['feesPaid', 'fees'],
] as const;

function backtestReport({ metrics, trades, strategy, executor, warnings }: Backtested): string {
  const rows = shownMetrics
    .filter(([name]) => metrics[name] !== undefined)
    .map(([name, title]) => [title, shown(metrics[name])]);
  const facts = [
    ['strategy', `${strategy.name} ${JSON.stringify(strategy.params)}`],
    ['executor', executor.split('/').at(-1) ?? executor],
    ['trades', String(trades.length)],
    ...rows,
    ...warnings.map((warning) => ['warning', warning]),
  ];
  return `Backtest\n\n${table([['what', 'found'], ...facts])}`;
}

function auditReport({ rows, chains, operations }: Audited): string {
  const lines = operations.map(({ at, did, by, subject }) => [`${at.slice(0, 19)}Z`, did, by, subject]);
  const title = `Who did what: ${rows} rows of the audit in ${chains} chains, none altered; what people did of it`;
  return `${title}\n\n${table([['when', 'did', 'by', 'to what'], ...lines])}`;
}

const describe = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value)
    .filter((part) => typeof part === 'string')
    .join(': ');
};

function whereToLook({ folder, halted, ingested, backtested, dashboards }: Told): string {
  const at = (...path: string[]) => relative(process.cwd(), join(folder, ...path));
  const rows = [
    ['backtest report', at('backtest', 'report.html')],
    ...dashboards.map((path) => ['dashboard', relative(process.cwd(), path)]),
    ['status page', at('status', 'index.html')],
    ...[...ingested.files.keys()].toSorted().map((name) => [name, at('ingest', name)]),
  ];
  const { caught } = halted;
  const resumed = caught
    ? `A running backtest was held after ${caught.heldAfterMs} ms and resumed: the same ${backtested.trades.length} trades.`
    : 'The file has too few bars for a backtest to be caught in flight.';
  const halt = `The halt was epoch ${halted.epoch}, acknowledged after ${halted.acknowledgedAfterMs} ms; ${halted.skipped.length} slots were skipped, the held run ${halted.finalState}.`;
  return [
    'Where to look',
    '',
    ...rows.map(([name = '', path]) => `  ${name.padEnd(22)}${path}`),
    '',
    halt,
    resumed,
  ].join('\n');
}

const whatNext = (): string =>
  [
    'What to try next',
    '',
    '  npm run demo -- --csv FILE --fast 5 --slow 50    the same with your own OHLCV file and lengths',
    '  npx alphaswarm up             keep the plane running; in another terminal: npx alphaswarm status',
    '  docs/architecture.md          how a message travels',
    '  CONTRIBUTING.md               add a task of your own',
  ].join('\n');
