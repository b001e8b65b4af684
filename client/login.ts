// Logging in by the device code flow (RFC 8628): the terminal shows a code, the person enters it in a browser.
import * as oidc from 'openid-client';
import { IdentityError } from './errors.ts';
import type { IssuerSettings } from './profile.ts';
import type { Session } from './session.ts';

const defaultScope = 'openid offline_access access';
const defaultLifeSeconds = 300;

export interface DeviceCode {
  readonly userCode: string;
  readonly address: string;
  /** With the code in it, where the issuer gives one. */
  readonly completeAddress?: string | undefined;
}
interface LoginOptions {
  readonly acr?: 'high' | undefined;
  readonly onCode: (code: DeviceCode) => void;
  readonly signal?: AbortSignal | undefined;
  readonly nowMs: () => number;
}

/** @throws IdentityError when the issuer cannot be reached or the person refuses. */
export async function login(settings: IssuerSettings, { acr, onCode, signal, nowMs }: LoginOptions): Promise<Session> {
  try {
    const configuration = await discovered(settings);
    const code = await oidc.initiateDeviceAuthorization(configuration, {
      scope: settings.scope ?? defaultScope,
      ...audienceOf(settings),
      ...(acr === 'high' ? strongBy(settings) : {}),
    });
    onCode({
      userCode: code.user_code,
      address: code.verification_uri,
      completeAddress: code.verification_uri_complete,
    });
    const tokens = await oidc.pollDeviceAuthorizationGrant(configuration, code, undefined, signal ? { signal } : {});
    return sessionOf(settings.issuer, tokens, nowMs());
  } catch (cause) {
    signal?.throwIfAborted();
    throw new IdentityError(`The login at ${settings.issuer} failed (${reasonOf(cause)}). Try again.`, cause);
  }
}

/** No older than the 300 s for which the gateway takes it as strong. */
const strong = { acr_values: 'high', max_age: '300' };
/** Entra knows no `acr`: it is asked for a context by the claims that the token must have. */
function strongBy({ authenticationContext: value }: IssuerSettings): Record<string, string> {
  if (value === undefined) return strong;
  return { ...strong, claims: JSON.stringify({ access_token: { acrs: { essential: true, value } } }) };
}

/** @throws IdentityError */
export async function refreshed(settings: IssuerSettings, session: Session, nowMs: number): Promise<Session> {
  try {
    const configuration = await discovered(settings);
    const tokens = await oidc.refreshTokenGrant(configuration, session.refreshToken ?? '', audienceOf(settings));
    // An issuer that rotates gives a new one; others keep the one there is.
    return {
      ...(session.refreshToken ? { refreshToken: session.refreshToken } : {}),
      ...sessionOf(session.issuer, tokens, nowMs),
    };
  } catch (cause) {
    throw new IdentityError(`Your login could not be renewed (${reasonOf(cause)}): run \`alphaswarm login\`.`, cause);
  }
}

function discovered({ issuer, clientId }: IssuerSettings): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  const local = url.protocol === 'http:' && url.hostname === '127.0.0.1';
  const execute = local ? { execute: [oidc.allowInsecureRequests] } : {};
  return oidc.discovery(url, clientId, undefined, oidc.None(), execute);
}

/** Auth0 wants `audience`, the standard `resource`; each passes over the other's. */
const audienceOf = ({ audience }: IssuerSettings): Record<string, string> =>
  audience === undefined ? {} : { audience, resource: audience };

function sessionOf(issuer: string, tokens: oidc.TokenEndpointResponse, nowMs: number): Session {
  const lifeSeconds = tokens.expires_in ?? defaultLifeSeconds;
  return {
    v: 1,
    issuer,
    accessToken: tokens.access_token,
    expiresAtMs: nowMs + lifeSeconds * 1000,
    ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
  };
}

/** What the issuer or the network said, without what was sent to it. */
function reasonOf(cause: unknown): string {
  if (cause instanceof oidc.ResponseBodyError) return cause.error_description ?? cause.error;
  return cause instanceof Error ? cause.message : String(cause);
}
