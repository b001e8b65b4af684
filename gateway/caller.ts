import type { Role } from '#core/catalogue/roles.ts';
import type { Actor } from '#core/run.ts';

/** Who calls, as a verified token says. */
export interface Caller {
  /** Kind `human`, or `service` for a machine's token, which may carry on whose behalf it acts; never `system`. */
  readonly actor: Actor;
  readonly tenant: string;
  readonly roles: readonly Role[];
  /** Which of the two issuers vouches: its name in the configuration. */
  readonly issuer: string;
  readonly expiresAtMs: number;
  /** Set when the bearer has authenticated strongly (`acr=high`): when that was. */
  readonly steppedUpAtMs?: number;
  /** The claim by which its issuer says so, hence how to ask for it: `acrs` with `c1` of Entra, `acr` with `high`. */
  readonly stepUp?: { readonly claim: string; readonly value: string };
}
