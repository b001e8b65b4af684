// The calendars a daily series can be held against.
import { SATURDAY, SUNDAY, dayOfIso, weekdayOf } from '#engines/calendar/dates.ts';
import { XNYS_FIRST_DATE, isSessionDay } from '#engines/calendar/xnys.ts';

export const CALENDAR_NAMES = ['XNYS', 'weekdays', 'every-day'] as const;
export type CalendarName = (typeof CALENDAR_NAMES)[number];

export interface Calendar {
  name: CalendarName;
  /** First day number (days since 1970-01-01) it can answer for. */
  firstDay: number;
  isSessionDay: (day: number) => boolean;
}

/** The calendar of a name. */
export const calendarOf = (name: CalendarName): Calendar => CALENDARS[name];

const isWeekday = (day: number): boolean => {
  const weekday = weekdayOf(day);
  return weekday !== SATURDAY && weekday !== SUNDAY;
};

const CALENDARS: Record<CalendarName, Calendar> = {
  XNYS: { name: 'XNYS', firstDay: dayOfIso(XNYS_FIRST_DATE), isSessionDay },
  weekdays: { name: 'weekdays', firstDay: Number.NEGATIVE_INFINITY, isSessionDay: isWeekday },
  'every-day': { name: 'every-day', firstDay: Number.NEGATIVE_INFINITY, isSessionDay: () => true },
};
