import { Option, type Command } from 'commander';
import { acting, type Act } from '../action.ts';
import type { Context } from '../context.ts';
import { CliError } from '../exit.ts';
import { wholeNumber } from '../globals.ts';
import { table } from '../output.ts';
import { paging, pagingOf, type PageOptions } from '../paging.ts';
import { stateCell } from '../words.ts';

const states = ['queued', 'held', 'running', 'succeeded', 'failed', 'cancelled', 'skipped', 'dead'];

export function addRuns(program: Command): void {
  const runs = program
    .command('runs')
    .summary('lists runs, newest first')
    .option('--queue <queue>', 'of this queue')
    .option('--task <task>', 'of this task')
    .option('--actor <id>', 'of this person or machine')
    .addOption(new Option('--kind <kind>', 'of people, machines or the beat').choices(['human', 'service', 'system']))
    .addOption(new Option('--state <state>', 'in this state').choices(states))
    .option('--day <date>', 'begun on this UTC day (default: today)')
    .option('--tenant <tenant>', 'system: the runs of schedules, for operators')
    .option('--limit <n>', 'how many at most on a page (default: 25)', wholeNumber(1, 100));
  paging(runs).action(acting(list));
  program.command('show <run>').summary('shows one run: attempts, progress, outcome, artefacts').action(acting(show));
  withReason(program.command('cancel <run>').summary('cancels a run')).action(acting(cancel));
  withReason(
    program
      .command('retry <runs...>')
      .summary('begins runs again that had ended badly')
      .description('Begins runs again that had ended badly. Several at once want a stepped-up login.'),
  ).action(acting(retry));
}

export const withReason = (command: Command): Command =>
  command.requiredOption('--reason <text>', 'why: kept in the audit');

interface ListOptions extends PageOptions {
  readonly queue?: string;
  readonly task?: string;
  readonly actor?: string;
  readonly kind?: string;
  readonly state?: string;
  readonly day?: string;
  readonly tenant?: string;
}

const list: Act = async (context, command) => {
  const { client, out } = context;
  const { all: _all, cursor: _cursor, queue, task, ...filter } = command.opts<ListOptions>();
  const { knownNarrowing } = await import('../known.ts');
  const narrowed = knownNarrowing({ ...(queue && { queue }), ...(task && { task }) });
  const { rows: runs, cursor } = await pagingOf(command, async (from) => {
    const page = await client.list({ ...filter, ...narrowed, ...from });
    return { rows: page.runs, cursor: page.cursor };
  });
  const { runTable } = await import('../run-words.ts');
  out.answer({ runs, ...(cursor && { cursor }) }, runs.length === 0 ? 'no runs' : runTable(out, runs));
  if (cursor !== undefined) out.note(`There are more: the same with --cursor ${cursor}, or with --all`);
};

const show: Act = async ({ client, out }, { args: [id = ''] }) => {
  const run = await client.run(id);
  const { runText } = await import('../run-words.ts');
  out.answer(run, runText(out, run));
};

interface Reason {
  readonly reason: string;
}

const cancel: Act = async ({ client, out }, command) => {
  const [id = ''] = command.args;
  const done = await client.cancel(id, command.opts<Reason>().reason);
  const said = {
    cancelled: `Run ${id} is cancelled.`,
    flagged: `Run ${id} is at work: it ends within seconds.`,
    nothing: `Nothing was done: ${done.why ?? `run ${id} is ${done.run.state}`}.`,
    queued: `Run ${id} is queued.`,
  };
  out.answer(done, said[done.did]);
};

const retry: Act = async (context, command) => {
  const { args: ids } = command;
  const { reason } = command.opts<Reason>();
  return ids.length === 1 ? retryOne(context, ids[0] ?? '', reason) : retryMany(context, ids, reason);
};

async function retryOne(context: Context, id: string, reason: string): Promise<void> {
  const { client, out } = context;
  const done = await client.retry(id, reason);
  const isAgain = done.did === 'queued';
  out.answer(
    done,
    isAgain
      ? `Run ${id} begins again, generation ${done.run.generation}.`
      : `Nothing was done: ${done.why ?? done.did}.`,
  );
  if (isAgain) out.note(`Follow it: ${context.typed(`follow ${id}`)}`);
}

async function retryMany({ client, out }: Context, ids: readonly string[], reason: string): Promise<void> {
  const retried = await client.retryMany(ids, reason);
  const rows = retried.runs.map(({ id, did, run, code, why }) => [
    id,
    did,
    run ? stateCell(run.state) : '',
    code ?? why ?? '',
  ]);
  out.answer(retried, table(out, ['RUN', 'DID', 'STATE', 'WHY'], rows));
  const refused = retried.runs.filter(({ did }) => did === 'refused');
  const [first] = refused;
  if (!first) return;
  const exit = first.code === 'KILL_SWITCH_HALTED' ? 'halted' : 'refused';
  throw new CliError(exit, first.code ?? 'REFUSED', `${refused.length} of ${ids.length} runs were refused.`);
}
