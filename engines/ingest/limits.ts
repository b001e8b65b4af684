// When a file is so bad that a silver table would mislead: refuse it, and say what most rows suffer from.
import { IngestError } from '#engines/ingest/errors.ts';
import type { QuarantinedRow } from '#engines/ingest/collect.ts';
import type { Header } from '#engines/ingest/header.ts';
import type { QuarantineReason } from '#engines/ingest/rows.ts';

interface BadRows {
  header: Header;
  quarantine: readonly QuarantinedRow[];
  rowsIn: number;
  maxPercent: number;
}

/** Throws INGEST_EMPTY, INGEST_DATE_UNREADABLE, INGEST_TOO_MANY_BAD_ROWS. */
export const refuseTooManyBad = (bad: BadRows): void => {
  const { quarantine, rowsIn } = bad;
  if (rowsIn === 0) throw new IngestError('INGEST_EMPTY', 'There are no rows to take in: the file has a header only.');
  const allBad = quarantine.length === rowsIn;
  if (!allBad && quarantine.length * 100 <= bad.maxPercent * rowsIn) return;
  const worst = mostFrequent(quarantine);
  const code = allBad && worst.reason === 'DATE_UNREADABLE' ? 'INGEST_DATE_UNREADABLE' : 'INGEST_TOO_MANY_BAD_ROWS';
  throw new IngestError(
    code,
    `${quarantine.length} of ${rowsIn} rows cannot be used, ${worst.rows} of them for ${worst.reason}; ` +
      `first in line ${worst.first.line}: ${worst.first.detail}. ${ADVICE[worst.reason] ?? 'Correct the file and try again.'}`,
  );
};

const ADVICE: Partial<Record<QuarantineReason, string>> = {
  DUPLICATE_CONFLICT: 'If the file holds several instruments, split it, one each.',
  PRICE_NOT_POSITIVE: 'If such prices are meant (spreads, rates), allow them with prices: any.',
  FIELD_COUNT: 'Check the separator, and quote fields that contain it.',
};

const mostFrequent = (
  quarantine: readonly QuarantinedRow[],
): { reason: QuarantineReason; rows: number; first: QuarantinedRow } => {
  const groups = [...Map.groupBy(quarantine, (row) => row.reason)].map(([reason, rows]) => ({ reason, rows }));
  const largest = groups.reduce((best, each) => (each.rows.length > best.rows.length ? each : best));
  const [first] = largest.rows;
  if (first === undefined) throw new RangeError('a group has at least one row');
  return { reason: largest.reason, rows: largest.rows.length, first };
};
