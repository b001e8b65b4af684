// Numbers as people read them. English, so that the same run gives the same page everywhere.
import { metrics } from '#engines/backtest/metrics/catalogue.ts';
import type { MetricName } from '#engines/backtest/metrics/catalogue.ts';
import { html } from '#engines/status/html.ts';
import type { Html } from '#engines/status/html.ts';

const grouped = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const [whole, two, three] = [grouped(0), grouped(2), grouped(3)];

// A typographic minus is as wide as a plus; -0.00 is 0.00.
const signless = (text: string): string => text.replace(/^-(?=[0,.]*$)/, '').replace('-', '\u2212');

/** 1,234.50 */
export const money = (value: number): string => signless(two.format(value));
export const percent = (value: number): string =>
  `${signless((Math.abs(value) >= 10_000 ? whole : two).format(value))} %`;
export const ratio = (value: number): string => signless(three.format(value));
/** Prices from 1.07219 to 142,284: seven digits, no trailing zeros. */
export const price = (value: number): string =>
  new Intl.NumberFormat('en', { maximumSignificantDigits: 7 }).format(value);
export const count = (value: number): string => signless(whole.format(value));

/** A metric with its unit, or why it has no value. */
export const figure = (name: MetricName, value: number | null, reason?: string): Html => {
  if (value === null) return html`<small>none: ${reason ?? 'not defined'}</small>`;
  return html`${inUnit(name, value)}`;
};

const inUnit = (name: MetricName, value: number): string => {
  const { unit } = metrics[name];
  if (name === 'tradeCount') return count(value);
  switch (unit) {
    case '%':
      return percent(value);
    case 'money':
      return money(value);
    case 'days':
      return `${signless(new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(value))} days`;
    case 'times a year':
      return `${signless(two.format(value))} / year`;
    case '':
      return ratio(value);
  }
};

/** For colour: what is above, below, at zero. */
export const tone = (value: number | null): string =>
  value === null || value === 0 ? '' : value > 0 ? 'gain' : 'loss';
