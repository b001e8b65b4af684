// A file big enough to be caught in the middle: the S&P 500 series of vega-datasets over and over, one bar a minute.
import { readFileSync } from 'node:fs';
import { defaultCsv } from '#bin/demo/csv-file.ts';

const firstBarMs = Date.parse('2000-01-03T00:00:00Z');

/** A CSV of exactly `rows` bars whose prices are real; their dates are shifted to follow each other. */
export function bigSeries(rows: number): Uint8Array {
  const [heading = '', ...days] = readFileSync(defaultCsv(), 'utf8').trim().split('\n');
  const prices = days.map((line) => line.slice(line.indexOf(',')));
  const lines = Array.from({ length: rows }, (_, n) => {
    const at = new Date(firstBarMs + n * 60_000).toISOString().slice(0, 19);
    return `${at}Z${prices[n % prices.length] ?? ''}`;
  });
  return new TextEncoder().encode([heading, ...lines].join('\n'));
}
