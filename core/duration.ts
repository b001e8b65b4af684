/** A whole number of seconds; the brand keeps a bare number, or milliseconds, from passing for one. */
export type Seconds = number & { readonly __unit: 'seconds' };

/** `count` seconds. Throws RangeError on a negative or fractional count. */
export function seconds(count: number): Seconds {
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`duration: ${count} is not a whole number of seconds`);
  return count as Seconds;
}

export const minutes = (count: number): Seconds => seconds(count * 60);
export const hours = (count: number): Seconds => minutes(count * 60);
export const days = (count: number): Seconds => hours(count * 24);

/** Milliseconds of a duration, for arithmetic with clocks. */
export const toMs = (duration: Seconds): number => duration * 1000;
