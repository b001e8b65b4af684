import { logLines } from '#core/catalogue/metrics.ts';
import type { Log } from '#core/ports.ts';
import { parseIdentity, type IdentityConfig } from './config.ts';
import { createIdentity, type Identity } from './verify.ts';

/** A door's own variables, and whether it stands on the local plane. */
export interface DoorEnvironment {
  readonly own: Readonly<Record<string, string | undefined>>;
  readonly local?: unknown;
}

/** The issuers of the variable IDENTITY. @throws Failure CONFIGURATION_INVALID */
export const openIssuers = ({ own, local }: DoorEnvironment): IdentityConfig =>
  parseIdentity(own['IDENTITY'] ?? '[]', { local: local !== undefined });

/** Who calls, by those issuers; they live in the world's time, whatever a driven clock says. */
export const openIdentity = ({ log }: { readonly log: Log }, environment: DoorEnvironment): Identity =>
  createIdentity(openIssuers(environment), {
    nowMs: Date.now,
    onRefused: (refusal) => log.info(logLines.tokenRefused, { ...refusal }),
  });
