/**
 * The cron expressions of EventBridge Scheduler, in UTC: `cron(minute hour day-of-month month day-of-week year)`.
 *
 * Which slots were expected is asked of this, never of a schedule's cadence. It knows what the page "Schedule types" of
 * EventBridge Scheduler's user guide lists: `*`, lists, ranges, steps, names, `?`, `L`, `W` and `#`; a range that runs
 * backwards, and `L`, `W` or `#` within a list, are refused, because the page does not say what they mean.
 */
import { Failure } from './errors.ts';

interface Day {
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  /** 1 to `last`. */
  readonly day: number;
  readonly last: number;
  /** 1 to 7 from Sunday, as AWS counts. */
  readonly weekday: number;
}

/** A parsed expression: all of each field's values, ascending. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  readonly years: readonly number[];
  readonly matchesDay: (day: Day) => boolean;
}

const monthNames = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const weekdayNames = 'SUN MON TUE WED THU FRI SAT'.split(' ');

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Words for the values, from `from` on. */
  readonly words?: readonly string[];
}
const fields = {
  minute: { name: 'minute', from: 0, to: 59 },
  hour: { name: 'hour', from: 0, to: 23 },
  day: { name: 'day of month', from: 1, to: 31 },
  month: { name: 'month', from: 1, to: 12, words: monthNames },
  weekday: { name: 'day of week', from: 1, to: 7, words: weekdayNames },
  year: { name: 'year', from: 1970, to: 2199 },
} as const satisfies Record<string, Field>;

/** @throws Failure CONFIGURATION_INVALID with the expression and what is wrong with it. */
export function parseCron(expression: string): Cron {
  try {
    return parseFields(/^cron\((.*)\)$/.exec(expression.trim())?.[1]?.trim().split(/\s+/) ?? []);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('CONFIGURATION_INVALID', `${JSON.stringify(expression)} is not a cron expression: ${why}`, {
      cause,
    });
  }
}

function parseFields(inside: readonly string[]): Cron {
  if (inside.length !== 6) throw new RangeError('it must be cron(...) with six fields');
  const [minute, hour, day, month, weekday, year] = inside as [string, string, string, string, string, string];
  if ((day === '?') === (weekday === '?')) throw new RangeError('one of day of month and day of week must be ?');
  return {
    minutes: valuesOf(minute, fields.minute),
    hours: valuesOf(hour, fields.hour),
    months: new Set(valuesOf(month, fields.month)),
    years: valuesOf(year, fields.year),
    matchesDay: weekday === '?' ? dayOfMonth(day) : dayOfWeek(weekday),
  };
}

function valuesOf(text: string, field: Field): number[] {
  const values = new Set(text.split(',').flatMap((part) => valuesOfPart(part, field)));
  return [...values].toSorted((one, other) => one - other);
}

/** `*`, `5`, `5-9`, each with a step or without; `5/9` is from 5 in steps of 9. */
function valuesOfPart(part: string, field: Field): number[] {
  const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
  const { from, to } = boundsOf(range, field, step !== undefined);
  const by = Number(step ?? 1);
  if (from > to || by < 1) {
    throw new RangeError(`${JSON.stringify(part)} is no range of a ${field.name} from low to high`);
  }
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

function boundsOf(range: string, field: Field, isStepped: boolean): { from: number; to: number } {
  if (range === '*') return field;
  const [, first = range, last] = /^([^-]+)-([^-]+)$/.exec(range) ?? [];
  const from = valueOf(first, field);
  if (last !== undefined) return { from, to: valueOf(last, field) };
  return { from, to: isStepped ? field.to : from };
}

function valueOf(text: string, { name, from, to, words }: Field): number {
  const word = words?.indexOf(text.toUpperCase()) ?? -1;
  const value = word >= 0 ? word + from : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to) return value;
  throw new RangeError(`${JSON.stringify(text)} is no ${name} from ${from} to ${to}`);
}

function dayOfMonth(text: string): Cron['matchesDay'] {
  if (text === 'L') return ({ day, last }) => day === last;
  const nearest = /^(\d+)W$/.exec(text)?.[1];
  if (nearest !== undefined) {
    const wanted = valueOf(nearest, fields.day);
    return (at) => at.day === nearestWeekday(at, wanted);
  }
  const days = new Set(valuesOf(text, fields.day));
  return ({ day }) => days.has(day);
}

/** The day from Monday to Friday that is nearest to `wanted`, within its month; a month without that day has none. */
function nearestWeekday({ year, month, last }: Day, wanted: number): number | undefined {
  if (wanted > last) return undefined;
  const weekday = new Date(Date.UTC(year, month, wanted)).getUTCDay();
  if (weekday === 6) return wanted === 1 ? 3 : wanted - 1;
  if (weekday === 0) return wanted === last ? wanted - 2 : wanted + 1;
  return wanted;
}

function dayOfWeek(text: string): Cron['matchesDay'] {
  if (text === 'L') return ({ weekday }) => weekday === 7;
  const [, name = '', sign, nth] = /^(\w+?)(?:(L)|#([1-5]))$/.exec(text) ?? [];
  if (sign !== undefined || nth !== undefined) {
    const wanted = valueOf(name, fields.weekday);
    const isWeek = (day: number, last: number) => (sign ? day > last - 7 : Math.ceil(day / 7) === Number(nth));
    return ({ day, last, weekday }) => weekday === wanted && isWeek(day, last);
  }
  const days = new Set(valuesOf(text, fields.weekday));
  return ({ weekday }) => days.has(weekday);
}

/** The first `limit` slots after `afterMs`, up to and with `untilMs`, oldest first: milliseconds since 1970. */
export function slotsAfter(cron: Cron, afterMs: number, { untilMs = Infinity, limit }: SlotBounds): number[] {
  const first = new Date(afterMs);
  const slots: number[] = [];
  for (const dayMs of daysOf(cron, { year: first.getUTCFullYear(), month: first.getUTCMonth(), step: 1 })) {
    if (slots.length >= limit || dayMs > untilMs) break;
    if (dayMs + dayLengthMs <= afterMs) continue;
    slots.push(...slotsOfDay(cron, dayMs).filter((slotMs) => slotMs > afterMs && slotMs <= untilMs));
  }
  return slots.slice(0, limit);
}
interface SlotBounds {
  readonly untilMs?: number;
  readonly limit: number;
}

/** The last `limit` slots up to and with `atMs`, newest first. */
export function slotsUpTo(cron: Cron, atMs: number, limit: number): number[] {
  const last = new Date(atMs);
  const slots: number[] = [];
  for (const dayMs of daysOf(cron, { year: last.getUTCFullYear(), month: last.getUTCMonth(), step: -1 })) {
    if (slots.length >= limit) break;
    slots.push(
      ...slotsOfDay(cron, dayMs)
        .filter((slotMs) => slotMs <= atMs)
        .toReversed(),
    );
  }
  return slots.slice(0, limit);
}

/** Whether a slot of the schedule is at this very time. */
export const isSlot = (cron: Cron, atMs: number): boolean => slotsUpTo(cron, atMs, 1)[0] === atMs;

const dayLengthMs = 86_400_000;

const slotsOfDay = ({ hours, minutes }: Cron, dayMs: number): number[] =>
  hours.flatMap((hour) => minutes.map((minute) => dayMs + (hour * 60 + minute) * 60_000));

/** Days of the expression from a month on, forwards or back, as the millisecond at which each begins. */
function* daysOf(cron: Cron, { year, month, step }: { year: number; month: number; step: 1 | -1 }): Generator<number> {
  const inOrder = <T>(values: readonly T[]): readonly T[] => (step === 1 ? values : values.toReversed());
  for (const at of inOrder(cron.years)) {
    if ((at - year) * step < 0) continue;
    for (const inYear of inOrder([...Array(12).keys()])) {
      if ((at === year && (inYear - month) * step < 0) || !cron.months.has(inYear + 1)) continue;
      for (const day of inOrder(matchingDays(cron, at, inYear))) yield Date.UTC(at, inYear, day);
    }
  }
}

function matchingDays({ matchesDay }: Cron, year: number, month: number): number[] {
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const firstWeekday = new Date(Date.UTC(year, month, 1)).getUTCDay();
  return Array.from({ length: last }, (_, index) => index + 1).filter((day) =>
    matchesDay({ year, month, day, last, weekday: ((firstWeekday + day - 1) % 7) + 1 }),
  );
}
