import { logLines } from '#core/catalogue/metrics.ts';
import { createApp } from './app.ts';
import { parseIdentity } from './identity/config.ts';
import { createIdentity } from './identity/verify.ts';
import type { AppOptions, Callers, GatewayPorts } from './ports.ts';

/** What a door is told when it is opened: its own variables, and whether it stands on the local plane. */
export interface Opening {
  readonly door: AppOptions['door'];
  readonly environment: {
    readonly own: Readonly<Record<string, string | undefined>>;
    readonly local?: unknown;
  };
}

/** The application of a door, on the plane's services. @throws Failure CONFIGURATION_INVALID */
export const openApp = (plane: GatewayPorts, { door, environment }: Opening) =>
  createApp(plane, {
    door,
    identity: openIdentity(plane, environment),
    realNowMs: Date.now,
    releaseByAnother: environment.own['RELEASE_BY_ANOTHER'] === 'true',
  });

/** Who calls, by the issuers of the variable IDENTITY; they live in the world's time, whatever a driven clock says. */
export const openIdentity = ({ log }: Pick<GatewayPorts, 'log'>, { own, local }: Opening['environment']): Callers =>
  createIdentity(parseIdentity(own['IDENTITY'] ?? '[]', { local: local !== undefined }), {
    nowMs: Date.now,
    onRefused: (refusal) => log.info(logLines.tokenRefused, { ...refusal }),
  });
