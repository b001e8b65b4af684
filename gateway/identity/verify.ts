/**
 * Who calls, out of the header `Authorization`.
 *
 * The issuer is chosen by what the token itself says, unverified, and only by looking it up among those configured; all
 * else is believed once the signature of that issuer's key over it has been checked. Reasons go to the caller in words
 * of ours alone: errors of jose carry claims, so none is kept as a cause.
 */
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import type { Caller } from '#gateway/caller.ts';
import { Problem, type ProblemCode } from '#gateway/problem.ts';
import { badToken, noToken } from './challenge.ts';
import { callerOf, skewSeconds } from './claims.ts';
import type { IdentityConfig, Issuer } from './config.ts';
import { issuerKeys, type IssuerKeys, type KeysOptions } from './keys.ts';

/** A token of Entra with many groups has about 3 KB. */
const longestTokenBytes = 8_192;

/** Access tokens, by RFC 9068 and as issuers had them before; not those for logging out, proofs or events. */
const types = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

export interface Identity {
  /** @throws Problem UNAUTHENTICATED, ROLE_INSUFFICIENT (no role of ours at all), IDENTITY_UNAVAILABLE. */
  caller(authorization: string | undefined, from?: string): Promise<Caller>;
  /** Each issuer, and whether its tokens can be checked; asks an issuer only when it has no keys of it. */
  ready(): Promise<IssuerState[]>;
}
export interface IssuerState {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}
/** What is worth a line in the log: never a token, nor anything that stands in one. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly why: string;
  readonly from?: string;
}
export interface IdentityOptions extends KeysOptions {
  readonly onRefused?: (refusal: Refusal) => void;
}

interface Known {
  readonly issuer: Issuer;
  readonly keys: IssuerKeys;
}

export function createIdentity(config: IdentityConfig, options: IdentityOptions): Identity {
  const known = new Map(config.map((issuer) => [issuer.issuer, { issuer, keys: issuerKeys(issuer, options) }]));
  return {
    caller: async (authorization, from) => {
      try {
        const token = tokenOf(authorization);
        const { issuer, keys } = issuerOf(token, known);
        const nowMs = options.nowMs();
        return callerOf(await verified(token, { issuer, keys }, nowMs), issuer, nowMs);
      } catch (refused) {
        if (refused instanceof Problem) {
          const { code, message: why } = refused;
          options.onRefused?.({ code, why, ...(from === undefined ? {} : { from }) });
        }
        throw refused;
      }
    },
    ready: () => Promise.all([...known.values()].map(stateOf)),
  };
}

async function stateOf({ issuer: { name }, keys }: Known): Promise<IssuerState> {
  try {
    await keys.known();
    return { name, ok: true, why: 'its keys are known' };
  } catch (failed) {
    return { name, ok: false, why: failed instanceof Problem ? failed.message : 'its keys cannot be had' };
  }
}

function tokenOf(authorization = ''): string {
  if (authorization === '')
    throw noToken('There is no token: send one as a Bearer token in the header Authorization (docs/identity.md)');
  if (!/^bearer /i.test(authorization)) {
    throw noToken(
      'The header Authorization is not of the scheme Bearer: send the word Bearer, a space and the token (docs/identity.md)',
    );
  }
  const token = authorization.slice('bearer '.length).trim();
  if (token.length > longestTokenBytes) {
    throw badToken(`The token is too long: ${longestTokenBytes} bytes are the most; have its issuer leave claims out`);
  }
  return token;
}

function issuerOf(token: string, known: ReadonlyMap<string, Known>): Known {
  if (known.size === 0) throw badToken('No issuer is configured: set the parameter Identity, see docs/identity.md');
  const found = known.get(unverifiedIssuer(token) ?? '');
  if (found) return found;
  const names = [...known.values()].map(({ issuer }) => issuer.name).join(' or ');
  throw badToken(`The token is of no issuer that is known here: obtain one from ${names}`);
}

function unverifiedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    throw badToken('The token is not a signed JWT: obtain an access token for this interface');
  }
}

async function verified(token: string, { issuer, keys }: Known, nowMs: number): Promise<JWTPayload> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: issuer.algorithms,
      clockTolerance: skewSeconds,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'iat'],
    });
    if (!types.has((protectedHeader.typ ?? 'jwt').toLowerCase())) {
      throw badToken('The token is of another kind: obtain an access token for this interface');
    }
    if ((payload.iat ?? 0) * 1_000 > nowMs + skewSeconds * 1_000) {
      throw badToken('The token was issued in the future: look at the clock of its issuer');
    }
    return payload;
  } catch (refused) {
    throw refused instanceof Problem ? refused : badToken(reasonOf(refused));
  }
}

function reasonOf(refused: unknown): string {
  if (refused instanceof errors.JWTExpired) return 'The token has expired: obtain a new one';
  if (refused instanceof errors.JWTClaimValidationFailed) return claimReason(refused.claim);
  if (refused instanceof errors.JOSEAlgNotAllowed) {
    return 'The token is signed by an algorithm that is not allowed here: obtain one from its issuer';
  }
  if (refused instanceof errors.JWKSNoMatchingKey || refused instanceof errors.JWKSMultipleMatchingKeys) {
    return 'The token names no key of its issuer: obtain a new one';
  }
  if (refused instanceof errors.JWSSignatureVerificationFailed) {
    return 'The signature of the token is not that of its issuer: obtain a new one';
  }
  return 'The token is not one that can be verified: obtain an access token for this interface';
}

/** By the name of the claim, which is one of those that we ask jose to check. */
function claimReason(claim: string): string {
  if (claim === 'aud') return 'The token is meant for another audience: ask for one for this interface';
  if (claim === 'nbf') return 'The token is not valid yet: look at the clock of its issuer';
  return `The token lacks a sound claim ${claim}: obtain an access token for this interface`;
}
