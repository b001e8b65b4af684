// What can come next on a command line, read from the tree of commands itself.
import type { Argument, Command, Option } from 'commander';

/** Names that arguments and options ask for by how they are called: `<queue>`, `<task>`, `<schedule>`. */
export type Names = Readonly<Record<string, readonly string[]>>;

export interface Place {
  /** Words that lead here, each with a space before it: ` schedules pause`; empty at the root. */
  readonly at: string;
  readonly words: readonly string[];
  /** Behind an option, its values; none where it takes a text or a file. */
  readonly values: readonly { readonly option: string; readonly words: readonly string[] }[];
}

/** The root first, then every command below it. */
export function placesOf(program: Command, names: Names): Place[] {
  const within = (command: Command, at: string, inherited: readonly Option[]): Place[] => {
    const help = command.createHelp();
    const commands = help.visibleCommands(command);
    const options = [...help.visibleOptions(command), ...inherited];
    const words = [
      ...commands.map((one) => one.name()),
      ...command.registeredArguments.flatMap((one) => valuesOf(one, names)),
      ...options.flatMap(({ long }) => long ?? []),
    ];
    const place = { at, words: [...new Set(words)], values: optionValues(options, names) };
    // commander's own `help` knows no options.
    const below = commands.filter((one) => one.name() !== 'help');
    return [
      place,
      ...below.flatMap((one) => within(one, `${at} ${one.name()}`, at === '' ? command.options : inherited)),
    ];
  };
  return within(program, '', []);
}

const optionValues = (options: readonly Option[], names: Names): Place['values'] =>
  options
    .filter(({ required, optional, long }) => (required || optional) && long !== undefined)
    .map((option) => ({ option: option.long ?? '', words: optionWords(option, names) }));

const optionWords = ({ argChoices, flags }: Option, names: Names): readonly string[] =>
  argChoices ?? names[/<([\w-]+)/.exec(flags)?.[1] ?? ''] ?? [];

const valuesOf = (argument: Argument, names: Names): readonly string[] =>
  argument.argChoices ?? names[argument.name()] ?? [];
