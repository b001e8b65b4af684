import type { Command } from 'commander';
import { acting, type Act } from '../action.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { CliError } from '../exit.ts';
import { wholeNumber } from '../globals.ts';
import { haltFacts, narrowedText, stillHalted, type Halt } from '../halt-words.ts';
import type { Narrowing } from '../known.ts';
import { facts } from '../output.ts';
import { sentence } from '../words.ts';
import { nameOf, narrowable, oneTarget } from './halt.ts';
import { withReason } from './runs.ts';

export const addRelease = (program: Command): Command =>
  withReason(narrowable(program.command('release').summary('ends a halt')))
    .description(
      'Ends the halt that you have seen: it shows who halted and why, and releases that one and no later one.',
    )
    .option('--epoch <n>', 'the halt of this epoch, as status shows it; nothing is asked', wholeNumber(0, 999_999_999))
    .option('--yes', 'ask nothing', false)
    .action(acting(release));

interface ReleaseOptions extends Narrowing {
  readonly reason: string;
  readonly epoch?: number;
  readonly yes: boolean;
}

const release: Act = async (context, command) => {
  const { client, out } = context;
  const { reason, epoch, yes, ...narrowing } = command.opts<ReleaseOptions>();
  const { knownNarrowing } = await import('../known.ts');
  const target = oneTarget(knownNarrowing(narrowing));
  const seen = epoch === undefined ? await look(context, target, yes) : { epoch };
  if (seen === 'nothing') return;
  const released = await client.release(reason, { ...target, ...seen });
  const name = sentence(nameOf(target));
  const said = {
    released: `${name} is released: what was held goes on by itself.`,
    widened: `${name} is released: what was held goes on by itself.`,
    releasing: `${name} is still halted: the key could not be deleted yet; the heartbeat tries each minute.`,
    nothing: `Nothing was done: ${released.why ?? 'it was not halted'}.`,
  };
  out.answer(released, said[released.did]);
  for (const left of released.halt.narrowed) out.note(stillHalted(left));
  if (released.did !== 'releasing') return;
  throw new CliError(
    'halted',
    'RELEASING',
    `The halt goes on until the key is deleted: ${released.why ?? 'Redis is away'}.`,
  );
};

/** Shows what would be released, and has it confirmed: which it is, by its epoch or, of a queue or task, since when. */
async function look(
  { client, out, profile }: Context,
  target: Narrowing,
  yes: boolean,
): Promise<{ epoch?: number | undefined; at?: string | undefined } | 'nothing'> {
  const halt = await client.halted();
  const engaged = engagedText(out, halt, target);
  if (engaged === undefined) {
    out.answer({ did: 'nothing', halt }, `Nothing was done: ${nameOf(target)} is not halted.`);
    return 'nothing';
  }
  out.note(engaged);
  await confirm(out, { what: `Release ${nameOf(target)} of ${profile.name}?`, yes });
  return isWhole(target) ? { epoch: halt.epoch } : { at: narrowedOf(halt, target)?.at };
}

const isWhole = ({ queue, task }: Narrowing): boolean => queue === undefined && task === undefined;

const narrowedOf = ({ narrowed }: Halt, target: Narrowing) =>
  narrowed.find(({ queue, task }) => queue === target.queue && task === target.task);

function engagedText(out: Context['out'], halt: Halt, target: Narrowing): string | undefined {
  if (isWhole(target)) return halt.state === 'clear' ? undefined : facts(out, haltFacts(halt));
  const found = narrowedOf(halt, target);
  return found && `${sentence(nameOf(target))} is halted ${narrowedText(found)}`;
}
