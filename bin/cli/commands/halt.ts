import type { Command } from 'commander';
import { acting, type Act } from '../action.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { CliError, usageError } from '../exit.ts';
import { table } from '../output.ts';
import { paging, pagingOf } from '../paging.ts';
import { wholeNumber } from '../globals.ts';
import { actorText, sentence, timeText } from '../words.ts';
import type { Narrowing } from '../known.ts';

export function addHalt(program: Command): void {
  const halt = narrowable(program.command('halt').summary('halts the plane, or one queue or task'))
    .description(
      'Halts the plane, or one queue or task: from the answer on nothing begins, and what runs may act no more.',
    )
    .option('--reason <text>', 'why: kept in the audit, and read by the next on call')
    .option('--yes', 'ask nothing', false)
    .option('--direct', 'break glass: no gateway and no login, by what IAM allows you; audited', false)
    .action(acting(engage));
  const history = halt
    .command('history')
    .summary('who halted and released, when and why')
    .option('--limit <n>', 'how many at most on a page (default: 25)', wholeNumber(1, 100));
  paging(history).action(acting(showHistory));
}

export const narrowable = (command: Command): Command =>
  command.option('--queue <queue>', 'this queue alone').option('--task <task>', 'this task alone');

interface HaltOptions extends Narrowing {
  readonly reason?: string;
  readonly yes: boolean;
  readonly direct: boolean;
}

const engage: Act = async (context, command) => {
  const { out } = context;
  const { reason, yes, direct, ...narrowing } = command.opts<HaltOptions>();
  // Not commander's own, which would want it of `halt history` as well.
  if (reason === undefined) throw usageError("required option '--reason <text>' not specified");
  const { knownNarrowing } = await import('../known.ts');
  const target = oneTarget(knownNarrowing(narrowing));
  const what = nameOf(target);
  await confirm(out, { what: `Halt ${what} of ${context.profile.name}? Nothing begins until it is released.`, yes });
  const wanted = { reason, target };
  const { did, text, answer } = direct ? await directly(context, wanted) : await byGateway(context, wanted);
  out.answer(
    answer,
    `${sentence(what)} of ${context.profile.name} is halted${did === 'narrowed' ? '' : ': nothing begins'}.${text}`,
  );
  out.note(`Release it: ${context.typed(`release${flagsOf(target)} --reason ...`)}`);
};

/** @throws CliError for both. */
export function oneTarget(narrowing: Narrowing): Narrowing {
  if (narrowing.queue === undefined || narrowing.task === undefined) return narrowing;
  throw usageError('--queue and --task at once: name one, then the other');
}

export const nameOf = ({ queue, task }: Narrowing): string =>
  queue === undefined ? (task === undefined ? 'the whole plane' : `the task ${task}`) : `the queue ${queue}`;
const flagsOf = (target: Narrowing): string =>
  Object.entries(target)
    .map(([kind, name]) => ` --${kind} ${name}`)
    .join('');

interface Wanted {
  readonly reason: string;
  readonly target: Narrowing;
}
interface Halted {
  readonly did: 'engaged' | 'narrowed';
  readonly text: string;
  readonly answer: unknown;
}

async function byGateway({ client }: Context, { reason, target }: Wanted): Promise<Halted> {
  const answer = await client.halt(reason, target);
  return { did: answer.did, text: keyText(answer.key), answer };
}

const keyText = (key: 'set' | 'unwritten' | undefined): string =>
  key === 'unwritten'
    ? ' Redis could not be reached: the mirror halts, and the heartbeat writes the key within a minute.'
    : '';

async function directly(context: Context, { reason, target }: Wanted): Promise<Halted> {
  const { haltDirectly } = await import('#runtime/break-glass.ts');
  const glass = await brokenGlass(context);
  const done = await haltDirectly(glass, { reason, target: kindOf(target) });
  const unaudited = done.audited ? '' : ' The audit could not be written: tell whoever keeps it.';
  return {
    did: done.did,
    text: `${keyText(done.key)} It was done in the name of ${done.by}.${unaudited}`,
    answer: done,
  };
}

function kindOf({ queue, task }: Narrowing): { kind: 'queue' | 'task'; name: string } | undefined {
  if (queue !== undefined) return { kind: 'queue', name: queue };
  return task === undefined ? undefined : { kind: 'task', name: task };
}

/** @throws CliError when the profile does not say where. */
async function brokenGlass({ profile }: Context) {
  const { halt: variables, cell, region, name } = profile;
  if (variables) {
    const { userName } = await import('../tokens.ts');
    return { variables, by: userName() };
  }
  if (cell !== undefined && region !== undefined) {
    const { glassOf } = await import('#runtime/break-glass.ts');
    return glassOf(cell, region);
  }
  throw new CliError(
    'usage',
    'SETTINGS',
    `the profile ${name} names no cell and region: add them, docs/cli.md shows one`,
  );
}

const showHistory: Act = async ({ client, out }, command) => {
  const { rows: entries, cursor } = await pagingOf(command, async (from) => {
    const page = await client.haltHistory(from);
    return { rows: page.entries, cursor: page.cursor };
  });
  const rows = entries.map(({ at, did, outcome, queue, task, actor, reason }) => [
    timeText(at),
    did,
    outcome,
    nameOf({ ...(queue && { queue }), ...(task && { task }) }),
    actorText(actor),
    reason,
  ]);
  const text =
    rows.length === 0 ? 'nobody has halted anything' : table(out, ['AT', 'DID', 'OUTCOME', 'WHAT', 'BY', 'WHY'], rows);
  out.answer({ entries, ...(cursor && { cursor }) }, text);
};
