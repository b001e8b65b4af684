// The part of CloudWatch Logs Insights' language that our dashboards use, run over the plane's own log lines: SOURCE, fields,
// filter with `=`, `in` and `and`, sort by time, dedup, limit. Anything else is refused by its name.
import { PlaneError } from '#local/errors.ts';
import type { LogLine } from '#local/logs.ts';

export type LogRow = Record<string, unknown>;

export interface LogTable {
  fields: string[];
  rows: LogRow[];
}

interface Query {
  sources: string[];
  fields: string[];
  steps: ((rows: LogRow[]) => LogRow[])[];
}

type Command = (argument: string, query: Query) => void;

const commands: Record<string, Command> = {
  SOURCE: (argument, { sources }) => void sources.push(...words(argument, /^'([^']+)'$/)),
  fields: (argument, { fields }) => {
    fields.push(...argument.split(',').flatMap((field) => words(field.trim(), /^(@?[\w.]+)$/)));
  },
  filter(argument, { steps }) {
    const conditions = conditionsOf(argument);
    steps.push((rows) => rows.filter((row) => conditions.every((holds) => holds(row))));
  },
  sort(argument, { steps }) {
    const [order] = words(argument, /^@timestamp (asc|desc)$/);
    const sign = order === 'asc' ? 1 : -1;
    steps.push((rows) => rows.toSorted((one, other) => sign * (timeOf(one) - timeOf(other))));
  },
  // A line without the field is never a duplicate.
  dedup(argument, { steps }) {
    const [field = ''] = words(argument, /^([\w.]+)$/);
    steps.push((rows) => {
      const seen = new Set<unknown>();
      return rows.filter(({ [field]: value }) => {
        const isNew = value === undefined || !seen.has(value);
        seen.add(value);
        return isNew;
      });
    });
  },
  limit(argument, { steps }) {
    const [count] = words(argument, /^(\d+)$/);
    steps.push((rows) => rows.slice(0, Number(count)));
  },
};

const timeOf = (row: LogRow): number => Number(row['@timestamp']);

/** Runs a query. `linesOf` gives the lines of a log group, oldest first. Throws TEMPLATE_UNSUPPORTED. */
export function runQuery(text: string, linesOf: (logGroup: string) => readonly LogLine[]): LogTable {
  const query: Query = { sources: [], fields: [], steps: [] };
  for (const part of unquotedSplit(text, '|')) {
    const [, name = '', argument = ''] = /^(\S+)\s*(.*)$/s.exec(part.trim()) ?? [];
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw unsupported(`the command ${JSON.stringify(name)}`);
    command(argument.trim(), query);
  }
  const { sources, fields, steps } = query;
  const rows = sources.flatMap((source) => linesOf(source).map(rowOf));
  return { fields, rows: steps.reduce((left, step) => step(left), rows) };
}

/** Fields are discovered in lines that are JSON objects; others have none but their time. */
function rowOf({ atMs, text }: LogLine): LogRow {
  const own = { '@timestamp': atMs, '@message': text };
  if (!text.startsWith('{')) return own;
  try {
    return { ...(JSON.parse(text) as LogRow), ...own };
  } catch {
    return own;
  }
}

function conditionsOf(argument: string): ((row: LogRow) => boolean)[] {
  return unquotedSplit(argument, ' and ').map((part) => {
    const [, field = '', operator, value = ''] = /^(@?[\w.]+)\s*(=|in)\s*(".*"|\[.*\])$/.exec(part.trim()) ?? [];
    const wanted = jsonOf(value);
    if (operator === '=' && typeof wanted === 'string') return (row) => row[field] === wanted;
    if (operator === 'in' && Array.isArray(wanted)) return (row) => wanted.includes(row[field]);
    throw unsupported(`the condition ${JSON.stringify(part.trim())}`);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The groups of a pattern, or a refusal of what does not match it. */
function words(text: string, pattern: RegExp): string[] {
  const match = pattern.exec(text);
  if (!match) throw unsupported(JSON.stringify(text));
  return match.slice(1);
}

/** Splits where a separator stands outside of quotes. */
const unquotedSplit = (text: string, separator: string): string[] =>
  text
    .split(/("(?:[^"\\]|\\.)*"|'[^']*')/)
    .flatMap((piece, at) =>
      at % 2 === 1 ? [piece] : piece.split(separator).flatMap((one, n) => (n === 0 ? [one] : [null, one])),
    )
    .reduce<string[]>(
      (parts, piece) => {
        if (piece === null) return [...parts, ''];
        return [...parts.slice(0, -1), `${parts.at(-1) ?? ''}${piece}`];
      },
      [''],
    );

const unsupported = (what: string): PlaneError =>
  new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `A log query has ${what}, which the local plane does not run. Known: ${Object.keys(commands).join(', ')}. Teach local/dashboard/log-query.ts.`,
  );
