import { createInterface } from 'node:readline/promises';
import { CliError, usageError } from './exit.ts';
import type { Output } from './output.ts';

interface Asked {
  /** What would be done, with what follows from it. */
  readonly what: string;
  /** `--yes`. */
  readonly yes: boolean;
}

/** Goes on when somebody agrees. @throws CliError when nobody can be asked, or somebody says no. */
export async function confirm(out: Output, { what, yes }: Asked): Promise<void> {
  if (yes) return;
  if (out.json || !process.stdin.isTTY) throw usageError('nobody can be asked here: say --yes if you mean it');
  if (/^y(?:es)?$/i.test((await answerTo(`${what} [y/N] `)).trim())) return;
  throw new CliError('usage', 'NOT_CONFIRMED', 'nothing was done: you did not say yes');
}

/** What is typed; nothing when the terminal is closed, or at Ctrl-C. */
async function answerTo(question: string): Promise<string> {
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => asking.once('close', () => resolve('')));
  try {
    return await Promise.race([asking.question(question), closed]);
  } finally {
    asking.close();
  }
}
