import { createProgram } from './program.ts';
import { ending } from './exit.ts';
import { withOpenNames } from './payload/given.ts';

/** Runs one command line (without node and script) and resolves with what the process ends with. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const tasks = namesTasks(args) ? (await import('./task-flags.ts')).taskFlags() : [];
    await createProgram(tasks).parseAsync(withOpenNames(args, tasks), { from: 'user' });
    return 0;
  } catch (thrown) {
    const { exitCode, text } = ending(thrown, args.includes('--json'));
    process.stderr.write(text);
    return exitCode;
  }
}

/** Contracts take their time to load, and only these commands show them. */
const namesTasks = (args: readonly string[]): boolean => args.includes('run') || args.includes('completion');
