import type { Command } from 'commander';
import type { Client } from '#client/client.ts';
import { acting, type Act } from '../action.ts';
import { facts, table, type Output } from '../output.ts';
import { oneOf } from '../similar.ts';

export const addCatalogue = (program: Command): Command =>
  program
    .command('catalogue [task]')
    .summary('tasks, queues and schedules of the plane; with a task its fields')
    .action(acting(show));

type Catalogue = Awaited<ReturnType<Client['catalogue']>>;

const show: Act = async ({ client, out, typed }, { args: [word] }) => {
  const catalogue = await client.catalogue();
  if (word === undefined) return out.answer(catalogue, whole(out, catalogue));
  const name = oneOf(word, { what: 'a task', names: catalogue.tasks.map((task) => task.name) });
  const task = catalogue.tasks.find((one) => one.name === name);
  if (!task) return;
  const { fieldsOfSchema } = await import('../payload/fields.ts');
  const { optionOf } = await import('../task-flags.ts');
  const flags = fieldsOfSchema(task.payload).map(optionOf);
  const known = facts(out, {
    task: task.name,
    does: task.title,
    queue: task.queue,
    effect: task.effect,
    'in a halt': task.whenHalted,
    'started by': task.startableBy.join(', '),
    shortcut: task.shortcut && `POST /${task.shortcut}`,
    cost: task.costClass,
  });
  const fields = table(
    out,
    ['FIELD', ''],
    flags.map((flag) => [flag.flags, saysOf(flag)]),
  );
  out.answer(task, flags.length === 0 ? `${known}\n\nIts payload has no fields.` : `${known}\n\n${fields}`);
  out.note(`Start it: ${typed(`run ${task.name} --follow`)}`);
};

const saysOf = ({ says, choices }: { readonly says: string; readonly choices: readonly string[] }): string =>
  choices.length === 0 ? says : `${says}; one of ${choices.join(', ')}`;

function whole(out: Output, { version, tasks, queues, schedules }: Catalogue): string {
  return [
    `interface ${version}`,
    table(
      out,
      ['TASK', 'QUEUE', 'STARTED BY', 'DOES'],
      tasks.map(({ name, queue, startableBy, title }) => [name, queue, startableBy.join(', '), title]),
    ),
    table(
      out,
      ['QUEUE', 'TIER', 'TASKS', 'DRIVES'],
      queues.map(({ name, tier, hasTasks, drives }) => [name, tier, hasTasks ? 'yes' : 'none yet', drives]),
    ),
    table(
      out,
      ['SCHEDULE', 'TASK', 'CRON (UTC)'],
      schedules.map(({ key, task, cron }) => [key, task, cron]),
    ),
  ].join('\n\n');
}
