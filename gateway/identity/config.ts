import * as z from 'zod';
import { describeIssues } from '#core/envelope.ts';
import { Failure } from '#core/errors.ts';

/** Public keys only: with a shared secret, whoever can verify a token could make one. */
const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** One Entra tenant and one Auth0 tenant: a third door is a third thing to watch. */
const mostIssuers = 2;

/** The name of a claim, which is an address with most issuers' own claims. */
const claim = z.string().min(1).max(200);
const audience = z.string().min(1).max(300);

const issuerSchema = (address: z.ZodType<string>) =>
  z.strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is not a name such as entra'),
    /** To the letter as `iss` has it: Auth0's ends in a slash, Entra's does not. */
    issuer: address,
    audience: z.union([audience.transform((one) => [one]), z.array(audience).min(1)]),
    jwksUri: address,
    algorithms: z.array(z.enum(asymmetric)).min(1),
    rolesClaim: claim,
    tenantClaim: claim,
    actorClaim: claim.default('sub'),
    onBehalfOfClaim: claim.default('on_behalf_of'),
    /** What says that its bearer authenticated strongly, and when: seconds since 1970. */
    stepUp: z.strictObject({ claim, value: z.string().min(1).max(200), timeClaim: claim.default('auth_time') }),
  });

export type Issuer = z.output<ReturnType<typeof issuerSchema>>;
export type IdentityConfig = readonly Issuer[];

const secure = address(/^https$/, 'is not an address that begins with https://');
const loopback = address(/^https?$/, 'is neither https:// nor http:// on this machine').refine(
  (text) => !text.startsWith('http:') || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(new URL(text).hostname),
  'is plain http, and not on this machine',
);

function address(protocol: RegExp, error: string) {
  return z.url({ protocol, error, abort: true }).refine((text) => {
    const { username, password } = new URL(text);
    return username === '' && password === '';
  }, 'holds a user or a password, which belongs in no configuration');
}

/**
 * Reads the variable IDENTITY: the issuers whose tokens are taken, `[]` for none. Locally plain http is allowed, on
 * loopback alone.
 *
 * @throws Failure CONFIGURATION_INVALID naming each field that is wrong, and never its value.
 */
export function parseIdentity(text: string, { local }: { local: boolean }): IdentityConfig {
  const parsed = z.array(issuerSchema(local ? loopback : secure)).safeParse(jsonOf(text));
  if (!parsed.success) throw invalid(describeIssues(parsed.error));
  const rows = parsed.data;
  if (rows.length > mostIssuers) throw invalid(`there are ${rows.length} issuers: keep ${mostIssuers} at most`);
  for (const key of ['name', 'issuer'] as const) {
    if (new Set(rows.map((row) => row[key])).size < rows.length) throw invalid(`1.${key}: is the same as 0.${key}`);
  }
  return rows;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('it is no JSON; write [] for no issuer at all');
  }
}

const invalid = (what: string): Failure =>
  new Failure(
    'CONFIGURATION_INVALID',
    `the variable IDENTITY (parameter Identity of the template): ${what}; docs/identity.md shows one for each issuer`,
  );
