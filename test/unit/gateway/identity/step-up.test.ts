import { describe, expect, it } from 'vitest';
import { requireStepUp } from '#gateway/identity/step-up.ts';
import { Problem } from '#gateway/problem.ts';
import { nowMs } from './support.ts';

const ofEntra = { claim: 'acrs', value: 'c1' };
const ofAuth0 = { claim: 'https://alphaswarm.example/acr', value: 'high' };
const wanted = (secondsAgo: number | undefined, stepUp?: typeof ofEntra) => () =>
  requireStepUp(
    {
      ...(secondsAgo === undefined ? {} : { steppedUpAtMs: nowMs - secondsAgo * 1_000 }),
      ...(stepUp ? { stepUp } : {}),
    },
    nowMs,
  );
const challenge = (make: () => unknown): string => {
  try {
    make();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Problem);
    expect(thrown).toMatchObject({ code: 'STEP_UP_REQUIRED' });
    return (thrown as Problem).headers['www-authenticate'] ?? '';
  }
  throw new Error('nothing was asked for');
};
const standard =
  'Bearer error="insufficient_user_authentication", error_description="A stronger authentication is needed", acr_values="high", max_age=300';

describe.each([
  ['Entra', ofEntra],
  ['Auth0', ofAuth0],
])('a token of %s', (_, stepUp) => {
  it.each([0, 1, 299, 300])('that was strengthened %i s ago will do', (secondsAgo) => {
    expect(wanted(secondsAgo, stepUp)).not.toThrow();
  });
  it.each([301, 3_600, 86_400])('that was strengthened %i s ago is too old', (secondsAgo) => {
    expect(challenge(wanted(secondsAgo, stepUp))).toContain('A more recent strong authentication is needed');
  });
  it('that never was is challenged as RFC 9470 has it', () => {
    expect(challenge(wanted(undefined, stepUp)).startsWith(standard)).toBe(true);
  });
});

it("Entra is challenged in its own words beside the standard's", () => {
  const [, entra] = challenge(wanted(undefined, ofEntra)).split(`${standard}, `);
  expect(entra).toMatch(/^Bearer realm="", authorization_uri="https:[^"]+", error="insufficient_claims", claims="/);
  const claims = /claims="([^"]+)"/.exec(entra ?? '')?.[1] ?? '';
  expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toStrictEqual({
    access_token: { acrs: { essential: true, value: 'c1' } },
  });
  expect(challenge(wanted(undefined, { claim: 'acrs', value: 'c7' }))).not.toContain(claims);
});

it("any other issuer is challenged in the standard's words alone, with its own word for strong", () => {
  expect(challenge(wanted(undefined, ofAuth0))).toBe(standard);
  expect(challenge(wanted(undefined))).toBe(standard);
  const pape = { claim: 'acr', value: 'urn:example:mfa' };
  expect(challenge(wanted(undefined, pape))).toContain('acr_values="urn:example:mfa"');
});
