import type { ResultOf } from '#core/catalogue/tasks.ts';
import type { Confidence } from '#engines/backtest/bootstrap.ts';
import { shownTime } from '#engines/backtest/bars.ts';
import type { ClosedTrade } from '#engines/backtest/broker.ts';
import type { EquityCurve } from '#engines/backtest/equity.ts';
import type { Statistics } from '#engines/backtest/metrics/statistics.ts';
import type { Simulation } from '#engines/backtest/simulate.ts';
import { sha256Hex } from '#engines/digest.ts';
import type { Context, Input, Payload } from './input.ts';

export interface Finished {
  readonly payload: Payload;
  readonly input: Input;
  readonly simulation: Simulation;
  readonly curve: EquityCurve;
  readonly statistics: Statistics;
  readonly confidence: Confidence | { readonly reason: string };
}

interface File {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** Writes the files and, last, the manifest: a result is complete when that is there. */
export async function writeResult(context: Context, done: Finished): Promise<ResultOf<'backtest.run'>> {
  const { simulation, statistics } = done;
  context.progress({ stage: 'report', pct: 92 });
  const warnings = warningsOf(done);
  const artefacts: { name: string; key: string; bytes: number; sha256: string }[] = [];
  for (const { name, bytes, contentType } of await filesOf(done)) {
    const key = await context.ports.artefacts.put(name, bytes, contentType);
    artefacts.push({ name, key, bytes: bytes.length, sha256: sha256Hex(bytes) });
  }
  const manifest = json(manifestOf(context, done, { artefacts, warnings }), 2);
  const manifestKey = await context.ports.artefacts.put('manifest.json', manifest, 'application/json');
  return {
    metrics: statistics.values,
    tradeCount: simulation.broker.closed.length,
    bars: simulation.bars.tsMs.length,
    warnings,
    manifestKey,
  };
}

async function filesOf({ simulation }: Finished): Promise<File[]> {
  const { bars, broker } = simulation;
  const trades = broker.closed.map((trade) => shownTrade(trade, bars.tsMs));
  return [{ name: 'trades.json', bytes: json(trades), contentType: 'application/json' }];
}

const shownTrade = ({ id: _, ...trade }: ClosedTrade, tsMs: Float64Array) => ({
  ...trade,
  entryTime: shownTime(tsMs[trade.entryBar] ?? Number.NaN),
  exitTime: shownTime(tsMs[trade.exitBar] ?? Number.NaN),
});

function manifestOf(
  context: Context,
  { payload, input, simulation, statistics, confidence }: Finished,
  { artefacts, warnings }: { artefacts: unknown; warnings: readonly string[] },
) {
  const { strategy, bars } = simulation;
  return {
    v: 1,
    run: context.run.id,
    payload,
    payloadSha256: sha256Hex(json(payload)),
    strategy: { name: strategy.name, params: strategy.params, warmUpBars: strategy.warmUpBars },
    data: input.data,
    bars: { count: bars.tsMs.length, first: shownTime(bars.tsMs[0] ?? 0), last: shownTime(bars.tsMs.at(-1) ?? 0) },
    metrics: statistics.values,
    undefinedBecause: statistics.reasons,
    confidence,
    artefacts,
    warnings,
    partial: false,
  };
}

/** A row stays small: the first few, and how many there are. */
const shownWarnings = 5;

function warningsOf({ simulation: { broker, bars } }: Finished): string[] {
  const said = broker.warnings.map(({ bar, message }) => `${shownTime(bars.tsMs[bar] ?? 0)}: ${message}`);
  const more = said.length - shownWarnings;
  return [...said.slice(0, shownWarnings), ...(more > 0 ? [`and ${more} more like these`] : [])];
}

const json = (value: unknown, indent?: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value, null, indent));
