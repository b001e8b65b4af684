import type { Plane } from '#core/plane.ts';
import type { Connections, Sockets, Subscriptions } from '#core/ports.ts';
import type { Rate } from '#core/ports-gateway.ts';
import type { Callers } from '#gateway/ports.ts';

/** All that the door of the WebSockets needs of the world. */
export interface SocketPorts extends Pick<Plane, 'ledger' | 'control' | 'queues' | 'ids' | 'log'> {
  readonly subscriptions: Subscriptions;
  readonly connections: Connections;
  readonly sockets: Sockets;
  readonly rate: Rate;
  readonly identity: Pick<Callers, 'caller'>;
  /** The time of the world, in which tokens and tickets expire. */
  readonly realNowMs: () => number;
}
