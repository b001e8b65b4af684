/** Lets `width` pieces of work run at a time; the others wait for their turn. */
export function lanes(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = width;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // A lane is handed over, not given back: nobody who comes now may be before those who wait.
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

/** What all of them resolve with; rejects with the first failure, once all have settled. */
export async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((one) => {
    if (one.status === 'fulfilled') return one.value;
    throw one.reason;
  });
}
