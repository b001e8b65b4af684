import type { Live } from '#core/plane.ts';
import { runtimeConnections } from './connections.ts';
import type { Environment } from './environment.ts';
import type { Services } from './services.ts';
import { runtimeSockets, socketsClient } from './sockets.ts';
import { runtimeSubscriptions } from './subscriptions.ts';

/** A hand on the WebSockets: in a file of its own, so that no other bundle carries that client. */
export function livePorts(
  { own, local, region }: Environment,
  { cache, documents }: Services,
): { readonly live: Live; readonly close: () => void } {
  const client = socketsClient(local?.endpoints.sockets ?? own.SOCKETS_CALLBACK ?? '', region);
  const live = {
    subscriptions: runtimeSubscriptions(cache),
    connections: runtimeConnections(documents, own.CONNECTIONS_TABLE ?? ''),
    sockets: runtimeSockets(client),
    realNowMs: Date.now,
  };
  return { live, close: () => client.destroy() };
}
