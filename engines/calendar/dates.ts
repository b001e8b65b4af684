// Civil dates as whole days since 1970-01-01, so that a calendar never touches a time zone.
// A date on a border is an ISO string `YYYY-MM-DD`; inside, a day number, because subtraction and weekday are then arithmetic.
import { CalendarError } from '#engines/calendar/errors.ts';

export const DAY_MS = 86_400_000;
const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

type Weekday = 0 | 1 | 2 | 3 | 4 | 5 | 6;
export const SUNDAY = 0;
export const MONDAY = 1;
export const TUESDAY = 2;
export const WEDNESDAY = 3;
export const THURSDAY = 4;
export const FRIDAY = 5;
export const SATURDAY = 6;

/** Days since 1970-01-01 of a civil date; month is 1 to 12. The caller knows that the date exists. */
export const dayOf = (year: number, month: number, dayOfMonth: number): number =>
  // setUTCFullYear and not Date.UTC, which reads years 0 to 99 as 1900 to 1999.
  Math.round(new Date(0).setUTCFullYear(year, month - 1, dayOfMonth) / DAY_MS);

/** Days since 1970-01-01 of `YYYY-MM-DD`, or undefined if there is no such day (2023-02-30). */
export const parseDay = (isoDate: string): number | undefined => {
  const match = ISO_DATE.exec(isoDate);
  if (match === null) return undefined;
  const day = dayOf(Number(match[1]), Number(match[2]), Number(match[3]));
  return isoOf(day) === isoDate ? day : undefined;
};

/** As parseDay, for dates that come from our own code. Throws CALENDAR_DATE_INVALID. */
export const dayOfIso = (isoDate: string): number => {
  const day = parseDay(isoDate);
  if (day === undefined) {
    throw new CalendarError('CALENDAR_DATE_INVALID', `"${isoDate}" is no calendar date: give a day as YYYY-MM-DD.`);
  }
  return day;
};

/** `YYYY-MM-DD` of a day number. */
export const isoOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** 0 is Sunday; 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): Weekday => ((((day + THURSDAY) % 7) + 7) % 7) as Weekday;

export const yearOf = (day: number): number => new Date(day * DAY_MS).getUTCFullYear();

/** The nth given weekday of a month, n from 1. */
export const nthWeekday = (year: number, month: number, rule: { nth: number; weekday: Weekday }): number => {
  const first = dayOf(year, month, 1);
  return first + ((rule.weekday - weekdayOf(first) + 7) % 7) + 7 * (rule.nth - 1);
};

/** The last given weekday of a month. */
export const lastWeekday = (year: number, month: number, weekday: Weekday): number => {
  const last = dayOf(year, month + 1, 0);
  return last - ((weekdayOf(last) - weekday + 7) % 7);
};

/** Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, 2nd edition, chapter 8). */
export const easterSunday = (year: number): number => {
  const goldenOffset = year % 19;
  const century = Math.floor(year / 100);
  const yearOfCentury = year % 100;
  const leapCentury = Math.floor(century / 4);
  const moonCorrection = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3);
  const epact = (19 * goldenOffset + century - leapCentury - moonCorrection + 15) % 30;
  const toSunday = (32 + 2 * (century % 4) + 2 * Math.floor(yearOfCentury / 4) - epact - (yearOfCentury % 4)) % 7;
  const late = Math.floor((goldenOffset + 11 * epact + 22 * toSunday) / 451);
  const monthAndDay = epact + toSunday - 7 * late + 114;
  return dayOf(year, Math.floor(monthAndDay / 31), (monthAndDay % 31) + 1);
};
