import type { Command } from 'commander';
import { acting, type Act } from '../action.ts';
import { CliError, usageError } from '../exit.ts';
import { letterTable, queueTable } from '../queue-words.ts';
import { withReason } from './runs.ts';

export function addQueues(program: Command): void {
  program.command('queues [queue]').summary('lists queues; with a name its dead letters').action(acting(show));
  withReason(
    program
      .command('redrive <queue>')
      .summary('begins the runs of dead letters again')
      .description('Begins the runs of dead letters again. All of a queue want a stepped-up login.')
      .option('--all', 'every letter of the queue', false)
      .option('--id <letters...>', 'these letters, as `queues <queue>` names them'),
  ).action(acting(redrive));
}

const show: Act = async ({ client, out, typed }, { args: [word] }) => {
  const queues = await client.queues();
  if (word === undefined) return out.answer({ queues }, queueTable(out, queues));
  const { knownName } = await import('../known.ts');
  const name = knownName('queue', word);
  const queue = queues.find((one) => one.name === name);
  const letters = await client.deadLetters(name);
  const table = letters.letters.length === 0 ? 'no dead letters of your tenant' : letterTable(out, letters);
  out.answer({ queue, ...letters }, `${queueTable(out, queue ? [queue] : [])}\n\n${table}`);
  if (letters.ofOthers > 0) out.note(`${letters.ofOthers} more are of other tenants.`);
  if (!letters.complete) out.note('Not every letter was looked at: ask again to see the others.');
  if (letters.letters.length > 0) out.note(`Begin them again: ${typed(`redrive ${name} --all --reason ...`)}`);
};

interface RedriveOptions {
  readonly all: boolean;
  readonly id?: readonly string[];
  readonly reason: string;
}

const redrive: Act = async ({ client, out }, command) => {
  const { all, id: ids, reason } = command.opts<RedriveOptions>();
  if (all === (ids !== undefined)) throw usageError('say which letters: --all, or --id with one or several of them');
  const { knownName } = await import('../known.ts');
  const queue = knownName('queue', command.args[0] ?? '');
  const redriven = await client.redrive(queue, reason, ids);
  const { queued, resent, obsolete, kept, unknown, complete } = redriven;
  const lines = [
    `${queued.length} runs begin again, ${resent.length} messages were sent again, ${obsolete} letters were obsolete, ${kept.length} stay.`,
    ...kept.map(({ letter, why }) => `  ${letter} stays: ${why}`),
    ...unknown.map((letter) => `  ${letter} is not there: \`queues ${queue}\` names those there are`),
  ];
  out.answer(redriven, lines.join('\n'));
  if (!complete) out.note('Letters may be left: ask again.');
  if (kept.length > 0)
    throw new CliError('failed', 'LETTERS_KEPT', `${kept.length} letters of ${queue} stay where they are.`);
};
