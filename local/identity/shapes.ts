// The two providers differ as Entra and Auth0 do, in all that the gateway must be configured for: names of claims, how a
// machine is told from a person, how a strong authentication is, the subject, the header, the algorithm.
import { objectIdOf, type Bearer } from './people.ts';

export const audience = 'api://alphaswarm';
export const accessScope = 'access';

interface Parts {
  header?: Record<string, unknown> | undefined;
  payload: Record<string, unknown>;
}
export interface Shape {
  readonly name: 'entra' | 'auth0';
  readonly algorithm: 'RS256' | 'ES256';
  /** Its part of IDENTITY, but for the addresses. */
  readonly configuration: Readonly<Record<string, unknown>>;
  subjectOf(user: string): string;
  userOf(subject: string): string;
  /** Gives a token the claims that this issuer writes for such a bearer. */
  dress(parts: Parts, bearer: Bearer): void;
}

const authenticationContext = 'c1';

const entra: Shape = {
  name: 'entra',
  algorithm: 'RS256',
  configuration: {
    audience,
    algorithms: ['RS256'],
    rolesClaim: 'roles',
    tenantClaim: 'tid',
    stepUp: { claim: 'acrs', value: authenticationContext },
  },
  subjectOf: (user) => user,
  userOf: (subject) => subject,
  dress: (parts, bearer) => {
    const { client_id: azp, scope: scp, sub, iat } = parts.payload;
    delete parts.payload['client_id'];
    delete parts.payload['scope'];
    parts.header = { typ: 'JWT' };
    Object.assign(parts.payload, { azp, nbf: iat, ver: '2.0', roles: bearer.roles });
    if (bearer.tenant !== '') parts.payload['tid'] = bearer.tenant;
    if (bearer.kind === 'machine') {
      Object.assign(parts.payload, { idtyp: 'app', oid: sub, ...spokenFor(bearer.onBehalfOf, 'on_behalf_of') });
      return;
    }
    const acrs = bearer.acr === 'high' ? { acrs: [authenticationContext] } : {};
    Object.assign(parts.payload, { scp, oid: objectIdOf(bearer.user), auth_time: bearer.authenticatedAt, ...acrs });
  },
};

/** Auth0 keeps `roles`, `acr` and `auth_time` to itself: what a tenant adds must have a name of its own. */
const namespace = 'https://alphaswarm.local/';

const auth0: Shape = {
  name: 'auth0',
  // Not as Auth0 has it, but so that both kinds of key are met.
  algorithm: 'ES256',
  configuration: {
    audience,
    algorithms: ['ES256'],
    rolesClaim: `${namespace}roles`,
    tenantClaim: `${namespace}tenant`,
    onBehalfOfClaim: `${namespace}on_behalf_of`,
    stepUp: { claim: `${namespace}acr`, value: 'high', timeClaim: `${namespace}auth_time` },
  },
  subjectOf: (user) => `auth0|${user}`,
  userOf: (subject) => subject.replace(/^auth0\|/, ''),
  dress: ({ payload }, bearer) => {
    const { client_id: azp, iss, aud } = payload;
    delete payload['client_id'];
    Object.assign(payload, { azp, aud: [aud, `${String(iss)}/userinfo`], [`${namespace}roles`]: bearer.roles });
    if (bearer.tenant !== '') payload[`${namespace}tenant`] = bearer.tenant;
    if (bearer.kind === 'machine') {
      const spoken = spokenFor(bearer.onBehalfOf, `${namespace}on_behalf_of`);
      Object.assign(payload, { sub: `${bearer.client}@clients`, gty: 'client-credentials', ...spoken });
      return;
    }
    const acr = bearer.acr === 'high' ? { [`${namespace}acr`]: 'high' } : {};
    Object.assign(payload, { [`${namespace}auth_time`]: bearer.authenticatedAt, ...acr });
  },
};

const spokenFor = (user: string | undefined, claim: string): Record<string, string> =>
  user === undefined ? {} : { [claim]: user };

export const shapes: readonly Shape[] = [entra, auth0];

/** What a client asks for in Entra's words, in answer to its claims challenge. */
export function asksForContext(claims: unknown): boolean {
  if (typeof claims !== 'string') return false;
  try {
    const wanted = JSON.parse(claims) as { access_token?: { acrs?: { value?: unknown; values?: unknown } } };
    const { value, values } = wanted.access_token?.acrs ?? {};
    return value === authenticationContext || (Array.isArray(values) && values.includes(authenticationContext));
  } catch {
    return false;
  }
}
