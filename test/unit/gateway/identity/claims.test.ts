import type { JWTPayload } from 'jose';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { callerOf } from '#gateway/identity/claims.ts';
import { Problem } from '#gateway/problem.ts';
import { auth0Claims, config, entraClaims, nowMs, nowSeconds, planted } from './support.ts';

const [entra, auth0] = config();
const ofEntra = (over: JWTPayload = {}) => callerOf(entraClaims(over), entra!, nowMs);
const ofAuth0 = (over: JWTPayload = {}) => callerOf(auth0Claims(over), auth0!, nowMs);
const refusal = (make: () => unknown): Problem => {
  try {
    make();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Problem);
    expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain(planted);
    return thrown as Problem;
  }
  throw new Error('nothing was refused');
};

describe('who calls', () => {
  it.each(['anna', 'anna@acme.example', 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ', 'a'.repeat(64)])(
    'is the subject %s',
    (sub) => expect(ofEntra({ sub }).actor).toStrictEqual({ kind: 'human', id: sub }),
  );
  it('is written with a colon where Auth0 has a bar', () => {
    expect(ofAuth0({ sub: 'samlp|acme|anna' }).actor.id).toBe('samlp:acme:anna');
  });
  it('is what the configured claim says, where that is another one', () => {
    const [row] = config({ actorClaim: 'preferred_username' });
    const claims = entraClaims({ preferred_username: 'anna@acme.example' });
    expect(callerOf(claims, row!, nowMs).actor.id).toBe('anna@acme.example');
  });

  const nobody = ['', ' ', 'a b', 'a/b', `${planted}#`, `${planted}${'a'.repeat(60)}`, '.hidden', 'é', 'a\nb', 7, null];
  it.each([...nobody, undefined, ['anna'], { id: 'anna' }])('is nobody when the subject is %j', (sub) => {
    const problem = refusal(() => ofEntra({ sub } as never));
    expect(problem).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('claim sub') });
  });
  it.each(['system:beat', 'system:', 'SYSTEM:beat', 'System:reaper', 'system|beat'])(
    'is never the plane itself: %s',
    (sub) => {
      expect(refusal(() => ofEntra({ sub }))).toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(refusal(() => ofAuth0({ sub })).message).toContain('begins with system');
    },
  );
  it('may be somebody whose name only looks like it', () => {
    expect(ofEntra({ sub: 'systematic:anna' }).actor.id).toBe('systematic:anna');
    expect(ofEntra({ sub: 'system' }).actor.id).toBe('system');
  });
});

describe('a machine', () => {
  const machines: Record<string, () => ReturnType<typeof ofEntra>> = {
    'Entra says is one': () => ofEntra({ sub: 'robot', idtyp: 'app' }),
    'Entra gives the same subject and object': () => ofEntra({ sub: 'robot', oid: 'robot' }),
    'Auth0 says is one': () => ofAuth0({ sub: 'robot', gty: 'client-credentials' }),
    'is its own client': () => ofEntra({ sub: 'robot', azp: 'robot' }),
    'is its own client, in the words of RFC 9068': () => ofEntra({ sub: 'robot', client_id: 'robot' }),
  };
  it.each(Object.entries(machines))('that %s is a service', (_, call) => {
    expect(call().actor).toStrictEqual({ kind: 'service', id: 'robot' });
  });

  const robot = { sub: 'robot', idtyp: 'app' };
  it('may say on whose behalf it acts', () => {
    const { actor } = ofEntra({ ...robot, on_behalf_of: 'auth0|65f1' });
    expect(actor).toStrictEqual({ kind: 'service', id: 'robot', onBehalfOf: 'auth0:65f1' });
  });
  it.each(['system:beat', '', 'a b', 7, null, planted + '/'])('may not act on behalf of %j', (on_behalf_of) => {
    expect(refusal(() => ofEntra({ ...robot, on_behalf_of })).message).toContain('claim on_behalf_of');
  });
  it('never counts as strongly authenticated: it has no second factor', () => {
    expect(ofEntra({ ...robot, acrs: ['c1'], auth_time: nowSeconds })).not.toHaveProperty('steppedUpAtMs');
  });
});

it('a person speaks for nobody else, whatever the token says', () => {
  expect(ofEntra({ azp: 'cli', on_behalf_of: 'olga' }).actor).toStrictEqual({ kind: 'human', id: 'anna' });
});

describe('the tenant', () => {
  it.each([undefined, '', 'a/b', 'a#b', '..', '.acme', 7, ['acme'], 'a'.repeat(65)])('is not %j', (tid) => {
    const problem = refusal(() => ofEntra({ tid }));
    expect(problem).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('claim tid') });
  });
  it.each(['system', 'SYSTEM'])('is not %s, which is the plane itself', (tid) => {
    expect(refusal(() => ofEntra({ tid })).code).toBe('UNAUTHENTICATED');
  });
});

describe('roles', () => {
  it('are those of ours among all that the token names', () => {
    const roles = ['researcher', 'Finance', 'operator', 7, 'researcher', null, 'Operator'];
    expect(ofEntra({ roles }).roles).toStrictEqual(['researcher', 'operator']);
    expect(ofEntra({ roles: 'viewer finance service' }).roles).toStrictEqual(['viewer', 'service']);
  });
  it.each([undefined, [], '', ['admin', planted], { operator: true }, 7])('are none when the claim is %j', (roles) => {
    const problem = refusal(() => ofEntra({ roles }));
    expect(problem).toMatchObject({ code: 'ROLE_INSUFFICIENT', message: expect.stringContaining('claim roles') });
    expect(problem.headers['www-authenticate']).toBe('Bearer realm="alphaswarm", error="insufficient_scope"');
  });
  it('are not taken from what every object has', () => {
    const [row] = config({ rolesClaim: 'constructor', tenantClaim: '__proto__' });
    expect(refusal(() => callerOf(entraClaims(), row!, nowMs)).code).toBe('UNAUTHENTICATED');
  });
});

describe('a strong authentication', () => {
  it('is when Entra names the context and says when', () => {
    const { steppedUpAtMs } = ofEntra({ acrs: ['c2', 'c1'], auth_time: nowSeconds - 299 });
    expect(steppedUpAtMs).toBe(nowMs - 299_000);
  });
  it('is when Auth0 says acr=high and when', () => {
    expect(ofAuth0({ acr: 'high', auth_time: nowSeconds }).steppedUpAtMs).toBe(nowMs);
  });
  it('is not known without its time: a renewed token would always look fresh', () => {
    expect(ofEntra({ acrs: ['c1'] })).not.toHaveProperty('steppedUpAtMs');
    expect(ofEntra({ acrs: ['c1'], auth_time: String(nowSeconds) })).not.toHaveProperty('steppedUpAtMs');
  });
  it('is none with another context, another acr, or one of the other issuer', () => {
    expect(ofEntra({ acrs: ['c11'], auth_time: nowSeconds })).not.toHaveProperty('steppedUpAtMs');
    expect(ofEntra({ acr: 'high', auth_time: nowSeconds })).not.toHaveProperty('steppedUpAtMs');
    expect(ofAuth0({ acrs: ['c1'], auth_time: nowSeconds })).not.toHaveProperty('steppedUpAtMs');
    expect(ofAuth0({ acr: 'higher', auth_time: nowSeconds })).not.toHaveProperty('steppedUpAtMs');
  });
  it('is none in the future', () => {
    expect(ofAuth0({ acr: 'high', auth_time: nowSeconds + 61 })).not.toHaveProperty('steppedUpAtMs');
    expect(ofAuth0({ acr: 'high', auth_time: nowSeconds + 60 })).toHaveProperty('steppedUpAtMs');
  });
});
