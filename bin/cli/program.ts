// The tree of commands. It is built without loading what commands need to act.
import { Command } from 'commander';
import { addAudit } from './commands/audit.ts';
import { addCatalogue } from './commands/catalogue.ts';
import { addCompletion } from './commands/completion.ts';
import { addFiles } from './commands/files.ts';
import { addFollow } from './commands/follow.ts';
import { addHalt } from './commands/halt.ts';
import { addLogin } from './commands/login.ts';
import { addQueues } from './commands/queues.ts';
import { addRelease } from './commands/release.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addSchedules } from './commands/schedules.ts';
import { addStatus } from './commands/status.ts';
import { addDown, addUp } from './commands/up.ts';
import { withExamples } from './examples.ts';
import { exitHelp } from './exit.ts';
import { globalOptions } from './globals.ts';
import type { TaskFlags } from './task-flags.ts';

/** Tasks are given where they are named: without them `run` has no commands of its own. */
export function createProgram(tasks: readonly TaskFlags[] = []): Command {
  const program = new Command('alphaswarm')
    .description('The command line of the AlphaSwarm plane: speaks to its gateway, local or deployed.')
    // Errors are said once, in bin/cli/exit.ts.
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', `\n${exitHelp}`);
  for (const option of globalOptions()) program.addOption(option);
  program.commandsGroup('The plane:');
  addUp(program);
  addDown(program);
  addStatus(program);
  addCatalogue(program);
  program.commandsGroup('Work:');
  addRun(program, tasks);
  addFollow(program);
  addRuns(program);
  addFiles(program);
  addSchedules(program);
  addQueues(program);
  program.commandsGroup('Stopping, and what was done:');
  addHalt(program);
  addRelease(program);
  addAudit(program);
  program.commandsGroup('You, and your shell:');
  addLogin(program);
  addCompletion(program);
  withExamples(program);
  return program;
}
