// Text to instants and numbers, strictly: what is not clearly a date or a number is none.
import { DAY_MS, parseDay } from '#engines/calendar/dates.ts';

// ISO 8601, extended form; a space may stand for the T (pandas writes it so).
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const NO_VALUE = new Set(['', 'null', 'nan', 'na', 'n/a', 'none', '-']);

export interface Instant {
  utcMs: number;
  /** The date as written, in days since 1970-01-01: of the file's own time zone, not of UTC. */
  day: number;
  /** A time of day was written. */
  hasTime: boolean;
  /** Since midnight, as written; 0 without one. */
  timeOfDayMs: number;
  /** Z or an offset was written. */
  hasOffset: boolean;
  /** Digits beyond the millisecond were cut off. */
  truncated: boolean;
}

/** An ISO date or date and time, without offset in UTC; undefined if the text is none or no such day exists. */
export const parseInstant = (text: string): Instant | undefined => {
  const match = INSTANT.exec(text.trim());
  const day = match === null ? undefined : parseDay(match[1] ?? '');
  if (match === null || day === undefined) return undefined;
  const timeMs = timeOfDayOf(match);
  const offset = offsetMs(match[6]);
  if (timeMs === undefined || offset === undefined) return undefined;
  return {
    utcMs: day * DAY_MS + timeMs - offset,
    day,
    hasTime: match[2] !== undefined,
    timeOfDayMs: timeMs,
    hasOffset: match[6] !== undefined,
    truncated: /[1-9]/.test((match[5] ?? '').slice(3)),
  };
};

const timeOfDayOf = (match: RegExpExecArray): number | undefined => {
  const [hour, minute, second] = [match[2], match[3], match[4]].map((part) => Number(part ?? 0));
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const milliseconds = Number((match[5] ?? '').slice(0, 3).padEnd(3, '0'));
  return ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
};

const offsetMs = (text: string | undefined): number | undefined => {
  if (text === undefined || /^(?:z|utc)$/i.test(text)) return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(':', ''));
  // The widest offset in use is +14:00.
  if (hours > 14 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
};

/** A finite decimal number; `missing` for empty, null, NaN and their like; undefined for any other text. */
export const parseNumber = (text: string): number | 'missing' | undefined => {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) {
    const value = Number(trimmed);
    return Number.isFinite(value) ? value : undefined;
  }
  return NO_VALUE.has(trimmed.toLowerCase()) ? 'missing' : undefined;
};
