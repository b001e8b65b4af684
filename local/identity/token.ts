// A token of a local issuer, over HTTP, for tests and for `alphaswarm token`.
import { PlaneError } from '#local/errors.ts';
import { requireLoopback } from '#local/loopback.ts';
import { localPersonGrant, machineSecret } from './people.ts';

export interface LocalTokenRequest {
  /** Its address: `http://127.0.0.1:PORT`. */
  readonly issuer: string;
  /** One role, or several; those of the name when both are absent (docs/identity.md). */
  readonly role?: string;
  readonly roles?: readonly string[];
  /** `local` when absent; an empty one makes a token without any. */
  readonly tenant?: string;
  /** `anna` when absent. */
  readonly user?: string;
  readonly acr?: 'low' | 'high';
  /** How long ago the person authenticated. */
  readonly ageSeconds?: number;
  readonly expiresInSeconds?: number;
  /** A machine's token, of this client: `alphaswarm-core`, which may speak for people, or `alphaswarm-ci`. */
  readonly client?: string;
  /** Whom the machine speaks for; `alphaswarm-core` when no client is named. */
  readonly onBehalfOf?: string;
}

/** Throws NOT_LOOPBACK, START_FAILED when the issuer refuses or does not answer. */
export async function localToken(request: LocalTokenRequest): Promise<string> {
  const url = `${requireLoopback(request.issuer, 'The issuer')}/token`;
  const answer = await ask(url, request);
  const body = (await answer.json()) as { access_token?: string; error?: string; error_description?: string };
  if (body.access_token !== undefined) return body.access_token;
  throw new PlaneError(
    'START_FAILED',
    `The local issuer gave no token: ${body.error_description ?? body.error ?? answer.status}. Correct the request.`,
  );
}

async function ask(url: string, request: LocalTokenRequest): Promise<Response> {
  try {
    return await fetch(url, { method: 'POST', body: form(request), signal: AbortSignal.timeout(10_000) });
  } catch (cause) {
    throw new PlaneError('START_FAILED', `No local issuer answers at ${url}. Start the plane: alphaswarm up.`, {
      cause,
    });
  }
}

function form(request: LocalTokenRequest): URLSearchParams {
  const { client, onBehalfOf, roles = request.role === undefined ? undefined : [request.role] } = request;
  const isMachine = client !== undefined || onBehalfOf !== undefined;
  const fields = {
    ...(isMachine ? machineFields(client, onBehalfOf) : personFields(request)),
    roles: roles?.join(' '),
    tenant: request.tenant === '' ? ' ' : request.tenant,
    expires_in: request.expiresInSeconds,
  };
  return new URLSearchParams(JSON.parse(JSON.stringify(fields)) as Record<string, string>);
}

const machineFields = (client = 'alphaswarm-core', onBehalfOf: string | undefined) => ({
  grant_type: 'client_credentials',
  client_id: client,
  client_secret: machineSecret,
  on_behalf_of: onBehalfOf,
});

const personFields = ({ user = 'anna', acr, ageSeconds }: LocalTokenRequest) => ({
  grant_type: localPersonGrant,
  client_id: 'alphaswarm-local',
  user,
  acr,
  age_seconds: ageSeconds,
});
