// Profiles: where a gateway is, and who gives tokens for it.
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { SettingsError, UnreachableError } from './errors.ts';
import { readPrivate } from './private-file.ts';

const issuer = z.strictObject({
  issuer: z.url(),
  clientId: z.string().min(1),
  audience: z.string().min(1).optional(),
  scope: z.string().min(1).optional(),
  /** Of Entra: the authentication context that a strong token must have, as `c1`. Others go by `acr_values`. */
  authenticationContext: z
    .string()
    .regex(/^c\d{1,2}$/, 'is not an authentication context such as c1')
    .optional(),
});
export type IssuerSettings = z.output<typeof issuer>;

const profileSchema = z.strictObject({
  gateway: z.url(),
  sockets: z.url().optional(),
  /** The first is the one that `login` asks. */
  issuers: z.array(issuer).default([]),
  cell: z.string().optional(),
  region: z.string().optional(),
  /** Of the local plane alone: what `halt --direct` composes the services from. */
  halt: z.record(z.string(), z.string()).optional(),
});
export type ProfileSettings = z.output<typeof profileSchema>;
export type Profile = ProfileSettings & { readonly name: string };

/** Variables that say where to look and whom to be. */
export type Variables = Readonly<Record<string, string | undefined>>;

export const localName = 'local';

/** Where profiles and sessions are kept. */
export function configFolder(variables: Variables): string {
  const base = variables['XDG_CONFIG_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.config') : base, 'alphaswarm');
}

interface Wanted {
  /** As it was asked for; ALPHASWARM_PROFILE, or `local`, when absent. */
  readonly name?: string | undefined;
  /** What `alphaswarm up` has written. */
  readonly localFile: string;
  readonly variables: Variables;
}

/** @throws SettingsError when there is none of that name, saying which there are; UnreachableError without a local plane. */
export function loadProfile({ name, localFile, variables }: Wanted): Profile {
  const chosen = name ?? (variables['ALPHASWARM_PROFILE'] || localName);
  if (chosen === localName) return { name: localName, ...localProfile(localFile) };
  const file = join(configFolder(variables), 'profiles.json');
  const all = parsed(z.record(z.string(), profileSchema), readPrivate(file) ?? {}, file);
  const found = Object.hasOwn(all, chosen) ? all[chosen] : undefined;
  if (found) return { name: chosen, ...found };
  const known = [localName, ...Object.keys(all)].join(', ');
  throw new SettingsError(
    `There is no profile ${JSON.stringify(chosen)}: there is ${known}. Add it to ${file}; docs/cli.md shows one.`,
  );
}

function localProfile(file: string): ProfileSettings {
  const found = readPrivate(file);
  if (found !== undefined) return parsed(profileSchema, found, file);
  throw new UnreachableError(
    'No local plane runs here: start one with `npx alphaswarm up`, or name a profile with --profile.',
    { passing: false, cause: undefined },
  );
}

function parsed<S extends z.ZodType>(schema: S, value: unknown, file: string): z.output<S> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw new SettingsError(
    `${file}: ${issue?.path.join('.') || 'the whole of it'}: ${issue?.message}. Correct it; docs/cli.md shows one.`,
  );
}
