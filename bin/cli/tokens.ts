// Whose token is sent: the one in the environment, the one of a login, or on this machine that of its own issuer.
import { userInfo } from 'node:os';
import { IdentityError, UnreachableError } from '#client/errors.ts';
import { localName, type Profile, type Variables } from '#client/profile.ts';
import { sessionStore, sessionToken, type SessionStore } from '#client/session.ts';
import type { TokenSource } from '#client/transport.ts';

/** Never an empty one: a variable that was unset in a script by halves is none. */
const givenToken = (variables: Variables): string | undefined => variables['ALPHASWARM_TOKEN'] || undefined;

export function tokenSource(profile: Profile, variables: Variables): TokenSource {
  const given = givenToken(variables);
  if (given !== undefined) return async () => given;
  const store = sessionStore(profile.name, variables);
  const local = localTokens(profile);
  return async (wanted) => (usesLocal(profile, store) ? local(wanted) : loginToken(profile, store));
}

/** A login at a local issuer that is gone (each plane has its own) is none. */
function usesLocal({ name, issuers }: Profile, store: SessionStore): boolean {
  if (name !== localName) return false;
  const session = store.read();
  return session === undefined || !issuers.some(({ issuer }) => issuer === session.issuer);
}

const loginToken = ({ issuers }: Profile, store: SessionStore): Promise<string> =>
  sessionToken({
    store,
    nowMs: Date.now,
    async refresh(session) {
      const settings = issuers.find(({ issuer }) => issuer === session.issuer);
      if (!settings) throw new IdentityError(`The profile names ${session.issuer} no more: run \`alphaswarm login\`.`);
      const { refreshed } = await import('#client/login.ts');
      return refreshed(settings, session, Date.now());
    },
  });

/** Well within the hour that they last, and the 300 s for which one is strong. */
const renewAfterMs = 240_000;

/** Tokens of the local issuer for whoever runs this, as an operator; strong ones where a route wants them. */
function localTokens({ issuers }: Profile): TokenSource {
  const kept = new Map<boolean, { readonly token: string; readonly atMs: number }>();
  return async ({ stepUp }) => {
    const before = kept.get(stepUp);
    if (before && performance.now() - before.atMs < renewAfterMs) return before.token;
    const [first] = issuers;
    if (!first) throw new IdentityError('The local plane has no issuer: set ALPHASWARM_TOKEN.');
    const { localToken } = await import('#local/identity/token.ts');
    const acr = stepUp ? 'high' : 'low';
    const token = await localToken({ issuer: first.issuer, role: 'operator', user: userName(), acr }).catch(noIssuer);
    kept.set(stepUp, { token, atMs: performance.now() });
    return token;
  };
}

/** With a cause nobody answered; without one the issuer said no. */
function noIssuer(thrown: unknown): never {
  const { message, cause } = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (cause === undefined) throw new IdentityError(message, thrown);
  throw new UnreachableError(message, { passing: false, cause: thrown });
}

/** Who runs this, as the machine knows them. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no name.
    return 'operator';
  }
}
