// One record of text to one typed row, or the reason why not.
//
// What makes a row unusable is quarantined; what is odd but possible is flagged and kept. The line between them: no
// calculation downstream can be right on a row without a time or a price, or with a bar that contradicts itself.
import { RECORD_PROBLEMS } from '#engines/ingest/csv-records.ts';
import type { Header } from '#engines/ingest/header.ts';
import type { BronzeRow } from '#engines/ingest/read.ts';
import { parseInstant, parseNumber } from '#engines/ingest/values.ts';
import type { Instant } from '#engines/ingest/values.ts';

export const QUARANTINE_REASONS = [
  ...RECORD_PROBLEMS,
  'DATE_UNREADABLE',
  'PRICE_MISSING',
  'PRICE_NOT_A_NUMBER',
  'PRICE_NOT_POSITIVE',
  'HIGH_BELOW_LOW',
  'OPEN_OUTSIDE_RANGE',
  'CLOSE_OUTSIDE_RANGE',
  'VOLUME_NOT_A_NUMBER',
  'VOLUME_NEGATIVE',
  'DUPLICATE_CONFLICT',
] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

/** Position in this list is the bit in a row's flags; stored as names, so the order may change. */
export const FLAGS = [
  'ZERO_VOLUME',
  'VOLUME_MISSING',
  'ADJ_CLOSE_MISSING',
  'PRICE_NOT_POSITIVE',
  'OHLC_ROUNDED',
  'JUMP',
  'NOT_A_SESSION',
] as const;
type Flag = (typeof FLAGS)[number];

export const flagBit = (flag: Flag): number => 1 << FLAGS.indexOf(flag);

export const flagNames = (bits: number): Flag[] => FLAGS.filter((flag) => (bits & flagBit(flag)) !== 0);

// Vendors print binary32 values (1438.359985) and round columns apart from each other: one unit of binary32's
// precision is 6e-8 of the price, so a breach of 1e-6 is print, and a larger one is a wrong bar.
const PRICE_TOLERANCE = 1e-6;

export interface TypedRow {
  instant: Instant;
  open: number;
  high: number;
  low: number;
  close: number;
  /** NaN where the file has none. */
  volume: number;
  /** NaN where the file has none. */
  adjClose: number;
  flags: number;
}

interface Rejection {
  reason: QuarantineReason;
  /** What was wrong with which value, in words. */
  detail: string;
}

export interface RowRules {
  header: Header;
  /** `positive`: a price of zero or less is quarantined; `any`: it is flagged (spreads, rates, futures like WTI in April 2020). */
  prices: 'positive' | 'any';
}

type Checked<T> = T | Rejection;

export const isRejection = (value: object): value is Rejection => 'reason' in value;

/** Types one bronze row. */
export const typeRow = (row: BronzeRow, rules: RowRules): Checked<TypedRow> => {
  if (!('fields' in row)) return { reason: row.problem, detail: PROBLEM_DETAIL[row.problem](rules.header) };
  const instant = instantOf(row.fields, rules.header);
  if (isRejection(instant)) return instant;
  const prices = pricesOf(row.fields, rules);
  if (isRejection(prices)) return prices;
  const volume = volumeOf(row.fields, rules.header);
  if (isRejection(volume)) return volume;
  const adjClose = adjCloseOf(row.fields, rules.header);
  return {
    instant,
    open: prices.open,
    high: prices.high,
    low: prices.low,
    close: prices.close,
    volume: volume.value,
    adjClose: adjClose.value,
    flags: prices.flags | volume.flags | adjClose.flags,
  };
};

const PROBLEM_DETAIL: Record<(typeof RECORD_PROBLEMS)[number], (header: Header) => string> = {
  FIELD_COUNT: (header) => `the row does not have the header's ${header.columns.length} fields`,
  QUOTE_BROKEN: () => 'a quoted field is not closed, or text follows its closing quote',
  RECORD_TOO_LONG: () => 'the line is too long for a row of prices and was cut',
};

const fieldAt = (fields: readonly string[], position: number): string => fields[position] ?? '';

const shown = (text: string): string => `"${text.slice(0, 60)}"`;

const instantOf = (fields: readonly string[], header: Header): Checked<Instant> => {
  const { date, time } = header.roles;
  const text =
    time === undefined ? fieldAt(fields, date) : `${fieldAt(fields, date).trim()} ${fieldAt(fields, time).trim()}`;
  return (
    parseInstant(text) ?? {
      reason: 'DATE_UNREADABLE',
      detail: `${shown(text)} is no date: write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, with Z or an offset if not UTC`,
    }
  );
};

const PRICE_ROLES = ['open', 'high', 'low', 'close'] as const;
type Prices = Record<(typeof PRICE_ROLES)[number], number> & { flags: number };

const pricesOf = (fields: readonly string[], rules: RowRules): Checked<Prices> => {
  const prices: Prices = { open: 0, high: 0, low: 0, close: 0, flags: 0 };
  for (const role of PRICE_ROLES) {
    const price = priceOf(role, fieldAt(fields, rules.header.roles[role]), rules);
    if (typeof price !== 'number') return price;
    prices[role] = price;
    if (price <= 0) prices.flags |= flagBit('PRICE_NOT_POSITIVE');
  }
  return sane(prices);
};

const priceOf = (role: string, text: string, rules: RowRules): Checked<number> | number => {
  const price = parseNumber(text);
  if (price === 'missing') return { reason: 'PRICE_MISSING', detail: `${role} is ${shown(text)}` };
  if (price === undefined) return { reason: 'PRICE_NOT_A_NUMBER', detail: `${role} ${shown(text)} is no number` };
  if (price > 0 || rules.prices === 'any') return price;
  return { reason: 'PRICE_NOT_POSITIVE', detail: `${role} is ${price}` };
};

/** Low <= open, close <= high, up to print precision. */
const sane = (prices: Prices): Checked<Prices> => {
  const { open, high, low, close } = prices;
  const tolerance = PRICE_TOLERANCE * Math.max(Math.abs(high), Math.abs(low));
  const outside = (price: number): number => Math.max(price - high, low - price);
  if (low - high > tolerance) return { reason: 'HIGH_BELOW_LOW', detail: `high ${high} is below low ${low}` };
  const range = `is outside low ${low} to high ${high}`;
  if (outside(open) > tolerance) return { reason: 'OPEN_OUTSIDE_RANGE', detail: `open ${open} ${range}` };
  if (outside(close) > tolerance) return { reason: 'CLOSE_OUTSIDE_RANGE', detail: `close ${close} ${range}` };
  const rounded = low > high || outside(open) > 0 || outside(close) > 0;
  return rounded ? { ...prices, flags: prices.flags | flagBit('OHLC_ROUNDED') } : prices;
};

interface Valued {
  value: number;
  flags: number;
}

const ABSENT: Valued = { value: Number.NaN, flags: 0 };

const volumeOf = (fields: readonly string[], header: Header): Checked<Valued> => {
  if (header.roles.volume === undefined) return ABSENT;
  const text = fieldAt(fields, header.roles.volume);
  const value = parseNumber(text);
  if (value === undefined) return { reason: 'VOLUME_NOT_A_NUMBER', detail: `volume ${shown(text)} is no number` };
  if (value === 'missing') return { value: Number.NaN, flags: flagBit('VOLUME_MISSING') };
  if (value < 0) return { reason: 'VOLUME_NEGATIVE', detail: `volume is ${value}` };
  return { value, flags: value === 0 ? flagBit('ZERO_VOLUME') : 0 };
};

// An adjusted close is derived data: without it the bar itself is still whole.
const adjCloseOf = (fields: readonly string[], header: Header): Valued => {
  if (header.roles.adjClose === undefined) return ABSENT;
  const value = parseNumber(fieldAt(fields, header.roles.adjClose));
  return typeof value === 'number' ? { value, flags: 0 } : { value: Number.NaN, flags: flagBit('ADJ_CLOSE_MISSING') };
};
