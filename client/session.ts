// The tokens of a login, kept for the owner alone and renewed before they expire.
import { join } from 'node:path';
import * as z from 'zod';
import { IdentityError } from './errors.ts';
import { readPrivate, removePrivate, writePrivate } from './private-file.ts';
import { configFolder, type Variables } from './profile.ts';

const sessionSchema = z.strictObject({
  v: z.literal(1),
  issuer: z.url(),
  accessToken: z.string().min(1),
  expiresAtMs: z.number(),
  refreshToken: z.string().min(1).optional(),
});
export type Session = z.output<typeof sessionSchema>;

export interface SessionStore {
  /** @throws SettingsError when others may read the file. */
  read(): Session | undefined;
  write(session: Session): void;
  /** Resolves with whether there was one. */
  remove(): boolean;
}

export function sessionStore(profile: string, variables: Variables): SessionStore {
  const file = join(configFolder(variables), 'sessions', `${encodeURIComponent(profile)}.json`);
  const read = () => sessionSchema.safeParse(readPrivate(file)).data;
  return {
    read,
    write: (session) => writePrivate(file, session),
    remove() {
      const found = read() !== undefined;
      removePrivate(file);
      return found;
    },
  };
}

interface Means {
  readonly store: SessionStore;
  readonly refresh: (session: Session) => Promise<Session>;
  readonly nowMs: () => number;
}
/** So long before its end a token is renewed: the request must still arrive with it. */
const renewBeforeMs = 60_000;

/** The access token of the session. @throws IdentityError when there is none, or it is over and cannot be renewed. */
export async function sessionToken({ store, refresh, nowMs }: Means): Promise<string> {
  const session = store.read();
  if (!session) throw new IdentityError('You are not logged in: run `alphaswarm login`, or set ALPHASWARM_TOKEN.');
  if (session.expiresAtMs - nowMs() > renewBeforeMs) return session.accessToken;
  if (session.refreshToken === undefined) throw new IdentityError('Your login has expired: run `alphaswarm login`.');
  const renewed = await refresh(session);
  store.write(renewed);
  return renewed.accessToken;
}
