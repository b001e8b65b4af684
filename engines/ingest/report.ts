// What the quality report says: one JSON object for the manifest, and one row a check for Parquet.
import * as z from 'zod';
import { CALENDAR_NAMES } from '#engines/calendar/calendars.ts';
import { FLAGS, QUARANTINE_REASONS } from '#engines/ingest/rows.ts';

/** Gaps and sessions named in a report; the counts are always complete. */
export const MAX_LISTED = 100;
const MAX_SAMPLES = 5;

const count = z.int().nonnegative();

export const qualityReportSchema = z.object({
  v: z.literal(1),
  /** rowsIn = rowsSilver + rowsQuarantined + duplicates. Blank lines are no rows. */
  rowsIn: count,
  rowsSilver: count,
  rowsQuarantined: count,
  /** Rows equal to an earlier one, dropped. */
  duplicates: count,
  blankLines: count,
  /** Dates (YYYY-MM-DD) or instants in UTC, by granularity; null without rows. */
  first: z.string().nullable(),
  last: z.string().nullable(),
  granularity: z.enum(['date', 'time']),
  /** ISO 8601 duration of the most frequent step: P1D, P1M, PT1H; null when there is no telling. */
  interval: z.string().nullable(),
  order: z.enum(['ascending', 'descending', 'unsorted']),
  /** Rows earlier than the row before them in the file. Silver is sorted in any case. */
  outOfOrder: count,
  calendar: z.object({ name: z.enum(CALENDAR_NAMES).nullable(), reason: z.string() }),
  /** Missing bars, and the runs they form; the first 100 runs are listed. */
  gaps: z.object({
    missing: count,
    runs: count,
    listed: z.array(z.object({ from: z.string(), to: z.string(), missing: count })),
  }),
  /** Dates that are no session of the calendar; the first 100 are listed. */
  unexpectedSessions: z.object({ rows: count, listed: z.array(z.string()) }),
  /** Rows kept in silver, by flag. */
  flags: z.record(z.enum(FLAGS), count),
  /** Rows put aside, by reason. */
  quarantine: z.record(z.enum(QUARANTINE_REASONS), count),
  columns: z.object({ found: z.array(z.string()), extra: z.array(z.string()) }),
  warnings: z.array(z.string()),
});
export type QualityReport = z.infer<typeof qualityReportSchema>;

export interface QualityCheck {
  check: string;
  /** `ok` when nothing was found. */
  severity: 'ok' | 'info' | 'warning' | 'error';
  rows: number;
  sample: readonly unknown[];
}

/** Examples for the checks, gathered where the rows are. */
export interface Samples {
  quarantine: Partial<Record<string, unknown[]>>;
  flags: Partial<Record<string, unknown[]>>;
  duplicates: unknown[];
}

/** Adds an example under a key while there is room for it. */
export const sampleInto = (samples: Partial<Record<string, unknown[]>>, key: string, example: unknown): void => {
  const list = (samples[key] ??= []);
  if (list.length < MAX_SAMPLES) list.push(example);
};

// Information is what a market does by itself; a warning wants a look before the data are used.
const FLAG_SEVERITY: Record<(typeof FLAGS)[number], 'info' | 'warning'> = {
  ZERO_VOLUME: 'info',
  VOLUME_MISSING: 'warning',
  ADJ_CLOSE_MISSING: 'warning',
  PRICE_NOT_POSITIVE: 'warning',
  OHLC_ROUNDED: 'info',
  JUMP: 'warning',
  NOT_A_SESSION: 'warning',
};

/** One row for every check that was made, found or not, in a fixed order. */
export const checksOf = (report: QualityReport, samples: Samples): QualityCheck[] => {
  const accounted = report.rowsSilver + report.rowsQuarantined + report.duplicates;
  return [
    check('conservation', 'error', { rows: Math.abs(report.rowsIn - accounted) }),
    ...QUARANTINE_REASONS.map((reason) =>
      check(`quarantine.${reason}`, 'error', { rows: report.quarantine[reason], sample: samples.quarantine[reason] }),
    ),
    ...FLAGS.map((flag) =>
      check(`flag.${flag}`, FLAG_SEVERITY[flag], { rows: report.flags[flag], sample: samples.flags[flag] }),
    ),
    check('duplicates', 'warning', { rows: report.duplicates, sample: samples.duplicates }),
    check('out_of_order', 'info', { rows: report.outOfOrder }),
    check('missing_bars', 'warning', { rows: report.gaps.missing, sample: report.gaps.listed.slice(0, MAX_SAMPLES) }),
  ];
};

const check = (
  name: string,
  severity: 'info' | 'warning' | 'error',
  found: { rows: number; sample?: readonly unknown[] | undefined },
): QualityCheck => ({
  check: name,
  severity: found.rows === 0 ? 'ok' : severity,
  rows: found.rows,
  sample: found.sample ?? [],
});
