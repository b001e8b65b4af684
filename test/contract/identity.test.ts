// The gateway's verifier against real OpenID providers over HTTP: what they sign, it reads, and nothing else.
import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseIdentity } from '#gateway/identity/config.ts';
import { requireStepUp } from '#gateway/identity/step-up.ts';
import { createIdentity, type Identity } from '#gateway/identity/verify.ts';
import { startIdentity, type IssuerName, type LocalIdentity } from '#local/identity/start.ts';
import { localToken, type LocalTokenRequest } from '#local/identity/token.ts';

let local: LocalIdentity;
let identity: Identity;
const problems: unknown[] = [];
const start = async (): Promise<void> => {
  local = await startIdentity({ emit: (event) => problems.push(event) });
  identity = verifier();
};
const verifier = () => createIdentity(parseIdentity(local.config, { local: true }), { nowMs: () => Date.now() });
const token = (issuer: IssuerName, request: Omit<LocalTokenRequest, 'issuer'> = {}) =>
  localToken({ issuer: local.issuers.find(({ name }) => name === issuer)!.url, ...request });
const caller = async (issuer: IssuerName, request: Omit<LocalTokenRequest, 'issuer'> = {}) =>
  identity.caller(`Bearer ${await token(issuer, request)}`);

describe('two issuers', () => {
  beforeAll(start);
  afterAll(() => local.stop());

  describe.each([
    ['entra', 'olga', 'alphaswarm-core'],
    ['auth0', 'auth0:olga', 'alphaswarm-core@clients'],
  ] as const)('%s', (issuer, olga, core) => {
    it('vouches for a person', async () => {
      const before = Date.now();
      const olgaCalls = await caller(issuer, { user: 'olga', tenant: 'acme' });
      expect(olgaCalls).toMatchObject({
        actor: { kind: 'human', id: olga },
        tenant: 'acme',
        roles: ['operator'],
        issuer,
      });
      expect(olgaCalls.expiresAtMs).toBeGreaterThanOrEqual(before + 3_599_000);
      expect(olgaCalls).not.toHaveProperty('steppedUpAtMs');
    });
    it('vouches for roles that were asked for, one or several', async () => {
      expect((await caller(issuer, { role: 'viewer' })).roles).toStrictEqual(['viewer']);
      expect((await caller(issuer, { roles: ['viewer', 'service', 'king'] })).roles).toStrictEqual([
        'viewer',
        'service',
      ]);
    });
    it('vouches for a machine, and for whom it speaks', async () => {
      const { actor, roles } = await caller(issuer, { onBehalfOf: 'anna' });
      expect(actor).toStrictEqual({ kind: 'service', id: core, onBehalfOf: 'anna' });
      expect(roles).toStrictEqual(['service']);
      expect((await caller(issuer, { client: 'alphaswarm-core' })).actor).toStrictEqual({ kind: 'service', id: core });
    });
    it('lets no machine speak for people that may not', async () => {
      await expect(token(issuer, { client: 'alphaswarm-ci', onBehalfOf: 'anna' })).rejects.toThrow('speak for nobody');
    });
    it.each([0, 290])('strengthens a token, and says when: %i s ago', async (ageSeconds) => {
      const strong = await caller(issuer, { user: 'olga', acr: 'high', ageSeconds });
      expect(() => requireStepUp(strong, Date.now())).not.toThrow();
    });
    it('strengthens nothing for ever', async () => {
      const old = await caller(issuer, { user: 'olga', acr: 'high', ageSeconds: 302 });
      expect(() => requireStepUp(old, Date.now())).toThrow('A more recent strong authentication');
      const weak = await caller(issuer, { user: 'olga', acr: 'low' });
      expect(() => requireStepUp(weak, Date.now())).toThrow('A stronger authentication');
    });
    it('cannot vouch for the plane, for nobody, for no tenant, or for no role of ours', async () => {
      const refused = { code: 'UNAUTHENTICATED' };
      await expect(caller(issuer, { onBehalfOf: 'system:beat' })).rejects.toMatchObject(refused);
      await expect(caller(issuer, { user: 'a b' })).rejects.toMatchObject(refused);
      await expect(caller(issuer, { tenant: '' })).rejects.toMatchObject(refused);
      await expect(caller(issuer, { tenant: 'system' })).rejects.toMatchObject(refused);
      await expect(caller(issuer, { role: 'king' })).rejects.toMatchObject({ code: 'ROLE_INSUFFICIENT' });
    });
    it('gives tokens that end when they were asked to', async () => {
      const { expiresAtMs } = await caller(issuer, { expiresInSeconds: 5 });
      expect(expiresAtMs - Date.now()).toBeLessThanOrEqual(5_000);
      const machine = await caller(issuer, { client: 'alphaswarm-ci', expiresInSeconds: 5 });
      expect(machine.expiresAtMs - Date.now()).toBeLessThanOrEqual(5_000);
    });
  });

  it("sign with different algorithms, and neither may use the other's", async () => {
    const algs = await Promise.all(
      (['entra', 'auth0'] as const).map(async (one) => decodeProtectedHeader(await token(one)).alg),
    );
    expect(algs).toStrictEqual(['RS256', 'ES256']);
  });
  it('are ready', async () => {
    expect(await verifier().ready()).toMatchObject([
      { name: 'entra', ok: true },
      { name: 'auth0', ok: true },
    ]);
  });
  it('have had no fault of their own so far', () => {
    expect(problems).toStrictEqual([]);
  });
  it('answer to no other name than their own, wherever that points', async () => {
    const { hostname, port } = new URL(local.issuers[0]!.url);
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const asked = request({ hostname, port, path: '/jwks', headers: { host: 'evil.example' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject).end();
    });
    expect(status).toBe(421);
  });
});

describe('an issuer over time', () => {
  beforeEach(start);
  afterEach(async () => {
    vi.useRealTimers();
    await local.stop();
  });

  it('rotates its keys: new tokens are good at once, old ones until the key is forgotten', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const old = `Bearer ${await token('entra')}`;
    await identity.caller(old);
    await local.rotate('entra');
    vi.setSystemTime(Date.now() + 31_000);
    await expect(identity.caller(`Bearer ${await token('entra')}`)).resolves.toMatchObject({ issuer: 'entra' });
    await expect(identity.caller(old)).resolves.toMatchObject({ issuer: 'entra' });
    await local.rotate('entra', { forget: true });
    vi.setSystemTime(Date.now() + 601_000);
    await expect(identity.caller(old)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('that is down fails its own tokens alone', async () => {
    const [ofEntra, ofAuth0] = [await token('entra'), await token('auth0')];
    await local.stopIssuer('entra');
    await expect(identity.caller(`Bearer ${ofEntra}`)).rejects.toMatchObject({ code: 'IDENTITY_UNAVAILABLE' });
    await expect(identity.caller(`Bearer ${ofAuth0}`)).resolves.toMatchObject({ issuer: 'auth0' });
    expect(await identity.ready()).toMatchObject([
      { name: 'entra', ok: false },
      { name: 'auth0', ok: true },
    ]);
    await expect(token('entra')).rejects.toThrow('No local issuer answers');
  });

  it('of an earlier start is worth nothing to the next', async () => {
    const before = await token('auth0');
    await local.stop();
    const port = Number(new URL(local.issuers[1]!.url).port);
    local = await startIdentity({ ports: { auth0: port } });
    await expect(verifier().caller(`Bearer ${before}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

it('a port that is taken stops the start, and leaves nothing behind', async () => {
  const first = await startIdentity();
  const taken = Number(new URL(first.issuers[0]!.url).port);
  await expect(startIdentity({ ports: { auth0: taken } })).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await first.stop();
});
it('a token is asked for on this machine alone', async () => {
  await expect(localToken({ issuer: 'https://login.example' })).rejects.toMatchObject({ code: 'NOT_LOOPBACK' });
});
