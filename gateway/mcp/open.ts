import { openIdentity, openIssuers } from '#gateway/identity/open.ts';
import type { Opening } from '#gateway/open.ts';
import type { GatewayPorts } from '#gateway/ports.ts';
import { createMcpApp } from './app.ts';

/** The door of the tools, on the plane's services. @throws Failure CONFIGURATION_INVALID */
export const openMcp = (plane: GatewayPorts, { environment }: Pick<Opening, 'environment'>) =>
  createMcpApp(plane, {
    door: 'mcp',
    identity: openIdentity(plane, environment),
    issuers: openIssuers(environment).map(({ issuer }) => issuer),
    realNowMs: Date.now,
  });
