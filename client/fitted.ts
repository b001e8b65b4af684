import type * as z from 'zod';
import { VersionError } from './errors.ts';

/**
 * An answer as its schema has it. Fields that this client does not know yet are left out: a gateway of a later minor
 * version has more of them.
 *
 * @throws VersionError when it does not fit otherwise.
 */
export function fitted<S extends z.ZodType>(schema: S, answer: unknown, what: string): z.output<S> {
  let value = answer;
  for (;;) {
    const { success, data, error } = schema.safeParse(value);
    if (success) return data;
    const unknown = error.issues.filter((issue) => issue.code === 'unrecognized_keys');
    if (unknown.length < error.issues.length || unknown.length === 0) throw misfit(error, what);
    value = structuredClone(value);
    for (const { path, keys } of unknown) {
      const holder = path.reduce<unknown>((at, name) => (at as Record<PropertyKey, unknown>)[name], value);
      for (const key of keys) delete (holder as Record<string, unknown>)[key];
    }
  }
}

function misfit(error: z.ZodError, what: string): VersionError {
  const [issue] = error.issues;
  const where = issue?.path.join('.') || 'the whole of it';
  return new VersionError(
    `The answer to ${what} is not what this client knows (${where}: ${issue?.message ?? 'unknown'}): gateway and client are of different versions, or the address is not a gateway's.`,
    error,
  );
}
