import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { entraClaims, newPair, nowMs, problemOf, sign, world, auth0Claims, type Pair, type World } from './support.ts';

const jwksUri = 'https://login.example/keys';
const pairs = {} as { entra: Pair; auth0: Pair };
let next: Pair;
beforeAll(async () => {
  [pairs.entra, pairs.auth0, next] = await Promise.all([newPair('e1'), newPair('a1', 'ES256'), newPair('e2')]);
});

// jose measures the age of keys by Date; everything else stays on wall time.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: nowMs }));
afterEach(() => void vi.useRealTimers());
const pass = ({ setNow }: World, toMs: number): void => {
  vi.setSystemTime(nowMs + toMs);
  setNow(nowMs + toMs);
};
const token = (pair = pairs.entra, header = {}) => sign(pair, entraClaims(), header);

describe('keys', () => {
  it('are fetched once for many tokens, even when they come at once', async () => {
    const here = world(pairs);
    const one = await token();
    await Promise.all(Array.from({ length: 20 }, () => here.caller(one)));
    expect(here.asked).toStrictEqual([jwksUri]);
  });

  it('that were rotated are found, by the first token that names the new one', async () => {
    const here = world(pairs);
    await here.caller(await token());
    here.sets.set(jwksUri, { keys: [next.jwk, pairs.entra.jwk] });
    pass(here, 31_000);
    await expect(here.caller(await token(next))).resolves.toMatchObject({ issuer: 'entra' });
    expect(here.asked).toHaveLength(2);
  });

  it('that nobody knows make us ask once in 30 s, however many tokens name them', async () => {
    const here = world(pairs);
    await here.caller(await token());
    for (let second = 1; second <= 90; second += 1) {
      pass(here, second * 1_000);
      await here.problem(await token(next, { kid: `made-up-${second}` }));
    }
    expect(here.asked.length).toBeLessThanOrEqual(1 + 3);
    expect(here.asked.length).toBeGreaterThan(1);
  });

  it('that were removed are good for ten minutes more at the most', async () => {
    const here = world(pairs);
    await here.caller(await token());
    here.sets.set(jwksUri, { keys: [next.jwk] });
    pass(here, 599_000);
    await expect(here.caller(await token())).resolves.toBeDefined();
    pass(here, 601_000);
    expect((await here.problem(await token())).message).toContain('no key');
  });
});

describe('an issuer that cannot be reached', () => {
  it("fails its own tokens, saying so, and none of the other issuer's", async () => {
    const here = world(pairs);
    here.sets.set(jwksUri, new Error('connect ECONNREFUSED 10.0.0.7:443'));
    const problem = await here.problem(await token());
    expect(problem).toMatchObject({ code: 'IDENTITY_UNAVAILABLE', headers: { 'retry-after': '5' } });
    expect(problem.message).not.toContain('10.0.0.7');
    await expect(here.caller(await sign(pairs.auth0, auth0Claims()))).resolves.toMatchObject({ issuer: 'auth0' });
    expect(await here.identity.ready()).toMatchObject([
      { name: 'entra', ok: false },
      { name: 'auth0', ok: true },
    ]);
  });

  it.each([
    ['answers with an error', () => new Response('busy', { status: 503 })],
    ['answers with a page', () => new Response('<html>', { status: 200 })],
    ['answers with something that is no key set', () => Response.json({ keys: 'none' })],
    [
      'sends us elsewhere',
      () => new Response(undefined, { status: 302, headers: { location: 'https://evil.example' } }),
    ],
  ])('is one that %s, too', async (_, answer) => {
    const here = world(pairs);
    here.sets.set(jwksUri, answer());
    expect((await here.problem(await token())).code).toBe('IDENTITY_UNAVAILABLE');
  });

  it('is left alone for 5 s, and then found again', async () => {
    const here = world(pairs);
    here.sets.set(jwksUri, new Error('down'));
    for (let ms = 0; ms < 5_000; ms += 100) {
      pass(here, ms);
      await here.problem(await token());
    }
    expect(here.asked).toHaveLength(1);
    here.sets.set(jwksUri, { keys: [pairs.entra.jwk] });
    pass(here, 5_100);
    await expect(here.caller(await token())).resolves.toBeDefined();
  });

  it('has its tokens checked with the keys known of it, for an hour', async () => {
    const here = world(pairs);
    await here.caller(await token());
    here.sets.set(jwksUri, new Error('down'));
    for (const minute of [11, 30, 59]) {
      pass(here, minute * 60_000);
      await expect(here.caller(await token())).resolves.toBeDefined();
      expect((await here.identity.ready())[0]).toMatchObject({ ok: true });
    }
    pass(here, 61 * 60_000);
    expect((await here.problem(await token())).code).toBe('IDENTITY_UNAVAILABLE');
  });
});

it('being asked whether it is ready fetches keys once, not each time', async () => {
  const here = world(pairs);
  for (let times = 0; times < 5; times += 1) await here.identity.ready();
  expect(here.asked).toHaveLength(2);
  expect((await problemOf(here.identity.caller('Bearer x'))).code).toBe('UNAUTHENTICATED');
});
