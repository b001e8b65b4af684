// A payload out of what was given: the whole of it, flags over that, and what can be nothing else.
import { readFileSync } from 'node:fs';
import { usageError } from '../exit.ts';
import type { TaskFlags } from '../task-flags.ts';
import { flagOf, type Field } from './flag.ts';
import { valueOf, withValue } from './values.ts';

/** `@file`, `-` for stdin, or JSON. @throws CliError */
export function payloadText(given: string): unknown {
  const from = given === '-' ? 'stdin' : given.startsWith('@') ? given.slice(1) : '--payload';
  const text = from === '--payload' ? given : read(given === '-' ? 0 : from, from);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`${from} is no JSON (${why}): correct it; a file is named as @file`);
  }
}

function read(file: string | number, from: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw usageError(`${from} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** Flags by the names of their options, as text; of an open field `name=value`, several of them. */
export type FlagTexts = Readonly<Record<string, string | readonly string[]>>;

/** @throws CliError naming the flag. */
export function payloadOf({ fields, fixed }: TaskFlags, base: unknown, texts: FlagTexts): unknown {
  let payload = base;
  for (const field of fields) {
    const given = texts[optionName(field)];
    if (typeof given === 'string') payload = withValue(payload, field.path, parsed(field, given));
    else for (const pair of given ?? []) payload = withPair(payload, field, pair);
  }
  for (const { path, choices = [] } of fixed)
    if (!stands(payload, path)) payload = withValue(payload, path, choices[0]);
  return payload ?? {};
}

/** As commander files an option: what comes after the dashes. */
export const optionName = (field: Pick<Field, 'path' | 'open'>): string => flagOf(field).slice(2).replace(/\.$/, '');

function parsed(field: Field, text: string, flag = flagOf(field)): unknown {
  try {
    return valueOf(field, text);
  } catch (cause) {
    if (cause instanceof RangeError) throw usageError(`${flag} ${JSON.stringify(text)}: ${cause.message}`);
    throw cause;
  }
}

function withPair(payload: unknown, field: Field, pair: string): unknown {
  const cut = pair.indexOf('=');
  const [name, text] = [pair.slice(0, cut), pair.slice(cut + 1)];
  if (cut > 0) return withValue(payload, [...field.path, name], parsed(field, text, `${flagOf(field)}${name}`));
  throw usageError(
    `--${optionName(field)} ${JSON.stringify(pair)}: write it as name=value, or as ${flagOf(field)}name value`,
  );
}

function stands(payload: unknown, path: readonly string[]): boolean {
  let at = payload;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return true;
}

/** `--strategy.params.fast 10` is `--strategy.params fast=10`: names that no contract knows can be no options. */
export function withOpenNames(args: readonly string[], tasks: readonly TaskFlags[]): string[] {
  const prefixes = tasks.flatMap(({ fields }) => fields.filter(({ open }) => open).map(flagOf));
  const rewritten: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    const prefix = prefixes.find((one) => arg.startsWith(one) && arg.length > one.length);
    if (prefix === undefined) {
      rewritten.push(arg);
      continue;
    }
    const name = arg.slice(prefix.length);
    const next = name.includes('=') ? undefined : args[(at += 1)];
    rewritten.push(prefix.slice(0, -1), next === undefined ? name : `${name}=${next}`);
  }
  return rewritten;
}
