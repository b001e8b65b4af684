import type { Command } from 'commander';
import type { Context } from './context.ts';
import { globalsOf } from './globals.ts';

/** What a command does. Its arguments and options are read from commander's own command. */
export type Act = (context: Context, command: Command) => Promise<void>;

/** Loads what speaks to a gateway only now: help and completion are quick without it. */
export const acting =
  (act: Act) =>
  async (...given: unknown[]): Promise<void> => {
    // Commander hands over the arguments, then the options, then the command.
    const command = given.at(-1) as Command;
    const { contextOf } = await import('./context.ts');
    await act(contextOf(globalsOf(command)), command);
  };
