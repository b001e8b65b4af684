// What stands in WWW-Authenticate. RFC 6750 allows printable ASCII without quotes and backslashes in a description.
import { Problem } from '#gateway/problem.ts';

export const challengeHeader = 'www-authenticate';

/** One challenge of the scheme Bearer; numbers stay bare, as RFC 9470 writes `max_age`. */
export function bearer(parameters: Readonly<Record<string, string | number>>): string {
  const written = Object.entries(parameters).map(([name, value]) =>
    typeof value === 'number' ? `${name}=${value}` : `${name}="${value.replaceAll(/[^\u{20}-\u{7E}]|["\\]/gu, '_')}"`,
  );
  return `Bearer ${written.join(', ')}`;
}

/** Nobody is known yet: no token came. A challenge without `error`, since nothing was wrong (RFC 6750, 3.1). */
export const noToken = (message: string): Problem =>
  new Problem('UNAUTHENTICATED', message, { headers: { [challengeHeader]: bearer({ realm: 'alphaswarm' }) } });

/** The token is no good; the message never holds a part of it. */
export function badToken(message: string): Problem {
  const [error_description = ''] = message.split(': ');
  const challenge = bearer({ realm: 'alphaswarm', error: 'invalid_token', error_description });
  return new Problem('UNAUTHENTICATED', message, { headers: { [challengeHeader]: challenge } });
}

/** A good token, of somebody who may not. */
export const notAllowed = (message: string): Problem =>
  new Problem('ROLE_INSUFFICIENT', message, {
    headers: { [challengeHeader]: bearer({ realm: 'alphaswarm', error: 'insufficient_scope' }) },
  });
