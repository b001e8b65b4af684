// A grant that no real issuer has: a person's token for the asking. It is what tests and `alphaswarm token` use, so that
// everything behind it, from the signature on, is what it is with a real one.
import { errors, type Provider, type ResourceServer } from 'oidc-provider';
import * as z from 'zod';
import { localPersonGrant, localTenant, machines, rolesOf, type Machine, type Person } from './people.ts';
import { accessScope, audience, type Shape } from './shapes.ts';

const name = z.string().max(200);
/** Blank: a token without any. (An empty parameter is none to the provider.) */
const tenant = name.trim().default(localTenant);
const seconds = z.coerce.number().int();
const lifeSeconds = seconds.min(1).max(86_400).default(3_600);
const words = z.string().transform((text) => text.split(' ').filter((word) => word !== ''));

const personSchema = z.object({
  user: name.min(1),
  roles: words.optional(),
  tenant,
  acr: z.enum(['low', 'high']).default('low'),
  /** How long ago the person authenticated. */
  age_seconds: seconds.min(0).default(0),
  expires_in: lifeSeconds,
});
const machineSchema = z.object({
  roles: words.optional(),
  tenant,
  on_behalf_of: name.optional(),
  expires_in: lifeSeconds,
});

function parsed<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new errors.InvalidRequest(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
}

/** Teaches the provider the grant. `remember` is told whom a request is for. */
export function addLocalPersonGrant(
  provider: Provider,
  shape: Shape,
  remember: (request: object, person: Person) => void,
): void {
  provider.registerGrantType(
    localPersonGrant,
    async (ctx) => {
      const { user, tenant, acr, ...wanted } = parsed(personSchema, ctx.oidc.params);
      const authenticatedAt = Math.floor(Date.now() / 1_000) - wanted.age_seconds;
      const roles = wanted.roles ?? rolesOf(user);
      remember(ctx.oidc, { kind: 'person', user, roles, tenant, acr, authenticatedAt });
      const token = new provider.AccessToken({
        client: ctx.oidc.client,
        accountId: shape.subjectOf(user),
        grantId: localPersonGrant,
        gty: localPersonGrant,
        expiresIn: wanted.expires_in,
        scope: accessScope,
        resourceServer: new provider.ResourceServer(audience, resourceServer(shape)),
      });
      const access_token = await token.save();
      ctx.body = { access_token, expires_in: wanted.expires_in, token_type: 'Bearer', scope: accessScope };
    },
    Object.keys(personSchema.shape),
  );
}

/** The program that asks for a token of its own; on whose behalf, only where that was agreed. */
export function machineOf(client: string, body: unknown): Machine {
  const { roles, tenant, on_behalf_of: onBehalfOf } = parsed(machineSchema, body);
  const known = machines[client];
  if (onBehalfOf !== undefined && known?.onBehalfOf !== true) {
    throw new errors.InvalidRequest(`on_behalf_of: ${client} may speak for nobody; alphaswarm-core may`);
  }
  const spoken = onBehalfOf === undefined ? {} : { onBehalfOf };
  return { kind: 'machine', client, roles: roles ?? known?.roles ?? [], tenant, ...spoken };
}

export const machineLifeSeconds = (body: unknown): number => parsed(machineSchema, body).expires_in;

/** Our interface, as a resource of the provider: its tokens are JWTs. */
export const resourceServer = ({ algorithm }: Shape): ResourceServer => ({
  scope: accessScope,
  audience,
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: algorithm } },
});
