// What every command has: where to look, whom to be, how to print. Made only when it is asked for, since not every
// command needs a profile, and a gateway least of all.
import { join } from 'node:path';
import { createClient, type Client } from '#client/client.ts';
import { loadProfile, localName, type Profile, type Variables } from '#client/profile.ts';
import type { Exchange } from '#client/transport.ts';
import { createOutput, type Output } from './output.ts';
import { dataFolder, type Globals } from './globals.ts';
import { tokenSource } from './tokens.ts';

export interface Context {
  readonly out: Output;
  readonly variables: Variables;
  readonly profile: Profile;
  readonly client: Client;
  /** Another command as it is to be typed for the same gateway. */
  readonly typed: (words: string) => string;
}

export function contextOf(globals: Globals, variables: Variables = process.env): Context {
  const out = createOutput(globals.json);
  const profile = once(() =>
    loadProfile({ name: globals.profile, localFile: join(dataFolder(globals), 'profile.json'), variables }),
  );
  const client = once(() => clientOf(profile(), globals, variables));
  return {
    out,
    variables,
    get profile() {
      return profile();
    },
    get client() {
      return client();
    },
    typed: (words) => `npx alphaswarm ${words}${profile().name === localName ? '' : ` --profile ${profile().name}`}`,
  };
}

const clientOf = (profile: Profile, globals: Globals, variables: Variables): Client =>
  createClient({
    baseUrl: profile.gateway,
    socketsUrl: profile.sockets,
    token: tokenSource(profile, variables),
    timeoutMs: globals.timeout,
    ...(globals.unsafePrintTokenPrefixes
      ? { onExchange: (exchange) => process.stderr.write(exchangeLine(exchange)) }
      : {}),
  });

/** Four characters tell tokens of different issuers apart and are worth nothing; more is never shown. */
const shownCharacters = 4;

function exchangeLine({ method, url, status, tookMs, token }: Exchange): string {
  const shown =
    token === undefined ? 'no token' : `token ${token.slice(0, Math.min(shownCharacters, token.length / 4))}...`;
  return `${method} ${url} ${status ?? 'no answer'} in ${tookMs} ms, ${shown}\n`;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
