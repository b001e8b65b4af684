// Where a person says who they are: one page, and a second one when a strong authentication was asked for.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';
import { errorPage, secondFactorPage, signInPage, type Entered } from './pages.ts';
import { rolesOf } from './people.ts';
import { wantsStrong, type IdentityState } from './provider.ts';
import type { Shape } from './shapes.ts';

interface At {
  readonly provider: Provider;
  readonly shape: Shape;
  readonly state: IdentityState;
}
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers `/interaction/UID`. */
export async function interact(at: At, { request, response }: Exchange): Promise<void> {
  const details = await detailsOf(at.provider, { request, response });
  if (!details) return show(response, errorPage('This sign-in has expired. Begin again in your terminal.'), 400);
  if (request.method !== 'POST') return show(response, signInPage(details.params['client_id'] as string));
  const form = new URLSearchParams(await text(request));
  const finish = (result: Parameters<Provider['interactionFinished']>[2]): Promise<void> =>
    at.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  if (form.has('refuse')) return finish({ error: 'access_denied', error_description: 'it was refused on the page' });
  const entered = enteredIn(form);
  const isStrong = wantsStrong(details.params);
  if (isStrong && form.get('factor') !== 'shown') return show(response, secondFactorPage(entered));
  const { user, tenant, roles } = entered;
  const accountId = at.shape.subjectOf(user);
  at.state.accounts.set(accountId, { tenant, roles: roles.length > 0 ? roles : rolesOf(user) });
  const strength = isStrong ? { acr: 'high', amr: ['pwd', 'mfa'] } : { acr: 'low', amr: ['pwd'] };
  // The provider asks for consent apart when a client wants it asked for: the same page has said it all.
  return finish({ login: { accountId, ...strength }, consent: {} });
}

const enteredIn = (form: URLSearchParams): Entered => ({
  user: form.get('user')?.trim() || 'anna',
  tenant: form.get('tenant')?.trim() ?? '',
  roles: form.getAll('roles'),
});

async function detailsOf(provider: Provider, { request, response }: Exchange) {
  try {
    return await provider.interactionDetails(request, response);
  } catch {
    // No cookie, or one of a sign-in that is over.
    return undefined;
  }
}

function show(response: ServerResponse, page: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(page);
}
