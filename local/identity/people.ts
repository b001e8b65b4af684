// Who signs in here: anybody, under any name, in any role. There are no passwords, since there is nothing to protect:
// the providers listen on this machine alone, and only a local plane takes their tokens.
import { createHash } from 'node:crypto';

/** A person, as a token names them. */
export interface Person {
  readonly kind: 'person';
  readonly user: string;
  readonly roles: readonly string[];
  /** Empty: the token names none, and is refused. */
  readonly tenant: string;
  readonly acr: 'low' | 'high';
  /** When the person authenticated, in seconds since 1970. */
  readonly authenticatedAt: number;
}
/** A program that has an account of its own. */
export interface Machine {
  readonly kind: 'machine';
  readonly client: string;
  readonly roles: readonly string[];
  readonly tenant: string;
  readonly onBehalfOf?: string;
}
export type Bearer = Person | Machine;

export const localTenant = 'local';
/** Its name stands here, so that asking for a token does not load a provider. */
export const localPersonGrant = 'urn:alphaswarm:grant:local-person';

/** The people whom the page proposes; others are viewers unless the page says more. */
export const people: Readonly<Record<string, readonly string[]>> = {
  anna: ['researcher'],
  olga: ['operator'],
  oscar: ['operator'],
  victor: ['viewer'],
};
export const rolesOf = (user: string): readonly string[] => people[user] ?? ['viewer'];

/** The programs, and whether they may speak for people. */
export const machines: Readonly<Record<string, { readonly roles: readonly string[]; readonly onBehalfOf: boolean }>> = {
  'alphaswarm-core': { roles: ['service'], onBehalfOf: true },
  'alphaswarm-ci': { roles: ['service'], onBehalfOf: false },
};

/** Every program's secret. It protects nothing, as above, and says so. */
export const machineSecret = 'local-only-and-no-secret';

/** The same object id for the same name, as a directory gives one. */
export function objectIdOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
