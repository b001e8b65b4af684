import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstant, parseNumber } from '#engines/ingest/values.ts';

describe('instants', () => {
  it.each([
    ['2000-01-03', '2000-01-03T00:00:00.000Z'],
    [' 2000-01-03 ', '2000-01-03T00:00:00.000Z'],
    ['2000-01-03T09:30', '2000-01-03T09:30:00.000Z'],
    ['2000-01-03 09:30:15', '2000-01-03T09:30:15.000Z'],
    ['2000-01-03T09:30:15.5Z', '2000-01-03T09:30:15.500Z'],
    ['2000-01-03T09:30:15.123456789z', '2000-01-03T09:30:15.123Z'],
    ['2000-01-03 09:30:00 UTC', '2000-01-03T09:30:00.000Z'],
    ['2000-01-03T00:30:00+05:30', '2000-01-02T19:00:00.000Z'],
    ['2000-01-03 19:30:00-0500', '2000-01-04T00:30:00.000Z'],
    ['2000-01-03T09:30-05', '2000-01-03T14:30:00.000Z'],
  ])('read %j', (text, iso) => {
    expect(new Date(parseInstant(text)?.utcMs ?? Number.NaN).toISOString()).toBe(iso);
  });

  it.each([
    '',
    '1/3/2000',
    '2000-1-3',
    '20000103',
    '2000-02-30',
    '2000-13-01',
    '2000-01-03T24:00',
    '2000-01-03T09:60',
    '2000-01-03T09:30:60',
    '2000-01-03T9:30',
    '2000-01-03Z',
    '2000-01-03T09:30+15:00',
    '2000-01-03T09:30+01:60',
    '946857600',
    'NaT',
  ])('refuse %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('read back every instant that JavaScript writes', () => {
    const min = new Date('0001-01-01T00:00:00Z');
    const max = new Date('9999-12-31T00:00:00Z');
    fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString())).toMatchObject({ utcMs: date.getTime(), hasOffset: true });
      }),
    );
  });

  it('say when digits beyond the millisecond are lost', () => {
    expect(parseInstant('2000-01-03T09:30:15.123000')?.truncated).toBe(false);
    expect(parseInstant('2000-01-03T09:30:15.1230001')?.truncated).toBe(true);
  });
});

describe('numbers', () => {
  it.each([
    ['1', 1],
    [' 1.50 ', 1.5],
    ['-3', -3],
    ['+.5', 0.5],
    ['7.', 7],
    ['1.5e3', 1500],
    ['1E-3', 0.001],
  ])('read %j', (text, value) => expect(parseNumber(text)).toBe(value));

  it.each(['', ' ', 'NaN', 'nan', 'null', 'N/A', '-', 'None'])('take %j as missing', (text) => {
    expect(parseNumber(text)).toBe('missing');
  });

  it.each(['0x10', '1,234', '1 000', '$5', 'Infinity', '1e999', '1e', '1.2.3', '12abc', '٣'])('refuse %j', (text) => {
    expect(parseNumber(text)).toBeUndefined();
  });

  it('read back every finite number that JavaScript writes', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => parseNumber(`${value}`) === value),
    );
  });
});
