import type {
  Anchors,
  AuditSink,
  Artefacts,
  Connections,
  Ledger,
  Metrics,
  ProgressChannel,
  Queues,
  Webhooks,
  Sockets,
  Subscriptions,
} from './ports.ts';
import type { HaltPorts } from './halt.ts';
import type { Ids } from './ids.ts';

/** A hand on the WebSockets. */
export interface Live {
  readonly subscriptions: Subscriptions;
  readonly connections: Connections;
  readonly sockets: Sockets;
  /** The time of the world, in which tokens expire, whatever the plane's clock says. */
  readonly realNowMs: () => number;
}

/** All that the pipeline needs of the world. Composed once: by runtime/services.ts on AWS, by memory/plane.ts in tests. */
export interface Plane extends HaltPorts {
  readonly ids: Ids;
  readonly ledger: Ledger;
  readonly queues: Queues;
  readonly artefacts: Artefacts;
  readonly progress: ProgressChannel;
  readonly metrics: Metrics;
  readonly audit: AuditSink;
  /** Only where callbacks are delivered: elsewhere nothing may call out. */
  readonly webhooks?: Webhooks;
  /** Only where WebSockets are ended whose token has expired: the system function. */
  readonly live?: Live;
  /** Only where hours of the audit are signed: the system function. */
  readonly anchors?: Anchors;
  /** The environment within which ids and names are unique. */
  readonly cell: string;
  /** Identity of this execution environment: it stands in leases. */
  readonly owner: string;
}
