// Where a client without a token learns from whom to get one: RFC 9728, as the authorization part of the protocol wants it.
import { routeRow } from '#core/catalogue/routes.ts';
import { challengeHeader } from '#gateway/identity/challenge.ts';
import { Problem } from '#gateway/problem.ts';

/** On this machine there is no TLS; everywhere else API Gateway speaks nothing else, whatever it hands on. */
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The address of /mcp: as it is configured, or as the request has reached it. */
export function addressOf(request: Request, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  const { host, hostname } = new URL(request.url);
  return `${loopback.test(hostname) ? 'http' : 'https'}://${host}${routeRow('mcp').path}`;
}

/** What a token for the tools is good for, and who issues it. */
export const protectedResource = (address: string, issuers: readonly string[]) => ({
  resource: address,
  authorization_servers: issuers,
  bearer_methods_supported: ['header'],
  resource_name: 'AlphaSwarm',
});

/** The problem, whose challenge says besides where the description of the resource is. */
export function withDescription(thrown: unknown, address: string): unknown {
  const challenge = thrown instanceof Problem ? thrown.headers[challengeHeader] : undefined;
  if (!(thrown instanceof Problem) || challenge === undefined) return thrown;
  const { code, message, headers, issues } = thrown;
  const where = new URL(routeRow('describeResource').path, address).href;
  return new Problem(code, message, {
    headers: { ...headers, [challengeHeader]: `${challenge}, resource_metadata="${where}"` },
    ...(issues ? { issues: [...issues] } : {}),
    cause: thrown,
  });
}

/**
 * A page of another site may make a browser ask here in somebody's name; the protocol wants it refused by its origin.
 * Programs send none.
 *
 * @throws Problem ORIGIN_REFUSED
 */
export function needOwnOrigin(request: Request, address: string): void {
  const origin = request.headers.get('origin');
  if (origin === null || origin === new URL(address).origin) return;
  throw new Problem(
    'ORIGIN_REFUSED',
    `a page of ${JSON.stringify(origin.slice(0, 200))} may not call tools: use a client that is no page`,
  );
}
