// Pages of a list: one, or all of them.
import type { Command } from 'commander';

export interface PageOptions {
  readonly limit?: number;
  readonly cursor?: string;
  readonly all: boolean;
}

export const paging = (command: Command): Command =>
  command.option('--cursor <cursor>', 'go on where a page ended').option('--all', 'every page', false);

interface Page<T> {
  readonly rows: readonly T[];
  readonly cursor?: string | undefined;
}
type Fetch<T> = (from: { readonly cursor?: string; readonly limit?: number }) => Promise<Page<T>>;

/** The page that was asked for, or the first that is not empty: an empty one with a cursor is not the last. */
export async function pagingOf<T>(
  command: Command,
  fetchPage: Fetch<T>,
): Promise<{ rows: T[]; cursor?: string | undefined }> {
  const { limit, all, cursor: first } = command.opts<PageOptions>();
  const rows: T[] = [];
  let cursor = first;
  do {
    const page = await fetchPage({
      ...(cursor === undefined ? {} : { cursor }),
      // Where all are wanted, in as few answers as may be.
      ...(all ? { limit: limit ?? 100 } : limit === undefined ? {} : { limit }),
    });
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== undefined && (all || rows.length === 0));
  return { rows, cursor };
}
