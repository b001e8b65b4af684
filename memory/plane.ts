import type { Plane } from '#core/plane.ts';
import type { RelayPorts } from '#core/relay.ts';
import { memoryArtefacts } from './artefacts.ts';
import { memoryClock } from './clock.ts';
import { memoryConnections } from './connections.ts';
import { memoryControl } from './control.ts';
import { memoryIds } from './ids.ts';
import { memoryLedger } from './ledger.ts';
import { memoryAudit, memoryLifecycle, memoryLog, memoryMetrics } from './observed.ts';
import { memoryProgress } from './progress.ts';
import { memoryQueues } from './queues.ts';
import { memorySockets } from './sockets.ts';
import { memorySubscriptions } from './subscriptions.ts';
import { memorySwitchKey } from './switch-key.ts';

/** The whole plane in memory: the same pipeline on twins of every port, deterministic for a seed. */
export function memoryPlane(options: { seed?: number; startMs?: number } = {}) {
  const clock = memoryClock(options.startMs);
  const queues = memoryQueues(clock);
  const subscriptions = memorySubscriptions();
  return {
    clock,
    ids: memoryIds(options.seed),
    ledger: memoryLedger(),
    control: memoryControl(),
    queues,
    artefacts: memoryArtefacts(),
    key: memorySwitchKey(),
    progress: memoryProgress({ relay: { subscriptions, queues } }),
    subscriptions,
    connections: memoryConnections(),
    sockets: memorySockets(),
    realNowMs: () => clock.nowMs(),
    lifecycle: memoryLifecycle(),
    metrics: memoryMetrics(),
    log: memoryLog(),
    audit: memoryAudit(),
    cell: 'test',
    owner: 'environment-1',
  } satisfies Plane & RelayPorts;
}
export type MemoryPlane = ReturnType<typeof memoryPlane>;
