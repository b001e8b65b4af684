// Bronze parts to typed columns in file order, and what had to be put aside on the way.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DAY_MS } from '#engines/calendar/dates.ts';
import { joinFields } from '#engines/ingest/csv-records.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import type { Header } from '#engines/ingest/header.ts';
import type { BronzePart, BronzeRow } from '#engines/ingest/read.ts';
import { isRejection, typeRow } from '#engines/ingest/rows.ts';
import type { QuarantineReason, RowRules } from '#engines/ingest/rows.ts';
import { append, emptySeries } from '#engines/ingest/series.ts';
import type { Series } from '#engines/ingest/series.ts';
import type { Instant } from '#engines/ingest/values.ts';

/** Bad rows are held with their text until they are written: beyond this the file is no price file. */
const MAX_QUARANTINED_ROWS = 100_000;
/** The whole text stays in bronze. */
const MAX_RAW_CHARACTERS = 2_000;

/** Parts in order. A function, because the text of conflicting rows is fetched in a second pass. */
export type OpenParts = () => AsyncIterable<BronzePart> | Iterable<BronzePart>;

export interface QuarantinedRow {
  line: number;
  reason: QuarantineReason;
  detail: string;
  raw: string;
}

interface TimeFacts {
  firstTimeOfDayMs: number | undefined;
  sameTimeOfDay: boolean;
  withTime: number;
  withoutOffset: number;
  truncated: number;
}

export interface Collected {
  series: Series;
  quarantine: QuarantinedRow[];
  rowsIn: number;
  blankLines: number;
  times: TimeFacts;
}

export interface CollectOptions extends RowRules {
  parts: OpenParts;
  maxRows: number;
  signal: AbortSignal | undefined;
}

/** Types every row. Throws INGEST_TOO_MANY_ROWS, INGEST_TOO_MANY_BAD_ROWS, INGEST_SEVERAL_INSTRUMENTS, the signal's reason. */
export const collect = async (options: CollectOptions): Promise<Collected> => {
  const collected: Collected = { series: emptySeries(), quarantine: [], rowsIn: 0, blankLines: 0, times: noTimes() };
  const instruments = new Set<string>();
  for await (const part of options.parts()) {
    collected.blankLines += part.blankLines;
    for (const row of part.rows) {
      noteInstrument(instruments, row, options.header);
      take(collected, row, options);
    }
    await breathe(options.signal);
  }
  return collected;
};

/** Lets timers and signals have their turn between two pieces of computing. */
export const breathe = async (signal: AbortSignal | undefined): Promise<void> => {
  signal?.throwIfAborted();
  await nextTurn();
  signal?.throwIfAborted();
};

/** The text of some lines, for quarantine. */
export const rawOfLines = async (lines: ReadonlySet<number>, options: CollectOptions): Promise<Map<number, string>> => {
  const found = new Map<number, string>();
  if (lines.size === 0) return found;
  for await (const part of options.parts()) {
    for (const row of part.rows) if (lines.has(row.line)) found.set(row.line, rawOf(row, options.header));
    await breathe(options.signal);
  }
  return found;
};

/** Refuses to hold more quarantined rows than memory should. */
export const refuseFlood = (quarantined: number): void => {
  if (quarantined <= MAX_QUARANTINED_ROWS) return;
  throw new IngestError(
    'INGEST_TOO_MANY_BAD_ROWS',
    `More than ${MAX_QUARANTINED_ROWS} rows cannot be used: check that this is a price file and that its columns are named right.`,
  );
};

const noTimes = (): TimeFacts => ({
  firstTimeOfDayMs: undefined,
  sameTimeOfDay: true,
  withTime: 0,
  withoutOffset: 0,
  truncated: 0,
});

const take = (collected: Collected, row: BronzeRow, options: CollectOptions): void => {
  collected.rowsIn += 1;
  const typed = typeRow(row, options);
  if (isRejection(typed)) {
    collected.quarantine.push({ line: row.line, ...typed, raw: rawOf(row, options.header) });
    refuseFlood(collected.quarantine.length);
    return;
  }
  if (collected.series.rows >= options.maxRows) {
    throw new IngestError(
      'INGEST_TOO_MANY_ROWS',
      `The file has more than ${options.maxRows} usable rows, the most that are sorted in memory: split it by year and take the pieces in one by one.`,
    );
  }
  noteTime(collected.times, typed.instant);
  append(collected.series, typed, row.line);
};

const rawOf = (row: BronzeRow, header: Header): string =>
  ('fields' in row ? joinFields(row.fields, header.delimiter) : row.raw).slice(0, MAX_RAW_CHARACTERS);

const noteTime = (times: TimeFacts, instant: Instant): void => {
  times.firstTimeOfDayMs ??= instant.timeOfDayMs;
  if (instant.timeOfDayMs !== times.firstTimeOfDayMs) times.sameTimeOfDay = false;
  if (instant.hasTime) times.withTime += 1;
  if (instant.hasTime && !instant.hasOffset) times.withoutOffset += 1;
  if (instant.truncated) times.truncated += 1;
};

// Bars of two instruments in one series would pass every other check and be wrong everywhere.
const noteInstrument = (instruments: Set<string>, row: BronzeRow, header: Header): void => {
  const position = header.roles.instrument;
  if (position === undefined || !('fields' in row)) return;
  instruments.add((row.fields[position] ?? '').trim());
  if (instruments.size < 2) return;
  const [first, second] = [...instruments];
  throw new IngestError(
    'INGEST_SEVERAL_INSTRUMENTS',
    `Column "${header.columns[position]}" holds "${first}" and, in line ${row.line}, "${second}": split the file, one instrument each.`,
  );
};

/**
 * Decides whether rows are dated or timed, and for dated ones makes the timestamp midnight UTC of the date as written.
 * Dated: no times of day, or the same in every row (exports write daily bars as 00:00-05:00 or 16:00).
 */
export const settleGranularity = (collected: Collected): 'date' | 'time' => {
  const { series, times } = collected;
  const dated = times.withTime === 0 || (times.sameTimeOfDay && (series.rows > 1 || times.firstTimeOfDayMs === 0));
  if (!dated) return 'time';
  for (let at = 0; at < series.rows; at += 1) series.tsMs[at] = (series.day[at] ?? 0) * DAY_MS;
  return 'date';
};
