import type * as z from 'zod';
import { Problem } from './problem.ts';

type Issues = NonNullable<Problem['issues']>;

/** Enough to correct a request by; a hostile one could have a million. */
const mostIssues = 20;
const longestMessage = 200;
const longestKey = 64;

/** What the schema makes of the value. @throws Problem REQUEST_INVALID, which names each place that does not fit. */
export function parsed<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw misfit('REQUEST_INVALID', result.error, where);
}

export function misfit(code: 'REQUEST_INVALID' | 'PAYLOAD_INVALID', error: z.ZodError, where: string): Problem {
  const issues = issuesOf(error, where);
  const [first] = issues;
  const more = issues.length > 1 ? `; and ${issues.length - 1} more` : '';
  return new Problem(code, `${first?.path ?? where}: ${first?.message ?? 'does not fit'}${more}`, { issues });
}

function issuesOf({ issues }: z.ZodError, where: string): Issues {
  return issues.slice(0, mostIssues).flatMap((issue) => {
    const path = [where, ...issue.path.map(printable)].join('.');
    // One a key: whoever reads `body.strateggy` need not look for it.
    if (issue.code === 'unrecognized_keys') {
      return issue.keys
        .slice(0, mostIssues)
        .map((key) => ({ path: `${path}.${printable(key)}`, message: 'is not known here' }));
    }
    return [{ path, message: issue.message.slice(0, longestMessage) }];
  });
}

const printable = (key: PropertyKey): string =>
  String(key)
    .slice(0, longestKey)
    .replaceAll(/[^\u{20}-\u{7E}]/gu, '?');
