import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figureOf, percentile, rounded, sentenceOf, spread } from '#bench/plane/figures.ts';

const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });

describe('a percentile', () => {
  it('is the nearest rank, whatever the order of the samples', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([0, 1, 50, 99, 100].map((percent) => percentile(hundred, percent))).toEqual([1, 1, 50, 99, 100]);
    expect(percentile([7], 99)).toBe(7);
    expect(percentile([10, 9], 50)).toBe(9);
  });

  it('is always a value that was measured, and no fewer samples than asked for lie at or below it', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 100 }), (values, percent) => {
        const value = percentile(values, percent);
        expect(values).toContain(value);
        const within = values.filter((one) => one <= value).length;
        expect(within / values.length).toBeGreaterThanOrEqual(percent / 100);
      }),
    );
  });

  it('of nothing is refused', () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
  });
});

describe('a figure', () => {
  it('is the median of its repetitions, between the smallest and the largest', () => {
    expect(spread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(figureOf('plane', ['drain alone', 'runs/s'], [300.04, 100.06, 200.123])).toEqual({
      bench: 'plane',
      figure: 'drain alone',
      value: 200.1,
      unit: 'runs/s',
      min: 100.1,
      median: 200.1,
      max: 300,
      repetitions: 3,
    });
  });

  it('has four significant digits', () => {
    expect([0, 0.123456, 12.3456, 123_456].map(rounded)).toEqual([0, 0.1235, 12.35, 123_500]);
  });

  it('is said in a line, with how far apart the repetitions lay where there were several', () => {
    const line = (values: number[]) => sentenceOf(figureOf('plane', ['overhead p50', 'ms'], values));
    expect(line([2, 3, 1])).toMatch(/^overhead p50 +2 ms {2}\(1 to 3\)$/);
    expect(line([2])).toMatch(/^overhead p50 +2 ms$/);
  });
});
