import { createApp } from './app.ts';
import { openIdentity, type DoorEnvironment } from './identity/open.ts';
import type { AppOptions, GatewayPorts } from './ports.ts';

/** What a door is told when it is opened. */
export interface Opening {
  readonly door: AppOptions['door'];
  readonly environment: DoorEnvironment;
}

/** The application of a door, on the plane's services. @throws Failure CONFIGURATION_INVALID */
export const openApp = (plane: GatewayPorts, { door, environment }: Opening) =>
  createApp(plane, {
    door,
    identity: openIdentity(plane, environment),
    realNowMs: Date.now,
    releaseByAnother: environment.own['RELEASE_BY_ANOTHER'] === 'true',
  });
