// The New York Stock Exchange from its rules: which days trade, and from when to when.
//
// Rules and not a table, because a table ends. They hold from 1990-01-01 (before, there were other holidays and hours,
// and nothing here has been checked) and equal every one of the 8,324 sessions of test/data/xnys.csv, 1990 to 2023-01-13.
// Later days follow NYSE Rule 7.2; exchange_calendars 4.13.2 agrees on all 9,441 sessions to 2027-06-30 (checked once).
// What no rule can know is a closure decided by the day (a president's funeral, a storm): those are listed in
// CLOSED_ONCE and appear here only after somebody has added them.
import {
  DAY_MS,
  FRIDAY,
  MONDAY,
  SATURDAY,
  SUNDAY,
  THURSDAY,
  TUESDAY,
  WEDNESDAY,
  dayOf,
  dayOfIso,
  easterSunday,
  isoOf,
  lastWeekday,
  nthWeekday,
  weekdayOf,
  yearOf,
} from '#engines/calendar/dates.ts';
import { CalendarError } from '#engines/calendar/errors.ts';

/** First date the rules answer for. */
export const XNYS_FIRST_DATE = '1990-01-01';
const FIRST_DAY = dayOfIso(XNYS_FIRST_DATE);

const CLOSED_ONCE = new Set([
  '1994-04-27', // funeral of Richard Nixon
  '2001-09-11', // attacks on New York and Washington
  '2001-09-12',
  '2001-09-13',
  '2001-09-14',
  '2004-06-11', // funeral of Ronald Reagan
  '2007-01-02', // funeral of Gerald Ford
  '2012-10-29', // Hurricane Sandy
  '2012-10-30',
  '2018-12-05', // funeral of George H. W. Bush
  '2025-01-09', // funeral of Jimmy Carter
]);

// Early closes that no rule gives: the exchange announced them that year.
const HALF_DAY_ONCE = new Set(['1997-12-26', '1999-12-31', '2003-12-26']);

const HOUR_MS = 3_600_000;
const OPEN_HOUR = 9.5;
const CLOSE_HOUR = 16;

/** A session's hours in UTC, ISO 8601 with seconds. */
interface SessionHours {
  date: string;
  open: string;
  close: string;
  halfDay: boolean;
}

/** A holiday on Saturday is kept on Friday, one on Sunday on Monday. */
const observed = (day: number): number => {
  const weekday = weekdayOf(day);
  if (weekday === SATURDAY) return day - 1;
  return weekday === SUNDAY ? day + 1 : day;
};

// New Year's Day on a Saturday is not kept at all: the Friday before belongs to the old year's books (Rule 7.2).
const newYear = (year: number): number => {
  const day = dayOf(year, 1, 1);
  return weekdayOf(day) === SATURDAY ? day : observed(day);
};

const holidaysOf = (year: number): Set<number> => {
  const days = [
    newYear(year),
    nthWeekday(year, 2, { nth: 3, weekday: MONDAY }), // Washington's Birthday
    easterSunday(year) - 2, // Good Friday
    lastWeekday(year, 5, MONDAY), // Memorial Day
    observed(dayOf(year, 7, 4)), // Independence Day
    nthWeekday(year, 9, { nth: 1, weekday: MONDAY }), // Labor Day
    thanksgiving(year),
    observed(dayOf(year, 12, 25)), // Christmas
  ];
  if (year >= 1998) days.push(nthWeekday(year, 1, { nth: 3, weekday: MONDAY })); // Martin Luther King Jr. Day
  if (year >= 2022) days.push(observed(dayOf(year, 6, 19))); // Juneteenth
  return new Set(days);
};

const thanksgiving = (year: number): number => nthWeekday(year, 11, { nth: 4, weekday: THURSDAY });

// The eve of Independence Day closes early since 1995; up to 2012 a Thursday holiday moved that to the Friday after it,
// and a Wednesday eve traded in full.
const isIndependenceHalfDay = (day: number, year: number): boolean => {
  if (year < 1995) return false;
  const eve = dayOf(year, 7, 3);
  const eveWeekday = weekdayOf(eve);
  if (day === eve)
    return [MONDAY, TUESDAY, THURSDAY].includes(eveWeekday) || (eveWeekday === WEDNESDAY && year >= 2013);
  return year < 2013 && day === eve + 2 && weekdayOf(day) === FRIDAY;
};

/** Whether a session closes early; the caller knows that the day is a session. */
const isHalfDay = (day: number): boolean => {
  const year = yearOf(day);
  const afterThanksgiving = year >= 1992 && day === thanksgiving(year) + 1;
  const christmasEve = day === dayOf(year, 12, 24);
  return afterThanksgiving || christmasEve || isIndependenceHalfDay(day, year) || HALF_DAY_ONCE.has(isoOf(day));
};

// Dates change far more slowly than they are asked for, and a year's holidays are a pure function of the year.
const holidayCache = new Map<number, Set<number>>();
const holidays = (year: number): Set<number> => {
  const known = holidayCache.get(year);
  if (known !== undefined) return known;
  const fresh = holidaysOf(year);
  holidayCache.set(year, fresh);
  return fresh;
};

/** As isSession, for a day number (days since 1970-01-01). */
export const isSessionDay = (day: number): boolean => {
  if (day < FIRST_DAY) {
    throw new CalendarError(
      'CALENDAR_BEFORE_RULES',
      `The XNYS calendar starts at ${XNYS_FIRST_DATE} and was asked about ${isoOf(day)}: use the calendar "weekdays" for older data.`,
    );
  }
  const weekday = weekdayOf(day);
  if (weekday === SATURDAY || weekday === SUNDAY) return false;
  return !holidays(yearOf(day)).has(day) && !CLOSED_ONCE.has(isoOf(day));
};

/** Whether New York trades on a date. Throws CALENDAR_BEFORE_RULES, CALENDAR_DATE_INVALID. */
export const isSession = (date: string): boolean => isSessionDay(dayOfIso(date));

/** The sessions from one date to another, both included, ascending. */
export const sessionsBetween = (from: string, to: string): string[] => {
  const sessions: string[] = [];
  const last = dayOfIso(to);
  for (let day = dayOfIso(from); day <= last; day += 1) if (isSessionDay(day)) sessions.push(isoOf(day));
  return sessions;
};

/** The last session strictly before a date. */
export const previousSession = (date: string): string => {
  let day = dayOfIso(date) - 1;
  while (!isSessionDay(day)) day -= 1;
  return isoOf(day);
};

/** The first session strictly after a date. */
export const nextSession = (date: string): string => {
  let day = dayOfIso(date) + 1;
  while (!isSessionDay(day)) day += 1;
  return isoOf(day);
};

// Daylight saving time: first Sunday of April to last of October until 2006 (Uniform Time Act as amended 1986), then
// second Sunday of March to first of November (Energy Policy Act of 2005). It changes on Sundays, when nothing trades.
const isDaylightSaving = (day: number): boolean => {
  const year = yearOf(day);
  const [start, end] =
    year >= 2007
      ? [nthWeekday(year, 3, { nth: 2, weekday: SUNDAY }), nthWeekday(year, 11, { nth: 1, weekday: SUNDAY })]
      : [nthWeekday(year, 4, { nth: 1, weekday: SUNDAY }), lastWeekday(year, 10, SUNDAY)];
  return day >= start && day < end;
};

const utc = (day: number, newYorkHour: number): string => {
  const hoursBehindUtc = isDaylightSaving(day) ? 4 : 5;
  return new Date(day * DAY_MS + (newYorkHour + hoursBehindUtc) * HOUR_MS).toISOString().replace('.000Z', 'Z');
};

/** Open and close of a session in UTC, or undefined if the date is none. Same throws as isSession. */
export const sessionHours = (date: string): SessionHours | undefined => {
  const day = dayOfIso(date);
  if (!isSessionDay(day)) return undefined;
  const halfDay = isHalfDay(day);
  const halfDayHour = yearOf(day) < 1993 ? 14 : 13;
  return { date, open: utc(day, OPEN_HOUR), close: utc(day, halfDay ? halfDayHour : CLOSE_HOUR), halfDay };
};
