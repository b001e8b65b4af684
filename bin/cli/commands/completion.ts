import { Argument, type Command } from 'commander';
import { completionScript, shells, type Shell } from '../completion/scripts.ts';
import { placesOf } from '../completion/tree.ts';

export const addCompletion = (program: Command): Command =>
  program
    .command('completion')
    .summary('prints what a shell needs to complete commands, flags, tasks, queues and schedules')
    .addArgument(new Argument('<shell>', 'whose').choices(shells))
    .action(async (shell: Shell, _own: unknown, command: Command) => {
      const { catalogueNames } = await import('../known.ts');
      const script = completionScript(shell, placesOf(program, catalogueNames));
      const { json } = command.optsWithGlobals<{ json?: boolean }>();
      process.stdout.write(json ? `${JSON.stringify({ shell, script })}\n` : script);
    });
