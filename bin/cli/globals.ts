// The options that every command has.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, Option, type Command } from 'commander';

export interface Globals {
  readonly json: boolean;
  readonly profile?: string | undefined;
  readonly data?: string | undefined;
  /** In milliseconds, once it is read. */
  readonly timeout?: number | undefined;
  readonly unsafePrintTokenPrefixes: boolean;
}

/** The project's own folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where the local plane keeps its files. */
export const dataFolder = ({ data }: Pick<Globals, 'data'>): string => data ?? join(root, '.alphaswarm', 'up');

export const globalOptions = (): Option[] => [
  new Option('--json', 'JSON on stdout, one document or one a line; errors as JSON on stderr').default(false, 'off'),
  new Option('--profile <name>', 'which gateway (default: $ALPHASWARM_PROFILE, or local)'),
  new Option('--data <folder>', 'where the local plane keeps its files (default: .alphaswarm/up)'),
  new Option('--timeout <seconds>', 'how long to wait for one answer (default: 30)').argParser(milliseconds),
  new Option('--unsafe-print-token-prefixes', 'say on stderr what is sent, with 4 characters of the token').default(
    false,
    'off',
  ),
];

export const globalsOf = (command: Command): Globals => command.optsWithGlobals();

const longestSeconds = 600;
function milliseconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds > 0 && seconds <= longestSeconds) return seconds * 1000;
  throw new InvalidArgumentError(`Give a number of seconds above 0, at most ${longestSeconds}.`);
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}
