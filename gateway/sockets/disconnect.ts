import { forgetConnection } from '#core/connections.ts';
import type { SocketPorts } from './ports.ts';

/** The other side is gone: nobody watches in its name any more. API Gateway may never say so; then the relay finds out. */
export const disconnect = (
  ports: Pick<SocketPorts, 'connections' | 'subscriptions'>,
  connection: string,
): Promise<void> => forgetConnection(ports, connection);
