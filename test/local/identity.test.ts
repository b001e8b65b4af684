// Signing in as a person does: `openid-client` in the terminal, and a browser without script, which fills in forms.
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseIdentity } from '#gateway/identity/config.ts';
import { requireStepUp } from '#gateway/identity/step-up.ts';
import { createIdentity, type Identity } from '#gateway/identity/verify.ts';
import { startIdentity, type LocalIdentity } from '#local/identity/start.ts';
import { browser } from '#test/local/fixtures/browser.ts';

let local: LocalIdentity;
let identity: Identity;
beforeAll(async () => {
  local = await startIdentity();
  identity = createIdentity(parseIdentity(local.config, { local: true }), { nowMs: () => Date.now() });
});
afterAll(() => local.stop());

const begin = async (issuer: 'entra' | 'auth0', asked: Record<string, string> = {}) => {
  const url = new URL(local.issuers.find(({ name }) => name === issuer)!.url);
  const execute = [client.allowInsecureRequests];
  const configuration = await client.discovery(url, 'alphaswarm-cli', undefined, client.None(), { execute });
  const device = await client.initiateDeviceAuthorization(configuration, { scope: 'openid access', ...asked });
  const tokens = () => client.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 0.05 });
  return { configuration, device, tokens };
};
const callerOf = ({ access_token }: { access_token: string }) => identity.caller(`Bearer ${access_token}`);

describe.each([
  ['entra', 'olga'],
  ['auth0', 'auth0:olga'],
] as const)('a person signs in at %s', (issuer, id) => {
  it('with a code typed in, a name, a tenant and roles', async () => {
    const { device, tokens } = await begin(issuer);
    const { open, submit } = browser();
    const confirm = await submit(await open(device.verification_uri), [['user_code', device.user_code]]);
    expect(confirm.text).toContain(device.user_code);
    const signIn = await submit(confirm);
    expect(signIn.text).toContain('proves nothing about anybody');
    expect(signIn.text).not.toMatch(/<script|\bon[a-z]+=/);
    const done = await submit(signIn, [
      ['user', 'olga'],
      ['tenant', 'acme'],
      ['roles', 'viewer'],
      ['roles', 'operator'],
    ]);
    expect(done.text).toContain('Signed in');
    expect(await callerOf(await tokens())).toMatchObject({
      actor: { kind: 'human', id },
      tenant: 'acme',
      roles: ['viewer', 'operator'],
      issuer,
    });
  });

  it('by the link with the code in it, in the roles of the name', async () => {
    const { device, tokens } = await begin(issuer);
    const { open, submit } = browser();
    const signIn = await submit(await submit(await open(device.verification_uri_complete!)));
    await submit(signIn, [['user', 'olga']]);
    const caller = await callerOf(await tokens());
    expect(caller).toMatchObject({ tenant: 'local', roles: ['operator'] });
    expect(() => requireStepUp(caller, Date.now())).toThrow('A stronger authentication');
  });

  it('strongly when that is asked for, past a page that says how little it means', async () => {
    const { device, tokens } = await begin(issuer, { acr_values: 'high', max_age: '300' });
    const { open, submit } = browser();
    const signIn = await submit(await submit(await open(device.verification_uri_complete!)));
    const second = await submit(signIn, [
      ['user', 'olga'],
      ['roles', 'operator'],
    ]);
    expect(second.text).toContain('Pretend that I showed it');
    const done = await submit(second, [['factor', 'shown']]);
    expect(done.text).toContain('Signed in');
    const caller = await callerOf(await tokens());
    expect(caller.roles).toStrictEqual(['operator']);
    expect(() => requireStepUp(caller, Date.now())).not.toThrow();
  });

  it('once for two tokens, and again for a strong one', async () => {
    const { open, submit } = browser();
    const weak = await begin(issuer);
    const signIn = await submit(await submit(await open(weak.device.verification_uri_complete!)));
    await submit(signIn, [['user', 'olga']]);
    const again = await begin(issuer);
    const done = await submit(await submit(await open(again.device.verification_uri_complete!)));
    expect(done.text).toContain('Signed in');
    expect((await callerOf(await again.tokens())).actor.id).toBe(id);
    const strong = await begin(issuer, { acr_values: 'high' });
    const asked = await submit(await submit(await open(strong.device.verification_uri_complete!)));
    expect(asked.text).toContain('<h1>Sign in</h1>');
  });

  it('and has the token renewed, which makes it no stronger and no fresher', async () => {
    const { configuration, device, tokens } = await begin(issuer, { acr_values: 'high' });
    const { open, submit } = browser();
    const signIn = await submit(await submit(await open(device.verification_uri_complete!)));
    await submit(await submit(signIn, [['user', 'olga']]), [['factor', 'shown']]);
    const first = await tokens();
    const before = await callerOf(first);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const renewed = await callerOf(await client.refreshTokenGrant(configuration, first.refresh_token!));
    expect(renewed.expiresAtMs).toBeGreaterThan(before.expiresAtMs);
    expect(renewed.steppedUpAtMs).toBe(before.steppedUpAtMs);
  });

  it('or refuses, and the terminal is told so', async () => {
    const { device, tokens } = await begin(issuer);
    const { open, submit } = browser();
    const signIn = await submit(await submit(await open(device.verification_uri_complete!)));
    await submit(signIn, [['refuse', 'yes']]);
    await expect(tokens()).rejects.toMatchObject({ error: 'access_denied' });
  });
});

it("Entra's own words for a strong authentication are understood: what its challenge asks for", async () => {
  const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } });
  const { device, tokens } = await begin('entra', { claims });
  const { open, submit } = browser();
  const signIn = await submit(await submit(await open(device.verification_uri_complete!)));
  await submit(await submit(signIn, [['user', 'olga']]), [['factor', 'shown']]);
  const caller = await callerOf(await tokens());
  expect(() => requireStepUp(caller, Date.now())).not.toThrow();
});

it('a wrong code is said to be one, and a sign-in without its cookie is over', async () => {
  const { device } = await begin('entra');
  const { open, submit } = browser();
  const wrong = await submit(await open(device.verification_uri), [['user_code', 'AAAA-BBBB']]);
  expect(wrong.text).toContain('That did not work');
  const { status, text } = await open(`${local.issuers[0]!.url}/interaction/made-up`);
  expect([status, text]).toStrictEqual([400, expect.stringContaining('has expired')]);
});

it('what a page is told is shown as text', async () => {
  const { device } = await begin('auth0', { acr_values: 'high' });
  const { open, submit } = browser();
  const signIn = await submit(await submit(await open(device.verification_uri_complete!)));
  const second = await submit(signIn, [
    ['user', '<script>alert(1)</script>'],
    ['roles', '"><img src=x>'],
  ]);
  expect(second.text).not.toContain('<script>alert');
  expect(second.text).not.toContain('<img');
});
