// What is printed, and where: answers on stdout, all else on stderr. With --json stdout holds JSON alone.
import { stripVTControlCharacters, styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

export interface Output {
  readonly json: boolean;
  /** The answer: one document with --json, else the text. */
  readonly answer: (document: unknown, text: string) => void;
  /** One answer of several: a line of JSON, else the text, where there is one. */
  readonly line: (document: unknown, text?: string) => void;
  /** For a person: what goes on, what to do next. Silent with --json. */
  readonly note: (text: string) => void;
  /** Coloured where stdout is a terminal and NO_COLOR does not forbid it. */
  readonly paint: (style: Style, text: string) => string;
  /** Where progress is drawn; undefined with --json. */
  readonly screen: NodeJS.WriteStream | undefined;
}
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export function createOutput(json: boolean, { stdout, stderr }: Streams = process): Output {
  const print = (document: unknown, text?: string) => {
    if (json) stdout.write(`${JSON.stringify(document)}\n`);
    else if (text !== undefined) stdout.write(`${text}\n`);
  };
  return {
    json,
    answer: print,
    line: print,
    note: (text) => void (json || stderr.write(`${text}\n`)),
    paint: (style, text) => styleText(style, text, { stream: stdout }),
    screen: json ? undefined : stderr,
  };
}

/** Words of others on one line, without what would move the cursor or recolour the terminal. */
export const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\u{202A}-\u{202E}\u{2066}-\u{2069}]/gu, '\u{FFFD}');

/** The same on as many lines as they have. */
export const plainLines = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => plain(line))
    .join('\n');

export type Cell = string | number | undefined | { readonly text: string; readonly style: Style };
const textOf = (cell: Cell): string => plain(String((typeof cell === 'object' ? cell.text : cell) ?? '-'));

/** Rows in columns as wide as they need be, below their headings. */
export function table(
  { paint }: Pick<Output, 'paint'>,
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const widths = headings.map((heading, at) => Math.max(heading.length, ...rows.map((row) => textOf(row[at]).length)));
  const padded = (text: string, at: number) => (at === headings.length - 1 ? text : text.padEnd(widths[at] ?? 0));
  const drawn = (cell: Cell, at: number) => {
    const text = padded(textOf(cell), at);
    return typeof cell === 'object' ? paint(cell.style, text) : text;
  };
  const lines = rows.map((row) => headings.map((_, at) => drawn(row[at], at)).join('  '));
  return [headings.map((heading, at) => paint('bold', padded(heading, at))).join('  '), ...lines].join('\n');
}

/** Names and values below each other; what is undefined is left out. */
export function facts({ paint }: Pick<Output, 'paint'>, of: Readonly<Record<string, Cell>>): string {
  const known = Object.entries(of).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known
    .map(([name, value]) => {
      const text = textOf(value);
      return `${paint('bold', name.padEnd(width))}  ${typeof value === 'object' ? paint(value.style, text) : text}`;
    })
    .join('\n');
}
