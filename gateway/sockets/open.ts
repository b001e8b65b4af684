import { openIdentity } from '#gateway/identity/open.ts';
import type { Opening } from '#gateway/open.ts';
import { socketDoor } from './door.ts';
import type { SocketPorts } from './ports.ts';

/** The door of the WebSockets, on the plane's services. @throws Failure CONFIGURATION_INVALID */
export const openSockets = (
  plane: Omit<SocketPorts, 'identity'>,
  { environment }: Pick<Opening, 'environment'>,
): ReturnType<typeof socketDoor> => socketDoor({ ...plane, identity: openIdentity(plane, environment) });
