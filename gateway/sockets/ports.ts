import type { Live, Plane } from '#core/plane.ts';
import type { Rate } from '#core/ports-gateway.ts';
import type { Callers } from '#gateway/ports.ts';

/** All that the door of the WebSockets needs of the world. */
export interface SocketPorts extends Pick<Plane, 'ledger' | 'control' | 'queues' | 'ids' | 'log'>, Live {
  readonly rate: Rate;
  readonly identity: Pick<Callers, 'caller'>;
}
