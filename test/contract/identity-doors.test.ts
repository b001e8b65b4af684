// Tokens of real providers at the real doors: every route that is mounted, by every role, as HTTP answers it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { roles, type Role } from '#core/catalogue/roles.ts';
import type { RouteRow } from '#core/catalogue/routes.ts';
import { parseIdentity } from '#gateway/identity/config.ts';
import { createIdentity } from '#gateway/identity/verify.ts';
import { mountedAt } from '#gateway/routes/index.ts';
import { startIdentity, type IssuerName, type LocalIdentity } from '#local/identity/start.ts';
import { localToken, type LocalTokenRequest } from '#local/identity/token.ts';
import { gateway, problem } from '#test/unit/gateway/support.ts';

let local: LocalIdentity;
let ask: ReturnType<typeof gateway>['ask'];
beforeAll(async () => {
  local = await startIdentity();
  const identity = createIdentity(parseIdentity(local.config, { local: true }), { nowMs: () => Date.now() });
  ({ ask } = gateway({ options: { identity, realNowMs: () => Date.now() } }));
});
afterAll(() => local.stop());

const bearer = async (issuer: IssuerName, request: Omit<LocalTokenRequest, 'issuer'>) => {
  const { url } = local.issuers.find(({ name }) => name === issuer)!;
  return { headers: { authorization: `Bearer ${await localToken({ issuer: url, ...request })}` } };
};
const rows: readonly RouteRow[] = (['gateway', 'halt'] as const).flatMap((door) =>
  mountedAt(door).map(({ row }) => row),
);
const targetOf = ({ path }: RouteRow): string =>
  path.replace('{id}', '00000000-0000-7000-8000-000000000000').replaceAll(/\{\w+\}/g, 'none');

it.each(rows)('$method $path lets in who may, and tells others why not', async (row) => {
  const { method } = row;
  const target = targetOf(row);
  if (row.roles === 'anyone') {
    expect((await ask(method, target)).status).not.toBe(401);
    return;
  }
  const nobody = await ask(method, target);
  expect(nobody).toMatchObject(problem(401, 'UNAUTHENTICATED'));
  expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="alphaswarm"');
  for (const role of roles) {
    // A caller of its own each time, for each has a share of requests.
    const who: { user: string; role: Role; acr: 'high' } = { user: `${role}${rows.indexOf(row)}`, role, acr: 'high' };
    const answer = await ask(method, target, await bearer('entra', who));
    if (row.roles.includes(role)) expect([401, 403], `${role}: ${answer.text}`).not.toContain(answer.status);
    else expect(answer).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
  }
});

it.each(rows.filter(({ stepUp }) => stepUp === 'always'))('$method $path wants a fresh strong token', async (row) => {
  const asked = async (issuer: IssuerName, how: Omit<LocalTokenRequest, 'issuer'>) =>
    ask(
      row.method,
      targetOf(row),
      await bearer(issuer, { user: `olga${rows.indexOf(row)}`, role: 'operator', ...how }),
    );
  for (const issuer of ['entra', 'auth0'] as const) {
    for (const how of [{}, { acr: 'high', ageSeconds: 301 }] as const) {
      const answer = await asked(issuer, how);
      expect(answer).toMatchObject(problem(401, 'STEP_UP_REQUIRED'));
      const challenge = answer.headers.get('www-authenticate') ?? '';
      expect(challenge).toContain('error="insufficient_user_authentication"');
      expect(challenge.includes('error="insufficient_claims"')).toBe(issuer === 'entra');
    }
    expect((await asked(issuer, { acr: 'high', ageSeconds: 290 })).status).not.toBe(401);
  }
});

it('an issuer that is down is 503 with when to try again, and the other one goes on', async () => {
  const fresh = await startIdentity();
  const identity = createIdentity(parseIdentity(fresh.config, { local: true }), { nowMs: () => Date.now() });
  const door = gateway({ options: { identity, realNowMs: () => Date.now() } });
  const tokens = await Promise.all(fresh.issuers.map(({ url }) => localToken({ issuer: url })));
  await fresh.stopIssuer('entra');
  const [ofEntra, ofAuth0] = await Promise.all(
    tokens.map((token) => door.ask('GET', '/me', { headers: { authorization: `Bearer ${token}` } })),
  );
  expect(ofEntra).toMatchObject(problem(503, 'IDENTITY_UNAVAILABLE'));
  expect(ofEntra?.headers.get('retry-after')).toBe('5');
  expect(ofAuth0?.status).toBe(200);
  await fresh.stop();
});
