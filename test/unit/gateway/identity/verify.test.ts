import fc from 'fast-check';
import { CompactEncrypt, SignJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createIdentity } from '#gateway/identity/verify.ts';
import {
  auth0Claims,
  challengeOf,
  entraClaims,
  newPair,
  nowMs,
  nowSeconds,
  problemOf,
  sign,
  signWithPublicKey,
  unsigned,
  world,
  type Pair,
} from './support.ts';

const pairs = {} as { entra: Pair; auth0: Pair };
let other: Pair;
beforeAll(async () => {
  [pairs.entra, pairs.auth0, other] = await Promise.all([newPair('e1'), newPair('a1', 'ES256'), newPair('e1')]);
});

describe('a good token', () => {
  it('of the one issuer says who calls', async () => {
    expect(await world(pairs).caller(await sign(pairs.entra, entraClaims()))).toStrictEqual({
      actor: { kind: 'human', id: 'anna' },
      tenant: 'acme',
      roles: ['researcher'],
      issuer: 'entra',
      expiresAtMs: nowMs + 3_600_000,
      stepUp: { claim: 'acrs', value: 'c1' },
    });
  });

  it("of the other issuer does too, by that issuer's own names of claims", async () => {
    expect(await world(pairs).caller(await sign(pairs.auth0, auth0Claims()))).toMatchObject({
      actor: { kind: 'human', id: 'auth0:65f1' },
      tenant: 'acme',
      roles: ['operator'],
      issuer: 'auth0',
    });
  });

  it('may come in any of the types that access tokens have, and under any case of the scheme', async () => {
    const { caller, identity } = world(pairs);
    for (const typ of ['JWT', 'at+jwt', 'application/at+jwt', undefined]) {
      await expect(caller(await sign(pairs.entra, entraClaims(), { typ }))).resolves.toBeDefined();
    }
    const token = await sign(pairs.entra, entraClaims());
    await expect(identity.caller(`bearer  ${token}`)).resolves.toBeDefined();
  });

  it('is taken as long as the clocks are 60 s apart, and not longer', async () => {
    const { caller, problem } = world(pairs);
    const at = (over: JWTPayload) => sign(pairs.entra, entraClaims(over));
    await expect(caller(await at({ exp: nowSeconds - 59 }))).resolves.toBeDefined();
    await expect(caller(await at({ nbf: nowSeconds + 60, iat: nowSeconds + 60 }))).resolves.toBeDefined();
    await problem(await at({ exp: nowSeconds - 60 }));
    await problem(await at({ nbf: nowSeconds + 61 }));
    await problem(await at({ iat: nowSeconds + 61 }));
  });
});

describe('a bad token', () => {
  const good = () => sign(pairs.entra, entraClaims());
  const without = (claim: string) => {
    const { [claim]: _, ...rest } = entraClaims();
    return rest;
  };
  const tampered = async (claims: object) => {
    const [header, , signature] = (await good()).split('.');
    return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
  };
  const jwe = () =>
    new CompactEncrypt(new TextEncoder().encode(JSON.stringify(entraClaims())))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(new Uint8Array(32));

  const bad: Record<string, [() => Promise<string> | string, string]> = {
    'that has expired': [() => sign(pairs.entra, entraClaims({ exp: nowSeconds - 100 })), 'has expired'],
    'that is not valid yet': [() => sign(pairs.entra, entraClaims({ nbf: nowSeconds + 100 })), 'not valid yet'],
    'issued in the future': [() => sign(pairs.entra, entraClaims({ iat: nowSeconds + 100 })), 'in the future'],
    'that never expires': [() => sign(pairs.entra, without('exp')), 'claim exp'],
    'that does not say since when it is': [() => sign(pairs.entra, without('iat')), 'claim iat'],
    'whose time is text': [() => sign(pairs.entra, entraClaims({ exp: '9999999999' as never })), 'claim exp'],
    'with alg none': [() => unsigned({ alg: 'none' }, entraClaims()), 'algorithm that is not allowed'],
    'with alg None and a signature': [() => unsigned({ alg: 'None' }, entraClaims(), 'c2ln'), 'algorithm'],
    'signed by another key under a known id': [() => sign(other, entraClaims()), 'signature of the token'],
    'whose claims were altered': [() => tampered(entraClaims({ roles: ['operator'] })), 'signature of the token'],
    'whose signature was cut off': [async () => (await good()).replace(/[^.]+$/, ''), 'signature of the token'],
    'for another audience': [() => sign(pairs.entra, entraClaims({ aud: 'api://other' })), 'another audience'],
    'for no audience': [() => sign(pairs.entra, without('aud')), 'another audience'],
    'of an unknown issuer': [() => sign(pairs.entra, entraClaims({ iss: 'https://evil.example/' })), 'no issuer'],
    'of an issuer that only begins like a known one': [
      () => sign(pairs.entra, entraClaims({ iss: 'https://login.example/tenant/v2.0.evil.example' })),
      'no issuer',
    ],
    'of no issuer': [() => sign(pairs.entra, without('iss')), 'no issuer'],
    'of one issuer, signed by the other': [() => sign(pairs.auth0, entraClaims()), 'algorithm'],
    'of HS256, signed with the public key': [() => signWithPublicKey(pairs.entra, entraClaims()), 'algorithm'],
    'of an algorithm of the same family that is not on the list': [
      () => unsigned({ alg: 'RS512', kid: 'e1' }, entraClaims(), 'c2ln'),
      'algorithm',
    ],
    'that names a key that nobody knows': [() => sign(pairs.entra, entraClaims(), { kid: 'e9' }), 'no key'],
    'that brings its own key': [() => sign(other, entraClaims(), { kid: 'x', jwk: other.jwk }), 'no key'],
    'that says where its key is': [
      () => sign(other, entraClaims(), { kid: 'x', jku: 'https://evil.example/keys' }),
      'no key',
    ],
    'with a critical header that nobody knows': [
      () => unsigned({ alg: 'RS256', kid: 'e1', crit: ['exp'], exp: 1 }, entraClaims(), 'c2ln'),
      'can be verified',
    ],
    'of another kind': [() => sign(pairs.entra, entraClaims(), { typ: 'logout+jwt' }), 'another kind'],
    'that is too long': [() => sign(pairs.entra, entraClaims({ groups: 'g'.repeat(9_000) })), 'too long'],
    'that is encrypted': [jwe, 'not a signed JWT'],
    'that is garbage': [() => 'garbage', 'not a signed JWT'],
    'of three pieces of garbage': [() => 'aaaa.bbbb.cccc', 'not a signed JWT'],
    'whose claims are a list': [() => unsigned({ alg: 'RS256', kid: 'e1' }, [], 'c2ln'), 'not a signed JWT'],
  };
  it.each(Object.entries(bad))('%s is refused, in words, and shown nowhere', async (_, [make, why]) => {
    const problem = await world(pairs).problem(await make());
    expect(problem.code).toBe('UNAUTHENTICATED');
    expect(problem.message).toMatch(new RegExp(why));
    expect(problem.cause).toBeUndefined();
    expect(challengeOf(problem)).toMatch(
      /^Bearer realm="alphaswarm", error="invalid_token", error_description="[^"\\]+"$/,
    );
  });

  it('of a wrong algorithm does not even make us ask for keys', async () => {
    const { problem, asked } = world(pairs);
    await problem(unsigned({ alg: 'none' }, entraClaims()));
    await problem(await signWithPublicKey(pairs.entra, entraClaims()));
    expect(asked).toStrictEqual([]);
  });

  it('is refused whatever it is made of', async () => {
    const { problem } = world(pairs);
    const header = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.constant({ alg: 'RS256', kid: 'e1' }));
    const claims = fc.oneof(fc.jsonValue(), fc.constant(entraClaims()));
    const token = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.tuple(header, claims, fc.base64String()).map(([one, two, three]) => unsigned(one, two, three)),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        expect((await problem(text)).code).toBe('UNAUTHENTICATED');
      }),
      { numRuns: 300 },
    );
  });
});

describe('without a token', () => {
  it.each([undefined, '', 'Basic YW5uYTpwdw==', 'Bearer', 'DPoP abc'])('%j is asked for one', async (header) => {
    const problem = await problemOf(world(pairs).identity.caller(header));
    expect(problem.code).toBe('UNAUTHENTICATED');
    // Without an error: nothing was wrong with a token that did not come (RFC 6750, 3.1).
    expect(challengeOf(problem)).toBe('Bearer realm="alphaswarm"');
    expect(problem.message).not.toContain('redacted');
    expect(problem.message).not.toContain('YW5uYTpwdw');
  });

  it('two tokens in one header are none', async () => {
    const token = await sign(pairs.entra, entraClaims());
    expect((await world(pairs).problem(`${token}, Bearer ${token}`)).code).toBe('UNAUTHENTICATED');
  });
});

it('with no issuer configured every token is refused, and nobody is ready to vouch', async () => {
  const identity = createIdentity([], { nowMs: () => nowMs });
  const problem = await problemOf(identity.caller(`Bearer ${await sign(pairs.entra, entraClaims())}`));
  expect(problem).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('parameter Identity') });
  expect(await identity.ready()).toStrictEqual([]);
});

it('a token without a key id is taken when the issuer has one key, and refused when it has two', async () => {
  const token = await new SignJWT(entraClaims()).setProtectedHeader({ alg: 'RS256' }).sign(pairs.entra.privateKey);
  await expect(world(pairs).caller(token)).resolves.toBeDefined();
  const two = world(pairs);
  two.sets.set('https://login.example/keys', { keys: [pairs.entra.jwk, { ...other.jwk, kid: 'e2' }] });
  expect((await two.problem(token)).message).toContain('no key');
});

it('the algorithms of an issuer are those of its row', async () => {
  const { problem } = world(pairs, { algorithms: ['RS512'] });
  expect((await problem(await sign(pairs.entra, entraClaims()))).message).toContain('algorithm');
});
