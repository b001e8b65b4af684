// One OpenID provider, made by panva's library, which is what makes these tokens worth testing with: discovery, key sets,
// client credentials and the device flow are the standard's and not ours.
import { randomBytes } from 'node:crypto';
import { interactionPolicy, Provider, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import type { JWK } from 'jose';
import { adapterOver, type IdentityRows } from './adapter.ts';
import { addLocalPersonGrant, machineLifeSeconds, machineOf, resourceServer } from './grant.ts';
import { codeConfirmPage, codeInputPage, donePage, errorPage } from './pages.ts';
import { localPersonGrant, machines, machineSecret, rolesOf, localTenant, type Bearer, type Person } from './people.ts';
import { accessScope, asksForContext, audience, type Shape } from './shapes.ts';

/** How old a strong authentication may be before somebody who asks for one is asked again. */
const strongForSeconds = 300;
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** What outlives a rotation of keys. */
export interface IdentityState {
  readonly rows: IdentityRows;
  readonly cookieKey: string;
  /** Roles and tenant of those who have signed in on the page, by their subject. */
  readonly accounts: Map<string, Pick<Person, 'roles' | 'tenant'>>;
}
export const newState = (): IdentityState => ({
  rows: new Map(),
  cookieKey: randomBytes(32).toString('base64url'),
  accounts: new Map(),
});

export interface ProviderOptions {
  readonly url: string;
  readonly shape: Shape;
  /** Private keys, the newest first: that one signs. */
  readonly keys: readonly JWK[];
  readonly state: IdentityState;
}

export function createProvider({ url, shape, keys, state }: ProviderOptions): Provider {
  const asked = new WeakMap<object, Person>();
  const bearerOf = (ctx: KoaContextWithOIDC, subject: string | undefined): Bearer => {
    if (subject === undefined) return machineOf(ctx.oidc.client?.clientId ?? '', ctx.oidc.body);
    return asked.get(ctx.oidc) ?? signedIn(ctx, { subject, shape, state });
  };
  const provider = new Provider(url, {
    ...protocol(shape, state),
    ...pages(shape),
    ttl: {
      AccessToken: 3_600,
      ClientCredentials: (ctx) => machineLifeSeconds(ctx?.oidc.body),
      DeviceCode: 600,
      Grant: 86_400,
      IdToken: 3_600,
      Interaction: 3_600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    clients: clients(shape),
    jwks: { keys: keys.map((key) => ({ ...key })) as never },
    formats: {
      customizers: {
        jwt: (ctx, token, parts) =>
          shape.dress(parts, bearerOf(ctx, 'accountId' in token ? token.accountId : undefined)),
      },
    },
  });
  addLocalPersonGrant(provider, shape, (request, person) => void asked.set(request, person));
  return provider;
}

/** Somebody who has been on the page; how strongly and when stands with the code or the refresh token. */
function signedIn(
  ctx: KoaContextWithOIDC,
  { subject, shape, state }: { subject: string; shape: Shape; state: IdentityState },
): Person {
  const { DeviceCode: code, RefreshToken: refresh } = ctx.oidc.entities;
  const { acr, authTime = 0 } = code ?? refresh ?? {};
  const user = shape.userOf(subject);
  const account = state.accounts.get(subject) ?? { roles: rolesOf(user), tenant: localTenant };
  return { kind: 'person', user, ...account, acr: acr === 'high' ? 'high' : 'low', authenticatedAt: authTime };
}

const protocol = (shape: Shape, { rows, cookieKey }: IdentityState): Configuration => ({
  adapter: adapterOver(rows),
  acrValues: ['low', 'high'],
  scopes: ['openid', 'offline_access'],
  // Entra's own way to ask for more; the standard's parameter of that name would not let it through.
  extraParams: { claims: null },
  clientBasedCORS: () => false,
  // Cookies know no ports: each provider has names of its own.
  cookies: {
    keys: [cookieKey],
    names: {
      session: `${shape.name}_session`,
      interaction: `${shape.name}_interaction`,
      resume: `${shape.name}_resume`,
    },
  },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: shape.userOf(sub) }) }),
  loadExistingGrant: grantOf,
  expiresWithSession: () => false,
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  interactions: { policy: policy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
});

const pages = (shape: Shape): Configuration => ({
  features: {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer(shape),
    },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form, out) => void (ctx.body = codeInputPage(form, out?.error)),
      userCodeConfirmSource: (...[ctx, form, client, , code]) =>
        void (ctx.body = codeConfirmPage({ form, client: client.clientId, code })),
      successSource: (ctx) => void (ctx.body = donePage()),
    },
  },
  renderError: (ctx, out) => {
    ctx.type = 'html';
    ctx.body = errorPage(out.error_description ?? out.error);
  },
});

/** Asking is granting: the page says to which program, and with what. */
async function grantOf(ctx: KoaContextWithOIDC) {
  const { provider, session, client } = ctx.oidc;
  const [accountId, clientId] = [session?.accountId ?? '', client?.clientId ?? ''];
  const id = session?.grantIdFor(clientId);
  const existing = id === undefined ? undefined : await provider.Grant.find(id);
  if (existing?.accountId === accountId) return existing;
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(audience, accessScope);
  await grant.save();
  return grant;
}

/** Whoever asks for a strong authentication, in the standard's words or in Entra's, signs in anew unless just done. */
function policy() {
  const { Check, base } = interactionPolicy;
  const prompts = base();
  prompts.get('login')?.checks.add(
    new Check('strength', 'a second factor is needed', ({ oidc }) => {
      if (!wantsStrong(oidc.params) || oidc.result?.login !== undefined) return Check.NO_NEED_TO_PROMPT;
      const { session } = oidc;
      return oidc.acr !== 'high' || session?.past(strongForSeconds) !== false;
    }),
  );
  return prompts;
}

export const wantsStrong = (params: Readonly<Record<string, unknown>> | undefined): boolean =>
  textOf(params?.['acr_values']).split(' ').includes('high') || asksForContext(params?.['claims']);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const clients = ({ algorithm }: Shape): Configuration['clients'] => [
  {
    client_id: 'alphaswarm-cli',
    client_name: 'AlphaSwarm CLI',
    grant_types: [deviceGrant, 'refresh_token'],
    ...publicClient(algorithm),
  },
  { client_id: 'alphaswarm-local', grant_types: [localPersonGrant], ...publicClient(algorithm) },
  ...Object.keys(machines).map((client_id) => ({
    ...publicClient(algorithm),
    client_id,
    client_secret: machineSecret,
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_post' as const,
  })),
];
const publicClient = (algorithm: Shape['algorithm']) => ({
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'none' as const,
  id_token_signed_response_alg: algorithm,
});
