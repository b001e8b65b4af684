// From the claims of a verified token to who calls. Nothing here looks at signatures or times of validity: verify.ts did.
import type { JWTPayload } from 'jose';
import { isRole, type Role } from '#core/catalogue/roles.ts';
import type { Actor } from '#core/run.ts';
import type { Caller } from '#gateway/caller.ts';
import { badToken, notAllowed } from './challenge.ts';
import type { Issuer } from './config.ts';

/** How far the issuer's clock and ours may be apart. */
export const skewSeconds = 60;

/** What becomes part of keys, of messages and of other people's screens. */
const word = /^(?!\.)[\w.:@-]{1,64}$/;

/**
 * Who the token says calls.
 *
 * @throws Problem UNAUTHENTICATED when it names nobody, `system:` anything, or no tenant; ROLE_INSUFFICIENT when it
 *   names none of our roles. Messages name claims, never what they hold.
 */
export function callerOf(claims: JWTPayload, issuer: Issuer, nowMs: number): Caller {
  const actor = actorOf(claims, issuer);
  const tenant = tenantOf(claims, issuer);
  const roles = rolesOf(claims, issuer);
  const { name, stepUp } = issuer;
  const steppedUpAtMs = actor.kind === 'human' ? steppedUpAt(claims, stepUp, nowMs) : undefined;
  return {
    actor,
    tenant,
    roles,
    issuer: name,
    expiresAtMs: (claims.exp ?? 0) * 1_000,
    stepUp: { claim: stepUp.claim, value: stepUp.value },
    ...(steppedUpAtMs === undefined ? {} : { steppedUpAtMs }),
  };
}

function actorOf(claims: JWTPayload, { name, actorClaim, onBehalfOfClaim }: Issuer): Actor {
  const id = actorId(claims, actorClaim, name);
  if (!isMachine(claims)) return { kind: 'human', id };
  if (!Object.hasOwn(claims, onBehalfOfClaim)) return { kind: 'service', id };
  return { kind: 'service', id, onBehalfOf: actorId(claims, onBehalfOfClaim, name) };
}

function actorId(claims: JWTPayload, claim: string, issuer: string): string {
  // Auth0 writes `auth0|65f1`; the bar is in no id of ours.
  const id = textOf(claims, claim)?.replaceAll('|', ':') ?? '';
  if (!word.test(id)) {
    throw badToken(
      `The claim ${claim} of the token is not 1 to 64 letters, digits or any of ._:@-: have the issuer ${issuer} name its bearer so`,
    );
  }
  // The plane itself acts under such names (system:beat), and nobody may from here.
  if (!id.toLowerCase().startsWith('system:')) return id;
  throw badToken(`The claim ${claim} of the token begins with system, which no bearer may: use another account`);
}

/**
 * Whether no person stands behind the token: Entra says `idtyp=app`, or else gives subject and object the same id; Auth0
 * says `gty=client-credentials`; with others the subject is the client itself.
 */
function isMachine(claims: JWTPayload): boolean {
  const { sub } = claims;
  if (claims['idtyp'] === 'app' || claims['gty'] === 'client-credentials') return true;
  return sub !== undefined && ['oid', 'azp', 'client_id'].some((claim) => claims[claim] === sub);
}

function tenantOf(claims: JWTPayload, { name, tenantClaim }: Issuer): string {
  const tenant = textOf(claims, tenantClaim) ?? '';
  // `system` is the plane's own: its rows are the beat's.
  if (word.test(tenant) && tenant.toLowerCase() !== 'system') return tenant;
  throw badToken(
    `The token names no tenant in the claim ${tenantClaim}, or one that is none: have the issuer ${name} put it there`,
  );
}

/** Ours among the words of the claim, a list or a text with spaces. Words that are not ours are somebody else's roles. */
function rolesOf(claims: JWTPayload, { name, rolesClaim }: Issuer): Role[] {
  const given = Object.hasOwn(claims, rolesClaim) ? claims[rolesClaim] : undefined;
  const words: unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : [];
  const held = [...new Set(words.filter(isRole))];
  if (held.length > 0) return held;
  throw notAllowed(
    `The token names none of our roles in the claim ${rolesClaim}: have the issuer ${name} give its bearer viewer, researcher, operator or service`,
  );
}

/**
 * When the bearer authenticated strongly. The time of issue will not do: an issuer renews a token, strength and all,
 * without asking anybody anything.
 */
function steppedUpAt(claims: JWTPayload, { claim, value, timeClaim }: Issuer['stepUp'], nowMs: number) {
  const [strength, at] = [claims[claim], claims[timeClaim]];
  const isStrong = strength === value || (Array.isArray(strength) && strength.includes(value));
  if (!isStrong || typeof at !== 'number') return undefined;
  const isPast = at * 1_000 <= nowMs + skewSeconds * 1_000;
  return isPast ? at * 1_000 : undefined;
}

function textOf(claims: JWTPayload, claim: string): string | undefined {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  return typeof value === 'string' ? value : undefined;
}
