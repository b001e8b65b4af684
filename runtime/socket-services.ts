import type { Connections, Sockets, Subscriptions } from '#core/ports.ts';
import type { Rate } from '#core/ports-gateway.ts';
import { runtimeConnections } from './connections.ts';
import { parseEnvironment, type Environment } from './environment.ts';
import { runtimeRate } from './rate-limit.ts';
import { services, type Services } from './services.ts';
import { runtimeSockets, socketsClient } from './sockets.ts';
import { runtimeSubscriptions } from './subscriptions.ts';

export interface SocketServices extends Services {
  readonly subscriptions: Subscriptions;
  readonly connections: Connections;
  readonly sockets: Sockets;
  readonly rate: Rate;
  /** The time of the world, in which tokens expire, whatever the plane's clock says. */
  readonly realNowMs: () => number;
  readonly environment: Environment;
}

/** The plane with a hand on the WebSockets: in a file of its own, so that no other bundle carries that client. */
export function socketServices(entryPoint: 'sockets' | 'relay'): SocketServices {
  const environment = parseEnvironment(entryPoint, process.env);
  const { own, local, region, cell } = environment;
  const plane = services(environment);
  const client = socketsClient(local?.endpoints.sockets ?? own.SOCKETS_CALLBACK ?? '', region);
  return {
    ...plane,
    environment,
    subscriptions: runtimeSubscriptions(plane.cache),
    connections: runtimeConnections(plane.documents, own.CONNECTIONS_TABLE ?? ''),
    sockets: runtimeSockets(client),
    rate: runtimeRate(plane.cache, cell),
    realNowMs: Date.now,
    close() {
      client.destroy();
      plane.close();
    },
  };
}
