import { expect, test } from 'vitest';
import { parseScheduleExpression } from '#local/schedule-expression.ts';

const anchorMs = Date.parse('2026-11-21T12:00:30Z');

function nextOf(
  expression: string,
  count: number,
  { timeZone = 'UTC', after = '2026-11-21T12:00:30Z' } = {},
): string[] {
  const parsed = parseScheduleExpression({ expression, timeZone, anchorMs, owner: 'beat' });
  const found: string[] = [];
  let ms: number | undefined = Date.parse(after);
  while (found.length < count && (ms = parsed.nextAfter(ms)) !== undefined)
    found.push(new Date(ms).toISOString().slice(0, 16));
  return found;
}

test.each([
  ['cron(* * * * ? *)', ['2026-11-21T12:01', '2026-11-21T12:02']],
  ['cron(0/5 * * * ? *)', ['2026-11-21T12:05', '2026-11-21T12:10']],
  ['cron(3/20 * * * ? *)', ['2026-11-21T12:03', '2026-11-21T12:23']],
  ['cron(15 10 ? * 6L 2026-2028)', ['2026-11-27T10:15', '2026-12-25T10:15']],
  ['cron(0 9 ? * MON-FRI *)', ['2026-11-23T09:00', '2026-11-24T09:00']],
  // Days count from Sunday = 1 on AWS: 2 is Monday.
  ['cron(0 9 ? * 2 *)', ['2026-11-23T09:00', '2026-11-30T09:00']],
  ['cron(0 9 ? * 3#1 *)', ['2026-12-01T09:00', '2027-01-05T09:00']],
  ['cron(0 9 L * ? *)', ['2026-11-30T09:00', '2026-12-31T09:00']],
  ['cron(0 0 1 1 ? 2028)', ['2028-01-01T00:00']],
  ['cron(0 0 1 1 ? 2020)', []],
  ['at(2026-12-01T09:00:00)', ['2026-12-01T09:00']],
  ['at(2026-01-01T09:00:00)', []],
  ['rate(5 minutes)', ['2026-11-21T12:05', '2026-11-21T12:10']],
  ['rate(1 day)', ['2026-11-22T12:00', '2026-11-23T12:00']],
])('%s fires at %j', (expression, expected) => {
  expect(nextOf(expression, 2)).toEqual(expected);
});

test('local times follow their zone through summer and winter', () => {
  const timeZone = 'Europe/Berlin';
  expect(nextOf('cron(0 9 * * ? *)', 2, { timeZone, after: '2026-10-24T00:00:00Z' })).toEqual([
    '2026-10-24T07:00',
    '2026-10-25T08:00',
  ]);
  expect(nextOf('at(2026-07-01T09:00:00)', 1, { timeZone, after: '2026-01-01T00:00:00Z' })).toEqual([
    '2026-07-01T07:00',
  ]);
});

test('a local time that does not exist is left out, one that comes twice fires once', () => {
  const timeZone = 'America/New_York';
  expect(nextOf('cron(30 2 * * ? *)', 2, { timeZone, after: '2026-03-07T12:00:00Z' })).toEqual([
    '2026-03-09T06:30',
    '2026-03-10T06:30',
  ]);
  expect(nextOf('cron(30 1 * * ? *)', 2, { timeZone, after: '2026-10-31T12:00:00Z' })).toEqual([
    '2026-11-01T05:30',
    '2026-11-02T06:30',
  ]);
  expect(nextOf('cron(30 * * * ? *)', 3, { timeZone, after: '2026-11-01T04:45:00Z' })).toEqual([
    '2026-11-01T05:30',
    '2026-11-01T07:30',
    '2026-11-01T08:30',
  ]);
});

test.each([
  ['cron(* * * * *)', 'it has 5 fields where cron of AWS has six'],
  ['cron(* * * * * *)', 'exactly one of day-of-month and day-of-week must be ?'],
  ['cron(* * ? * ? *)', 'exactly one of day-of-month and day-of-week must be ?'],
  ['cron(99 * * * ? *)', 'Invalid value for minute: 99'],
  ['rate(0 minutes)', 'a positive number'],
  ['rate(5 fortnights)', 'a positive number'],
  ['at(tomorrow)', 'yyyy-mm-ddThh:mm:ss'],
  ['every day', 'it is neither cron(...), at(...) nor rate(...)'],
])('%s is refused with the reason', (expression, why) => {
  expect(() => nextOf(expression, 1)).toThrow(why);
  expect(() => nextOf(expression, 1)).toThrow(`The schedule beat has the expression ${expression} (UTC)`);
});
