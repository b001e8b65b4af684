// "Did you mean": commander's own, also for names that are no commands.
import { Command, CommanderError } from 'commander';
import { usageError } from './exit.ts';

/** `(Did you mean ingest.pull?)`, or nothing. */
export function didYouMean(word: string, names: readonly string[]): string {
  const asked = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined });
  for (const name of names) asked.command(name);
  try {
    asked.parse(['--', word], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) return /\(Did you mean .*\)/.exec(thrown.message)?.[0] ?? '';
    throw thrown;
  }
  return '';
}

interface Names {
  /** `a queue`. */
  readonly what: string;
  readonly names: readonly string[];
}

/** @throws CliError naming what there is. */
export function oneOf(word: string, { what, names }: Names): string {
  if (names.includes(word)) return word;
  const near = didYouMean(word, names);
  const there = near === '' ? `There are: ${names.join(', ')}` : near;
  throw usageError(`${JSON.stringify(word)} is not the name of ${what}\n${there}`);
}
