/** Loads with the first question; one that fails is no answer for the next. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () =>
    (loading ??= load().catch((failed: unknown) => {
      loading = undefined;
      throw failed;
    }));
}
