import { describe, expect, it } from 'vitest';
import { sessionsBetween } from '#engines/calendar/xnys.ts';
import type { QualityReport } from '#engines/ingest/report.ts';
import { csvSource, silverOf } from './support.ts';
import type { SilverOptions } from '#engines/ingest/silver.ts';

const reportOn = async (times: string[], options: Pick<SilverOptions, 'calendar'> = {}): Promise<QualityReport> => {
  const text = ['time,open,high,low,close', ...times.map((time) => `${time},1,1,1,1`), ''].join('\n');
  return (await silverOf(csvSource(text), options)).report;
};

const everyDay = (from: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => new Date(Date.parse(from) + at * 86_400_000).toISOString().slice(0, 10));

const isWeekday = (date: string): boolean => ![0, 6].includes(new Date(date).getUTCDay());

describe('daily bars and their calendar', () => {
  it('finds missing sessions and dates that are none', async () => {
    const sessions = sessionsBetween('2021-01-04', '2021-12-31').filter((date) => !date.startsWith('2021-03-1'));
    const report = await reportOn([...sessions, '2021-12-25', '2021-07-04']);
    expect(report).toMatchObject({ calendar: { name: 'XNYS' }, gaps: { missing: 8, runs: 1 } });
    expect(report.gaps.listed).toEqual([{ from: '2021-03-10', to: '2021-03-19', missing: 8 }]);
    expect(report.unexpectedSessions).toEqual({ rows: 2, listed: ['2021-07-04', '2021-12-25'] });
    expect(report.flags.NOT_A_SESSION).toBe(2);
  });

  it('takes every day for a market that never closes, and weekdays for one that keeps no American holidays', async () => {
    expect((await reportOn(everyDay('2021-01-01', 60))).calendar.name).toBe('every-day');
    expect((await reportOn(everyDay('2021-01-01', 200).filter(isWeekday))).calendar.name).toBe('weekdays');
  });

  it('takes XNYS when nothing tells it from weekdays, and says how both fit', async () => {
    const { calendar } = await reportOn(everyDay('2021-03-01', 12).filter(isWeekday));
    expect(calendar.name).toBe('XNYS');
    expect(calendar.reason).toContain('weekdays (0 missing, 0 unexpected)');
  });

  it('does not use XNYS where its rules do not reach', async () => {
    const days = everyDay('1975-01-01', 60).filter(isWeekday);
    const chosen = await reportOn(days);
    expect(chosen.calendar).toMatchObject({ name: 'weekdays', reason: expect.stringContaining('before 1990') });
    const asked = await reportOn(days, { calendar: 'XNYS' });
    expect(asked.warnings.at(-1)).toMatch(/before 1990-01-01 were not held against XNYS/);
  });

  it('obeys the calendar it is given', async () => {
    const report = await reportOn(everyDay('2021-01-04', 14).filter(isWeekday), { calendar: 'every-day' });
    expect(report).toMatchObject({ calendar: { name: 'every-day' }, gaps: { missing: 2, runs: 1 } });
    expect(report.calendar.reason).toMatch(/^Asked for/);
  });

  it('warns where no calendar fits', async () => {
    const sparse = everyDay('2021-01-01', 100).filter((_, at) => at % 7 < 2);
    expect((await reportOn(sparse)).warnings.at(-1)).toMatch(/No calendar fits well/);
  });

  it('lists a hundred gaps and counts them all', async () => {
    const { gaps } = await reportOn(everyDay('2000-01-01', 1200).filter((_, at) => at % 4 !== 3));
    expect(gaps).toMatchObject({ missing: 299, runs: 299 });
    expect(gaps.listed).toHaveLength(100);
  });

  it('reads daily bars written with one time of day and an offset as dates of the exchange', async () => {
    const days = sessionsBetween('2021-03-01', '2021-03-31');
    const zoned = days.map((date) => `${date} 00:00:00${date < '2021-03-14' ? '-05:00' : '-04:00'}`);
    const report = await reportOn(zoned);
    expect(report).toMatchObject({
      granularity: 'date',
      first: '2021-03-01',
      last: '2021-03-31',
      gaps: { missing: 0 },
    });
    expect(report.warnings.at(-1)).toMatch(/one time of day/);
    expect(await reportOn(days.map((date) => `${date} 16:00:00`))).toMatchObject({
      granularity: 'date',
      interval: 'P1D',
    });
  });
});

describe('other bars', () => {
  it('finds minutes missing inside a day, not the night', async () => {
    const minutes = (date: string): string[] => ['09:30', '09:31', '09:32', '09:36'].map((time) => `${date}T${time}`);
    const report = await reportOn([...minutes('2021-03-01'), ...minutes('2021-03-02')]);
    expect(report).toMatchObject({ interval: 'PT1M', granularity: 'time', gaps: { missing: 6, runs: 2 } });
    expect(report.gaps.listed[0]).toEqual({
      from: '2021-03-01T09:33:00.000Z',
      to: '2021-03-01T09:35:00.000Z',
      missing: 3,
    });
  });

  it.each([
    [
      'P1W',
      ['2021-01-04', '2021-01-11', '2021-01-18', '2021-02-01'],
      { from: '2021-01-25', to: '2021-01-25', missing: 1 },
    ],
    ['P1M', ['2021-01-29', '2021-02-26', '2021-03-31', '2021-06-30'], { from: '2021-04', to: '2021-05', missing: 2 }],
    ['P3M', ['2020-12-31', '2021-03-31', '2021-06-30', '2021-12-31'], { from: '2021-09', to: '2021-09', missing: 1 }],
    ['P1Y', ['2016-12-30', '2017-12-29', '2018-12-28', '2020-12-27'], { from: '2019-12', to: '2019-12', missing: 1 }],
    ['PT30S', ['00:00:00', '00:00:30', '00:01:00', '00:02:00'].map((time) => `2021-01-01T${time}`), { missing: 1 }],
  ])('infers %s and finds what it skips', async (interval, times, gap) => {
    const report = await reportOn(times);
    expect(report.interval).toBe(interval);
    expect(report.gaps.listed).toEqual([expect.objectContaining(gap)]);
  });

  it('takes the smaller of two steps that are equally frequent', async () => {
    expect(await reportOn(['09:00', '09:02', '09:03'].map((time) => `2021-01-01T${time}`))).toMatchObject({
      interval: 'PT1M',
      gaps: { missing: 1 },
    });
  });

  it('does not guess from a single bar', async () => {
    expect(await reportOn(['2021-01-04'])).toMatchObject({ interval: null, calendar: { name: null }, rowsSilver: 1 });
  });

  it('takes two bars around a weekend as daily', async () => {
    expect(await reportOn(['2021-01-08', '2021-01-11'])).toMatchObject({ interval: 'P1D', gaps: { missing: 0 } });
  });
});
