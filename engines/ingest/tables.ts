// Silver, quarantine and the quality report as Parquet tables.
import type { ParquetColumn, ParquetTable } from '#engines/ingest/parquet.ts';
import type { QualityCheck } from '#engines/ingest/report.ts';
import { flagNames } from '#engines/ingest/rows.ts';
import type { Silver } from '#engines/ingest/silver.ts';
import { shownTime } from '#engines/ingest/summary.ts';

type Cell = string | number | null;

/**
 * `ts` (TIMESTAMP ms UTC; midnight of the session for daily bars), `session` (YYYY-MM-DD for dated bars, else null), `open`,
 * `high`, `low`, `close`, `volume` (null where absent), `adj_close` (only if the file has it), `flags` (names joined by
 * `|`, empty without), `line` (in the source file).
 */
export const silverTable = (silver: Silver): ParquetTable => {
  const { series, header, granularity } = silver;
  const dated = granularity === 'date';
  const present = (value: number | undefined): Cell => (value === undefined || Number.isNaN(value) ? null : value);
  const adjClose = column('adj_close', 'DOUBLE?', (at) => present(series.adjClose[at]));
  return {
    rows: series.rows,
    columns: [
      column('ts', 'TIMESTAMP', (at) => series.tsMs[at] ?? 0),
      column('session', 'STRING?', (at) => (dated ? shownTime(series, at, 'date') : null)),
      doubles('open', series.open),
      doubles('high', series.high),
      doubles('low', series.low),
      doubles('close', series.close),
      column('volume', 'DOUBLE?', (at) => present(series.volume[at])),
      ...(header.roles.adjClose === undefined ? [] : [adjClose]),
      column('flags', 'STRING', (at) => flagNames(series.flags[at] ?? 0).join('|')),
      column('line', 'INT32', (at) => series.line[at] ?? 0),
    ],
  };
};

/** `line`, `reason`, `detail`, `raw`: one row for every row that is not in silver and equals none that is. */
export const quarantineTable = ({ quarantine }: Pick<Silver, 'quarantine'>): ParquetTable => ({
  rows: quarantine.length,
  columns: [
    column('line', 'INT32', (at) => quarantine[at]?.line ?? 0),
    column('reason', 'STRING', (at) => quarantine[at]?.reason ?? ''),
    column('detail', 'STRING', (at) => quarantine[at]?.detail ?? ''),
    column('raw', 'STRING', (at) => quarantine[at]?.raw ?? ''),
  ],
});

/** `check`, `severity` (ok, info, warning, error), `rows`, `sample` (a JSON array). */
export const reportTable = ({ checks }: { checks: readonly QualityCheck[] }): ParquetTable => ({
  rows: checks.length,
  columns: [
    column('check', 'STRING', (at) => checks[at]?.check ?? ''),
    column('severity', 'STRING', (at) => checks[at]?.severity ?? 'ok'),
    column('rows', 'INT32', (at) => checks[at]?.rows ?? 0),
    column('sample', 'STRING', (at) => JSON.stringify(checks[at]?.sample ?? [])),
  ],
});

const column = (
  name: string,
  type: ParquetColumn['type'] | 'STRING?' | 'DOUBLE?',
  valueAt: (at: number) => Cell,
): ParquetColumn => ({
  name,
  type: type === 'STRING?' ? 'STRING' : type === 'DOUBLE?' ? 'DOUBLE' : type,
  nullable: type.endsWith('?'),
  values: (start, end) => Array.from({ length: end - start }, (_, offset) => valueAt(start + offset)),
});

const doubles = (name: string, values: Float64Array): ParquetColumn => ({
  name,
  type: 'DOUBLE',
  nullable: false,
  values: (start, end) => values.subarray(start, end),
});
