// The tree of commands. It is built without loading what commands need to act.
import { Command } from 'commander';
import { addFollow } from './commands/follow.ts';
import { addRun } from './commands/run.ts';
import { addStatus } from './commands/status.ts';
import { addDown, addUp } from './commands/up.ts';
import { exitHelp } from './exit.ts';
import { globalOptions } from './globals.ts';
import type { TaskFlags } from './task-flags.ts';

export function createProgram(tasks: readonly TaskFlags[] = []): Command {
  const program = new Command('alphaswarm')
    .description('The command line of the AlphaSwarm plane: speaks to its gateway, local or deployed.')
    // Errors are said once, in bin/cli/exit.ts.
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', `\n${exitHelp}`);
  for (const option of globalOptions()) program.addOption(option);
  addUp(program);
  addDown(program);
  addRun(program, tasks);
  addFollow(program);
  addStatus(program);
  return program;
}
