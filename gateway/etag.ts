import { Problem } from './problem.ts';

/** A run's: what a retry begins is a generation, so a retry looks at that part alone. */
export const runTag = ({ generation, rev }: { generation: number; rev: number }): string => `"${generation}.${rev}"`;

const tag = '"[A-Za-z0-9_.:-]{1,64}"';
/** What If-Match takes: any version, or one of these. */
export const ifMatchPattern = new RegExp(`^(?:\\*|${tag}(?: *, *${tag})*)$`);

/** The tags of If-Match; `*` and an absent header match whatever there is. @throws Problem REQUEST_INVALID */
export function tagsOf(ifMatch: string | undefined): readonly string[] | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  if (ifMatchPattern.test(ifMatch)) return ifMatch.split(',').map((one) => one.trim());
  throw new Problem('REQUEST_INVALID', 'If-Match is not an ETag in quotes, as an answer had it: copy it from there', {
    issues: [{ path: 'header.if-match', message: 'is not an ETag in quotes' }],
  });
}

/** @throws Problem PRECONDITION_FAILED when none of the tags is this one. */
export function needTag(ifMatch: string | undefined, now: string, what: string): void {
  if (tagsOf(ifMatch)?.includes(now) ?? true) return;
  throw changed(what);
}

/** The generation that If-Match names. @throws Problem REQUEST_INVALID, PRECONDITION_FAILED for tags that are no run's. */
export function generationOf(ifMatch: string | undefined, id: string): number | undefined {
  const tags = tagsOf(ifMatch);
  if (!tags) return undefined;
  const [generation] = tags.flatMap((tag) => /^"(\d{1,9})\.\d+"$/.exec(tag)?.[1] ?? []);
  if (generation === undefined) throw changed(`run ${id}`);
  return Number(generation);
}

export const changed = (what: string): Problem =>
  new Problem('PRECONDITION_FAILED', `${what} has changed since you looked: look again, then decide`);
