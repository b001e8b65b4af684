// An issuer of two keys behind a `fetch` of its own, and every way to forge its tokens.
import { inspect } from 'node:util';
import {
  base64url,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { expect } from 'vitest';
import { parseIdentity, type IdentityConfig } from '#gateway/identity/config.ts';
import { createIdentity, type Identity, type Refusal } from '#gateway/identity/verify.ts';
import { Problem } from '#gateway/problem.ts';

export const nowMs = Date.UTC(2026, 10, 25, 12);
export const nowSeconds = nowMs / 1_000;
export const audience = 'api://alphaswarm';

/** Stands in claims of every forged token; it may be found nowhere. */
export const planted = 'PLANTED-c7f31e';

export const rows = (over: Record<string, unknown> = {}) => [
  {
    name: 'entra',
    issuer: 'https://login.example/tenant/v2.0',
    audience,
    jwksUri: 'https://login.example/keys',
    algorithms: ['RS256'],
    rolesClaim: 'roles',
    tenantClaim: 'tid',
    stepUp: { claim: 'acrs', value: 'c1' },
    ...over,
  },
  {
    name: 'auth0',
    issuer: 'https://acme.auth0.example/',
    audience: [audience, 'https://other.example'],
    jwksUri: 'https://acme.auth0.example/.well-known/jwks.json',
    algorithms: ['ES256'],
    rolesClaim: 'https://alphaswarm.example/roles',
    tenantClaim: 'https://alphaswarm.example/tenant',
    stepUp: { claim: 'acr', value: 'high' },
  },
];
export const config = (over: Record<string, unknown> = {}): IdentityConfig =>
  parseIdentity(JSON.stringify(rows(over)), { local: false });

export interface Pair {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}
export async function newPair(kid: string, alg: 'RS256' | 'ES256' = 'RS256'): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export const entraClaims = (over: JWTPayload = {}): JWTPayload => ({
  iss: 'https://login.example/tenant/v2.0',
  aud: audience,
  sub: 'anna',
  oid: '3fa98749-3ca3-4cfc-b952-43b881a02b7d',
  tid: 'acme',
  roles: ['researcher'],
  iat: nowSeconds - 10,
  nbf: nowSeconds - 10,
  exp: nowSeconds + 3_600,
  note: planted,
  ...over,
});
export const auth0Claims = (over: JWTPayload = {}): JWTPayload => ({
  iss: 'https://acme.auth0.example/',
  aud: [audience, 'https://acme.auth0.example/userinfo'],
  sub: 'auth0|65f1',
  'https://alphaswarm.example/roles': ['operator'],
  'https://alphaswarm.example/tenant': 'acme',
  iat: nowSeconds - 10,
  exp: nowSeconds + 3_600,
  note: planted,
  ...over,
});

export const sign = (pair: Pair, claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: String(pair.jwk.alg), kid: pair.kid, typ: 'at+jwt', ...header })
    .sign(pair.privateKey);

/** The oldest trick: a shared secret made of what everybody may know. */
export async function signWithPublicKey(pair: Pair, claims: JWTPayload): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI(pair.publicKey));
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: pair.kid }).sign(secret);
}
export const unsigned = (header: unknown, claims: unknown, signature = ''): string =>
  `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claims))}.${signature}`;

export interface World {
  readonly identity: Identity;
  readonly refusals: Refusal[];
  /** What stands in each key set; an error makes that issuer unreachable. */
  readonly sets: Map<string, unknown>;
  /** Addresses that were asked, in order. */
  readonly asked: string[];
  readonly setNow: (ms: number) => void;
  readonly caller: (token: string) => ReturnType<Identity['caller']>;
  /** The problem with a token, in which nothing of the token may be found. */
  readonly problem: (token: string) => Promise<Problem>;
}

export function world(pairs: { entra: Pair; auth0: Pair }, over: Record<string, unknown> = {}): World {
  const refusals: Refusal[] = [];
  const asked: string[] = [];
  const sets = new Map<string, unknown>([
    ['https://login.example/keys', { keys: [pairs.entra.jwk] }],
    ['https://acme.auth0.example/.well-known/jwks.json', { keys: [pairs.auth0.jwk] }],
  ]);
  let now = nowMs;
  const fetch = async (url: string | URL | Request): Promise<Response> => {
    const href = url instanceof Request ? url.url : String(url);
    asked.push(href);
    const set = sets.get(href);
    if (set instanceof Error) throw set;
    return set instanceof Response ? set.clone() : Response.json(set);
  };
  const identity = createIdentity(config(over), {
    nowMs: () => now,
    fetch,
    onRefused: (refusal) => refusals.push(refusal),
  });
  const caller = (token: string) => identity.caller(`Bearer ${token}`, '192.0.2.7');
  return {
    identity,
    refusals,
    sets,
    asked,
    setNow: (ms) => (now = ms),
    caller,
    problem: async (token) => {
      const problem = await problemOf(caller(token));
      expect(refusals.at(-1)).toStrictEqual({ code: problem.code, why: problem.message, from: '192.0.2.7' });
      const told = inspect([problem, refusals], { depth: Number.POSITIVE_INFINITY, showHidden: true });
      expect(told).not.toContain(planted);
      for (const part of token.split('.').filter(({ length }) => length > 12)) {
        expect(told).not.toContain(part.slice(0, 12));
        expect(told).not.toContain(part.slice(-12));
      }
      return problem;
    },
  };
}

export async function problemOf(refused: Promise<unknown>): Promise<Problem> {
  const thrown: unknown = await refused.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Problem);
  return thrown as Problem;
}
export const challengeOf = ({ headers }: Problem): string => headers['www-authenticate'] ?? '';
