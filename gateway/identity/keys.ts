/**
 * The public keys of one issuer. They are fetched when the first token comes, again after ten minutes, and when a token
 * names a key that is not among them, at most every 30 s, so that invented key ids cannot make us hammer the issuer. An
 * issuer that cannot be asked is left alone for 5 s; the keys known of it serve for another hour.
 */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { Problem } from '#gateway/problem.ts';
import type { Issuer } from './config.ts';

const freshMs = 600_000;
const usableMs = 3_600_000;
const cooldownMs = 30_000;
const pauseMs = 5_000;
const timeoutMs = 3_000;

export interface KeysOptions {
  readonly nowMs: () => number;
  /** For tests and proxies; Node's own when absent. */
  readonly fetch?: typeof fetch;
}
export interface IssuerKeys {
  /** @throws Problem IDENTITY_UNAVAILABLE; errors of jose when there is no such key. */
  readonly find: JWTVerifyGetKey;
  /** @throws Problem IDENTITY_UNAVAILABLE when no usable keys are to be had. */
  known(): Promise<void>;
}

/** The token names no key of its issuer, or none that fits it: its bearer's fault, and no reason to say unavailable. */
const misfits = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported] as const;

export function issuerKeys({ name, jwksUri }: Issuer, { nowMs, fetch: ask = fetch }: KeysOptions): IssuerKeys {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let failedAtMs = Number.NEGATIVE_INFINITY;
  const jwks = createRemoteJWKSet(new URL(jwksUri), {
    cacheMaxAge: usableMs,
    cooldownDuration: cooldownMs,
    timeoutDuration: timeoutMs,
    [customFetch]: async (url, init) => {
      if (nowMs() - failedAtMs < pauseMs) throw new Error('it did not answer a moment ago');
      askedAtMs = nowMs();
      return ask(url, init);
    },
  });

  async function available<T>(act: () => Promise<T>): Promise<T> {
    const lastAskedAtMs = askedAtMs;
    try {
      return await act();
    } catch (failed) {
      if (misfits.some((misfit) => failed instanceof misfit)) throw failed;
      // What the pause itself refused must not make the pause longer.
      if (askedAtMs !== lastAskedAtMs) failedAtMs = nowMs();
      throw unavailable(name);
    }
  }
  /** Keys that were removed must go, but an issuer that is away must not take those that are good with it. */
  async function refresh(): Promise<void> {
    if (nowMs() - askedAtMs < freshMs) return;
    await available(() => jwks.reload()).catch(() => {});
  }
  return {
    find: async (header, token) => {
      await refresh();
      return available(() => jwks(header, token));
    },
    known: async () => {
      await refresh();
      if (!jwks.fresh) await available(() => jwks.reload());
    },
  };
}

/** Without its cause: that may hold addresses and answers of the issuer's. */
const unavailable = (name: string): Problem =>
  new Problem(
    'IDENTITY_UNAVAILABLE',
    `The keys of the issuer ${name} cannot be fetched, so its tokens cannot be checked: try again, or use another issuer`,
    { headers: { 'retry-after': String(pauseMs / 1_000) } },
  );
