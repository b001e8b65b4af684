// Bronze to silver: typed, sorted, one row a timestamp, odd rows flagged, unusable ones in quarantine, all of it counted.
//
// The law: rowsIn = silver + quarantined + duplicates. Nothing disappears: a duplicate is dropped only when an equal row
// is kept, and every other row that does not reach silver is in quarantine with its line, its reason and its text.
// Memory: see series.ts; the whole dataset is sorted at once, so it is bounded by maxRows.
import type { CalendarName } from '#engines/calendar/calendars.ts';
import { breathe, collect, rawOfLines, refuseFlood, settleGranularity } from '#engines/ingest/collect.ts';
import type { CollectOptions, Collected, OpenParts, QuarantinedRow } from '#engines/ingest/collect.ts';
import { dedupe } from '#engines/ingest/dedupe.ts';
import type { Deduped } from '#engines/ingest/dedupe.ts';
import type { Header } from '#engines/ingest/header.ts';
import { refuseTooManyBad } from '#engines/ingest/limits.ts';
import { checksOf } from '#engines/ingest/report.ts';
import type { QualityCheck, QualityReport } from '#engines/ingest/report.ts';
import { flagBit } from '#engines/ingest/rows.ts';
import { DEFAULT_MAX_ROWS, countDescents, gather } from '#engines/ingest/series.ts';
import type { Series } from '#engines/ingest/series.ts';
import { spacingOf } from '#engines/ingest/spacing.ts';
import { reportOf, samplesOf } from '#engines/ingest/summary.ts';
import type { FileOrder } from '#engines/ingest/summary.ts';

export interface SilverOptions {
  header: Header;
  /** Called once, and once more if rows contradict each other. */
  parts: OpenParts;
  /** Default `auto`: the calendar that fits best; the report says which and why. */
  calendar?: CalendarName | 'auto';
  /** Default `positive`: prices of zero and less are quarantined. `any`: they are flagged. */
  prices?: 'positive' | 'any';
  /** Most usable rows; default 2,000,000 (some 700 MB resident). */
  maxRows?: number;
  /** Beyond this share of bad rows the file is refused. Default 50. */
  maxQuarantinedPercent?: number;
  /** A close further than this from the one before is flagged JUMP. Default 50. */
  maxJumpPercent?: number;
  signal?: AbortSignal;
}

export interface Silver {
  header: Header;
  granularity: 'date' | 'time';
  /** By time, one row a timestamp. */
  series: Series;
  /** By line. */
  quarantine: QuarantinedRow[];
  report: QualityReport;
  checks: QualityCheck[];
}

/**
 * Throws INGEST_TOO_MANY_ROWS, INGEST_TOO_MANY_BAD_ROWS, INGEST_DATE_UNREADABLE, INGEST_SEVERAL_INSTRUMENTS, INGEST_EMPTY,
 * what the parts throw, and the signal's reason.
 */
export const toSilver = async (options: SilverOptions): Promise<Silver> => {
  const { header, signal } = options;
  const collecting: CollectOptions = {
    header,
    parts: options.parts,
    prices: options.prices ?? 'positive',
    maxRows: options.maxRows ?? DEFAULT_MAX_ROWS,
    signal,
  };
  const collected = await collect(collecting);
  const granularity = settleGranularity(collected);
  const order = orderOf(collected.series);
  const deduped = dedupe(collected.series);
  const quarantine = await withConflicts(collected, deduped, collecting);
  refuseTooManyBad({ header, quarantine, rowsIn: collected.rowsIn, maxPercent: options.maxQuarantinedPercent ?? 50 });
  await breathe(signal);
  const series = gather(collected.series, deduped.kept);
  const spacing = spacingOf(series, granularity, options.calendar ?? 'auto');
  flag(series, 'NOT_A_SESSION', spacing.unexpected);
  flag(series, 'JUMP', jumps(series, options.maxJumpPercent ?? 50));
  const facts = { header, collected, deduped, granularity, order, quarantine, series, spacing };
  const report = reportOf(facts);
  return { header, granularity, series, quarantine, report, checks: checksOf(report, samplesOf(facts)) };
};

const orderOf = (series: Series): FileOrder => {
  const outOfOrder = countDescents(series);
  if (outOfOrder === 0) return { order: 'ascending', outOfOrder };
  const ascends = series.tsMs.subarray(0, series.rows).some((ts, at) => at > 0 && ts > (series.tsMs[at - 1] ?? ts));
  return { order: ascends ? 'unsorted' : 'descending', outOfOrder };
};

const withConflicts = async (
  collected: Collected,
  deduped: Deduped,
  options: CollectOptions,
): Promise<QuarantinedRow[]> => {
  const { series, quarantine } = collected;
  refuseFlood(quarantine.length + deduped.conflicts.length);
  const lineAt = (position: number): number => series.line[position] ?? 0;
  const raws = await rawOfLines(new Set(deduped.conflicts.map((each) => lineAt(each.position))), options);
  const conflicts = deduped.conflicts.map(({ position, keptPosition }): QuarantinedRow => {
    const line = lineAt(position);
    const detail = `line ${lineAt(keptPosition)} has the same time and other values, and was kept`;
    return { line, reason: 'DUPLICATE_CONFLICT', detail, raw: raws.get(line) ?? '' };
  });
  return [...quarantine, ...conflicts].toSorted((a, b) => a.line - b.line);
};

const flag = (series: Series, name: 'NOT_A_SESSION' | 'JUMP', positions: readonly number[]): void => {
  for (const at of positions) series.flags[at] = (series.flags[at] ?? 0) | flagBit(name);
};

const jumps = (series: Series, maxJumpPercent: number): number[] => {
  const found: number[] = [];
  series.close.forEach((close, at) => {
    const before = at === 0 ? close : (series.close[at - 1] ?? close);
    if (Math.abs(close - before) * 100 > maxJumpPercent * Math.abs(before)) found.push(at);
  });
  return found;
};
