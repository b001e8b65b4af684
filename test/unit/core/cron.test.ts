// The plane's own reading of a cron expression, against tables made by hand and against croner, which the local plane's
// Scheduler goes by: two readings that were written apart.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scheduleKeys, scheduleRow } from '#core/catalogue/schedules.ts';
import { isSlot, parseCron, slotsAfter, slotsUpTo } from '#core/cron.ts';
import { parseScheduleExpression } from '#local/schedule-expression.ts';
import { failureOf } from './support.ts';

const times = (slots: readonly number[]): string[] => slots.map((ms) => new Date(ms).toISOString().slice(0, 16));
const after = (expression: string, fromMs: number, limit: number): number[] =>
  slotsAfter(parseCron(expression), fromMs, { limit });
const atMs = Date.parse('2026-11-21T12:00:30Z'); // A Saturday.

describe('slots after a time', () => {
  it.each([
    ['cron(* * * * ? *)', ['2026-11-21T12:01', '2026-11-21T12:02']],
    ['cron(0/5 * * * ? *)', ['2026-11-21T12:05', '2026-11-21T12:10']],
    ['cron(*/25 12 * * ? *)', ['2026-11-21T12:25', '2026-11-21T12:50', '2026-11-22T12:00']],
    ['cron(3/20 * * * ? *)', ['2026-11-21T12:03', '2026-11-21T12:23']],
    ['cron(10-30/10 1,23 * * ? *)', ['2026-11-21T23:10', '2026-11-21T23:20', '2026-11-21T23:30', '2026-11-22T01:10']],
    ['cron(7 * * * ? *)', ['2026-11-21T12:07', '2026-11-21T13:07']],
    ['cron(0 0 * * ? *)', ['2026-11-22T00:00', '2026-11-23T00:00']],
    ['cron(15 10 ? * 6L 2026-2028)', ['2026-11-27T10:15', '2026-12-25T10:15', '2027-01-29T10:15']],
    ['cron(0 9 ? * mon-fri *)', ['2026-11-23T09:00', '2026-11-24T09:00']],
    ['cron(0 9 ? * 2 *)', ['2026-11-23T09:00', '2026-11-30T09:00']],
    ['cron(0 9 ? * L *)', ['2026-11-28T09:00', '2026-12-05T09:00']],
    ['cron(0 9 ? * 3#1 *)', ['2026-12-01T09:00', '2027-01-05T09:00']],
    ['cron(0 9 ? * SUN#5 *)', ['2026-11-29T09:00', '2027-01-31T09:00', '2027-05-30T09:00']],
    ['cron(0 9 L * ? *)', ['2026-11-30T09:00', '2026-12-31T09:00', '2027-01-31T09:00', '2027-02-28T09:00']],
    // 2026-11-01 is a Sunday, 2027-05-01 a Saturday and the first; 2027-01-31 a Sunday and the last.
    ['cron(0 9 1W * ? *)', ['2026-12-01T09:00', '2027-01-01T09:00', '2027-02-01T09:00', '2027-03-01T09:00']],
    ['cron(0 9 1W 5 ? *)', ['2027-05-03T09:00', '2028-05-01T09:00']],
    ['cron(0 9 31W * ? *)', ['2026-12-31T09:00', '2027-01-29T09:00', '2027-03-31T09:00']],
    ['cron(0 9 15W 11,8 ? *)', ['2027-08-16T09:00', '2027-11-15T09:00']],
    ['cron(0 9 21W 11 ? *)', ['2027-11-22T09:00', '2028-11-21T09:00']],
    ['cron(0 0 29 2 ? *)', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['cron(0 0 31 feb ? *)', []],
    ['cron(59 23 31 12 ? 2026,2199)', ['2026-12-31T23:59', '2199-12-31T23:59']],
    ['cron(0 0 1 1 ? 2020)', []],
    ['cron( 5  4 * *   ? * )', ['2026-11-22T04:05']],
  ])('%s', (expression, expected) => {
    expect(times(after(expression, atMs, Math.max(1, expected.length)))).toEqual(expected);
  });

  it('begin strictly after it; backwards they begin with it', () => {
    const cron = parseCron('cron(0 12 * * ? *)');
    const noonMs = Date.parse('2026-11-21T12:00:00Z');
    expect(times(slotsAfter(cron, noonMs, { limit: 1 }))).toEqual(['2026-11-22T12:00']);
    expect(times(slotsAfter(cron, noonMs - 1, { limit: 1 }))).toEqual(['2026-11-21T12:00']);
    expect(times(slotsUpTo(cron, noonMs, 2))).toEqual(['2026-11-21T12:00', '2026-11-20T12:00']);
    expect(times(slotsUpTo(cron, noonMs - 1, 1))).toEqual(['2026-11-20T12:00']);
    const untilMs = noonMs + 2 * 86_400_000;
    expect(times(slotsAfter(cron, noonMs, { untilMs, limit: 9 }))).toEqual(['2026-11-22T12:00', '2026-11-23T12:00']);
    expect(slotsAfter(cron, noonMs, { untilMs: noonMs + 1, limit: 9 })).toEqual([]);
    expect([isSlot(cron, noonMs), isSlot(cron, noonMs + 1), isSlot(cron, noonMs + 60_000)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('an expression', () => {
  it.each([
    ['* * * * ? *', 'six fields'],
    ['cron(* * * * *)', 'six fields'],
    ['rate(5 minutes)', 'six fields'],
    ['cron(* * * * * *)', 'must be ?'],
    ['cron(* * ? * ? *)', 'must be ?'],
    ['cron(60 * * * ? *)', '"60" is no minute from 0 to 59'],
    ['cron(* 24 * * ? *)', '"24" is no hour'],
    ['cron(* * 0 * ? *)', '"0" is no day of month'],
    ['cron(* * 32W * ? *)', '"32" is no day of month'],
    ['cron(* * * 13 ? *)', '"13" is no month'],
    ['cron(* * ? * 0 *)', '"0" is no day of week'],
    ['cron(* * ? * 8L *)', '"8" is no day of week'],
    ['cron(* * * * ? 1969)', '"1969" is no year'],
    ['cron(* * * * ? 2200)', '"2200" is no year'],
    ['cron(? * * * ? *)', '"?" is no minute'],
    ['cron(30-10 * * * ? *)', 'from low to high'],
    ['cron(*/0 * * * ? *)', 'from low to high'],
    ['cron(1-2-3 * * * ? *)', '"1-2-3" is no minute'],
    ['cron(, * * * ? *)', 'is no minute'],
    ['cron(*/x * * * ? *)', 'is no minute'],
    ['cron(-5 * * * ? *)', 'is no minute'],
    ['cron(1.5 * * * ? *)', 'is no minute'],
    ['cron(* * 1,L * ? *)', '"L" is no day of month'],
    ['cron(* * LW * ? *)', '"LW" is no day of month'],
    ['cron(* * L-3 * ? *)', 'is no day of month'],
    ['cron(* * ? * 3#6 *)', 'is no day of week'],
    ['cron(* * ? * 3#1,4#1 *)', 'is no day of week'],
    ['cron(* * ? * FRIDAY *)', '"FRIDAY" is no day of week'],
  ])('%s is refused: %s', (expression, why) => {
    const failure = failureOf(() => parseCron(expression));
    expect(failure.code).toBe('CONFIGURATION_INVALID');
    expect(failure.message).toContain(`${JSON.stringify(expression)} is not a cron expression: `);
    expect(failure.message).toContain(why);
  });

  it.each(scheduleKeys)('of %s can be read', (key) => {
    expect(after(scheduleRow(key).cron, atMs, 3)).toHaveLength(3);
  });
});

const range = (from: number, to: number) =>
  fc.tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to })).map(([one, other]) => {
    const [low, high] = [Math.min(one, other), Math.max(one, other)];
    return low === high ? `${low}` : `${low}-${high}`;
  });
// croner refuses a step that is wider than its field.
const step = (from: number, to: number) => fc.integer({ min: 1, max: to - from });
const part = (from: number, to: number) =>
  fc.oneof(
    range(from, to),
    fc.tuple(fc.integer({ min: from, max: to }), step(from, to)).map(([first, by]) => `${first}/${by}`),
    step(from, to).map((by) => `*/${by}`),
  );
const field = (from: number, to: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.array(part(from, to), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')),
  );
const weekday = fc.integer({ min: 1, max: 7 });
const days = fc.oneof(
  fc.tuple(fc.oneof(field(1, 31), fc.constant('L')), fc.constant('?')),
  fc.tuple(
    fc.constant('?'),
    fc.oneof(
      fc.uniqueArray(weekday, { minLength: 1 }).map((list) => list.join(',')),
      weekday.map((day) => `${day}L`),
      fc.tuple(weekday, fc.integer({ min: 1, max: 5 })).map(([day, nth]) => `${day}#${nth}`),
    ),
  ),
);
const expressions = fc
  .tuple(field(0, 59), field(0, 23), days, field(1, 12))
  .map(([minute, hour, [day, ofWeek], month]) => `cron(${minute} ${hour} ${day} ${month} ${ofWeek} *)`);
const instants = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) });

describe('any expression', () => {
  it('has the slots that croner finds', () => {
    fc.assert(
      fc.property(expressions, instants, (expression, fromMs) => {
        const other = parseScheduleExpression({ expression, timeZone: 'UTC', anchorMs: 0, owner: 'test' });
        let beforeMs = fromMs;
        for (const slotMs of after(expression, fromMs, 5)) {
          expect([expression, slotMs]).toEqual([expression, other.nextAfter(beforeMs)]);
          beforeMs = slotMs;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has the same slots forwards and back, each of them a slot', () => {
    fc.assert(
      fc.property(expressions, instants, (expression, fromMs) => {
        const cron = parseCron(expression);
        const forwards = slotsAfter(cron, fromMs, { limit: 20 });
        if (forwards.length === 0) return;
        const back = slotsUpTo(cron, forwards.at(-1) ?? 0, forwards.length);
        expect(back.toReversed()).toEqual(forwards);
        expect(forwards.every((slotMs) => isSlot(cron, slotMs) && slotMs > fromMs)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
