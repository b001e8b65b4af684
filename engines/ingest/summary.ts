// The facts of a conversion, put into the quality report.
import type { Collected, QuarantinedRow } from '#engines/ingest/collect.ts';
import type { Deduped } from '#engines/ingest/dedupe.ts';
import type { Header } from '#engines/ingest/header.ts';
import { MAX_LISTED, sampleInto } from '#engines/ingest/report.ts';
import type { QualityReport, Samples } from '#engines/ingest/report.ts';
import { FLAGS, QUARANTINE_REASONS, flagBit, flagNames } from '#engines/ingest/rows.ts';
import type { Series } from '#engines/ingest/series.ts';
import type { Spacing } from '#engines/ingest/spacing.ts';

export interface FileOrder {
  order: QualityReport['order'];
  outOfOrder: number;
}

interface SilverFacts {
  header: Header;
  collected: Collected;
  deduped: Deduped;
  granularity: 'date' | 'time';
  order: FileOrder;
  quarantine: readonly QuarantinedRow[];
  series: Series;
  spacing: Spacing;
}

/** A row's time as it is shown: a date, or an instant in UTC. */
export const shownTime = (series: Series, at: number, granularity: 'date' | 'time'): string => {
  const iso = new Date(series.tsMs[at] ?? 0).toISOString();
  return granularity === 'date' ? iso.slice(0, 10) : iso;
};

export const reportOf = (facts: SilverFacts): QualityReport => {
  const { series, spacing, quarantine, collected, granularity, header } = facts;
  const timeAt = (at: number): string => shownTime(series, at, granularity);
  return {
    v: 1,
    rowsIn: collected.rowsIn,
    rowsSilver: series.rows,
    rowsQuarantined: quarantine.length,
    duplicates: facts.deduped.dropped.length,
    blankLines: collected.blankLines,
    first: series.rows === 0 ? null : timeAt(0),
    last: series.rows === 0 ? null : timeAt(series.rows - 1),
    granularity,
    interval: spacing.interval,
    ...facts.order,
    calendar: spacing.calendar,
    gaps: {
      missing: spacing.gaps.reduce((sum, gap) => sum + gap.missing, 0),
      runs: spacing.gaps.length,
      listed: spacing.gaps.slice(0, MAX_LISTED),
    },
    unexpectedSessions: {
      rows: spacing.unexpected.length,
      listed: spacing.unexpected.slice(0, MAX_LISTED).map(timeAt),
    },
    flags: tally(FLAGS, (flag) => countWhere(series.flags, (bits) => (bits & flagBit(flag)) !== 0)),
    quarantine: tally(QUARANTINE_REASONS, (reason) => countWhere(quarantine, (row) => row.reason === reason)),
    columns: { found: header.columns, extra: header.extraColumns },
    warnings: warningsOf(facts),
  };
};

export const samplesOf = (facts: SilverFacts): Samples => {
  const { series, granularity, quarantine, collected, deduped } = facts;
  const samples: Samples = { quarantine: {}, flags: {}, duplicates: [] };
  for (const { line, reason, detail } of quarantine) sampleInto(samples.quarantine, reason, { line, detail });
  series.flags.forEach((bits, at) => {
    if (bits === 0) return;
    const example = { line: series.line[at], time: shownTime(series, at, granularity) };
    for (const flag of flagNames(bits)) sampleInto(samples.flags, flag, example);
  });
  samples.duplicates = deduped.dropped.slice(0, 5).map((at) => ({ line: collected.series.line[at] }));
  return samples;
};

const tally = <Key extends string>(keys: readonly Key[], count: (key: Key) => number): Record<Key, number> =>
  Object.fromEntries(keys.map((key) => [key, count(key)])) as Record<Key, number>;

const countWhere = <Item>(items: Iterable<Item>, test: (item: Item) => boolean): number => {
  let found = 0;
  for (const item of items) if (test(item)) found += 1;
  return found;
};

const warningsOf = (facts: SilverFacts): string[] => {
  const { header, order, spacing } = facts;
  const extra = header.extraColumns.map((name) => `"${name}"`).join(', ');
  return [
    ...header.notes,
    ...timeWarnings(facts),
    ...when(extra !== '', `Columns kept in bronze only: ${extra}.`),
    ...when(order.order === 'descending', 'The file runs from late to early: silver is sorted by time.'),
    ...when(
      order.order === 'unsorted',
      `${order.outOfOrder} rows were earlier than the row before: silver is sorted by time.`,
    ),
    ...spacing.warnings,
  ];
};

const timeWarnings = ({ collected, granularity, series }: SilverFacts): string[] => {
  const { withTime, withoutOffset, truncated } = collected.times;
  const timed = granularity === 'time';
  return [
    ...when(timed && withoutOffset > 0, `${withoutOffset} rows have a time without offset: it was taken as UTC.`),
    ...when(timed && withTime < collected.series.rows, 'Rows with a date only were taken as midnight UTC.'),
    ...when(!timed && withTime > 0, `All ${series.rows} rows have one time of day: they were taken as dates.`),
    ...when(truncated > 0, `${truncated} rows have digits beyond the millisecond: they were cut off.`),
  ];
};

const when = (condition: boolean, text: string): string[] => (condition ? [text] : []);
