/** What `act` makes of each item, in their order; at most `width` are under way at a time. @throws what `act` throws. */
export async function inBatches<T, R>(items: readonly T[], width: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += width) {
    results.push(...(await Promise.all(items.slice(from, from + width).map(act))));
  }
  return results;
}
