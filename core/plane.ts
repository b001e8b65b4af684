import type { Anchors, AuditSink, Artefacts, Ledger, Metrics, ProgressChannel, Queues, Webhooks } from './ports.ts';
import type { HaltPorts } from './halt.ts';
import type { Ids } from './ids.ts';

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
  /** Only where hours of the audit are signed: the system function. */
  readonly anchors?: Anchors;
  /** The environment within which ids and names are unique. */
  readonly cell: string;
  /** Identity of this execution environment: it stands in leases. */
  readonly owner: string;
}
