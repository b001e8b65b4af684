import type { Caller } from '#gateway/caller.ts';
import { Problem } from '#gateway/problem.ts';
import { bearer, challengeHeader } from './challenge.ts';

/** How long a strong authentication serves for what destroys. */
const stepUpSeconds = 300;

/** Where people of any directory of Entra sign in; its challenge must name a place. */
const entraSignsInAt = 'https://login.microsoftonline.com/common/oauth2/authorize';

/**
 * Wants the caller to have authenticated strongly within the last 300 s.
 *
 * @throws Problem STEP_UP_REQUIRED, with the challenge of RFC 9470 and, for a token of Entra, its claims challenge: Entra
 *   knows no `acr=high`, only authentication contexts.
 */
export function requireStepUp(
  { steppedUpAtMs, stepUp }: Pick<Caller, 'steppedUpAtMs' | 'stepUp'>,
  nowMs: number,
): void {
  if (steppedUpAtMs !== undefined && nowMs - steppedUpAtMs <= stepUpSeconds * 1_000) return;
  const what = steppedUpAtMs === undefined ? 'A stronger authentication' : 'A more recent strong authentication';
  throw new Problem(
    'STEP_UP_REQUIRED',
    `${what} is needed here, no older than ${stepUpSeconds} s: authenticate with your second factor and send the new token`,
    { headers: { [challengeHeader]: challenges(`${what} is needed`, stepUp) } },
  );
}

function challenges(error_description: string, stepUp: Caller['stepUp'] = { claim: 'acr', value: 'high' }): string {
  const isEntra = stepUp.claim === 'acrs';
  const standard = bearer({
    error: 'insufficient_user_authentication',
    error_description,
    acr_values: isEntra ? 'high' : stepUp.value,
    max_age: stepUpSeconds,
  });
  return isEntra ? `${standard}, ${entraChallenge(stepUp.value)}` : standard;
}

function entraChallenge(value: string): string {
  const wanted = { access_token: { acrs: { essential: true, value } } };
  return bearer({
    realm: '',
    authorization_uri: entraSignsInAt,
    error: 'insufficient_claims',
    claims: btoa(JSON.stringify(wanted)),
  });
}
