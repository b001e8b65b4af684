import type { Command } from 'commander';
import { acting } from '../action.ts';

export const addFollow = (program: Command): Command =>
  program
    .command('follow <run>')
    .summary('shows the progress of a run until it has ended')
    .description('Shows the progress of a run until it has ended; ends as the run did.')
    .action(
      acting(async (context, { args: [run = ''] }) => {
        const { watchRun } = await import('../watch-run.ts');
        await watchRun(context, run);
      }),
    );
