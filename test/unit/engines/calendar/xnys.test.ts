import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, dayOfIso, easterSunday, isoOf, parseDay, weekdayOf } from '#engines/calendar/dates.ts';
import { CalendarError } from '#engines/calendar/errors.ts';
import { isSession, nextSession, previousSession, sessionHours, sessionsBetween } from '#engines/calendar/xnys.ts';

interface Row {
  date: string;
  open: string;
  close: string;
}

const published: Row[] = readFileSync(new URL('../../../data/xnys.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [day = '', open = '', close = ''] = line.split(',');
    return { date: day.slice(0, 10), open, close };
  });

describe('the XNYS calendar', () => {
  it('has exactly the sessions of the published table, 1990 to 2023', () => {
    expect(published).toHaveLength(8324);
    expect(sessionsBetween('1990-01-01', '2023-01-13')).toEqual(published.map((row) => row.date));
  });

  it('opens and closes each of them at the published instant, half days included', () => {
    const hours = published.map((row) => sessionHours(row.date));
    expect(hours.map((each) => ({ date: each?.date, open: each?.open, close: each?.close }))).toEqual(published);
    expect(hours.filter((each) => each?.halfDay)).toHaveLength(69);
  });

  it.each([
    ['2022-01-17', 'Martin Luther King Jr. Day'],
    ['2021-12-24', 'Christmas kept on Friday'],
    ['2023-06-19', 'Juneteenth'],
    ['2024-03-29', 'Good Friday'],
    ['2025-01-09', 'funeral of Jimmy Carter'],
    ['2026-07-03', 'Independence Day kept on Friday'],
    ['2027-06-18', 'Juneteenth kept on Friday'],
    ['2026-11-21', 'a Saturday'],
  ])('is closed on %s: %s', (date) => {
    expect(isSession(date)).toBe(false);
    expect(sessionHours(date)).toBeUndefined();
  });

  it('trades on the Friday before a New Year that falls on Saturday', () => {
    expect(isSession('2021-12-31')).toBe(true);
    expect(isSession('2027-12-31')).toBe(true);
  });

  it.each([
    ['2024-11-29', '18:00'],
    ['2024-12-24', '18:00'],
    ['2025-07-03', '17:00'],
    ['2028-07-03', '17:00'],
  ])('closes early on %s, at %s UTC', (date, close) => {
    expect(sessionHours(date)).toMatchObject({ halfDay: true, close: `${date}T${close}:00Z` });
  });

  it('moves with daylight saving time under the rules of each period', () => {
    expect(sessionHours('2006-03-31')?.open).toBe('2006-03-31T14:30:00Z');
    expect(sessionHours('2007-03-12')?.open).toBe('2007-03-12T13:30:00Z');
    expect(sessionHours('2026-11-02')?.open).toBe('2026-11-02T14:30:00Z');
  });

  it('steps over weekends and holidays', () => {
    expect(nextSession('2026-11-25')).toBe('2026-11-27');
    expect(previousSession('2001-09-17')).toBe('2001-09-10');
  });

  it('says what to do for a date before its rules, and for what is no date', () => {
    expect(() => isSession('1989-12-29')).toThrow(/starts at 1990-01-01.*1989-12-29.*"weekdays"/);
    expect(() => isSession('2023-02-30')).toThrow(CalendarError);
  });
});

describe('dates', () => {
  it('turn into days and back without loss', () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_000, max: 2_900_000 }), (day) => {
        expect(parseDay(isoOf(day))).toBe(day);
        expect(weekdayOf(day)).toBe(new Date(day * DAY_MS).getUTCDay());
      }),
    );
  });

  it.each(['2023-02-29', '2023-13-01', '2023-1-1', '20230101', '', '2023-01-01T00:00'])('refuse %j', (text) => {
    expect(parseDay(text)).toBeUndefined();
  });

  it('know Easter of centuries apart', () => {
    const known = ['1818-03-22', '1943-04-25', '2000-04-23', '2024-03-31', '2025-04-20', '2038-04-25', '2285-03-22'];
    expect(known.map((date) => isoOf(easterSunday(Number(date.slice(0, 4)))))).toEqual(known);
    expect(known.every((date) => weekdayOf(dayOfIso(date)) === 0)).toBe(true);
  });
});
