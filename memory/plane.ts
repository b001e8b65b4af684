import type { Plane } from '#core/plane.ts';
import { memoryArtefacts } from './artefacts.ts';
import { memoryClock } from './clock.ts';
import { memoryControl } from './control.ts';
import { memoryIds } from './ids.ts';
import { memoryLedger } from './ledger.ts';
import { memoryAudit, memoryLifecycle, memoryLog, memoryMetrics } from './observed.ts';
import { memoryProgress } from './progress.ts';
import { memoryQueues } from './queues.ts';
import { memorySwitchKey } from './switch-key.ts';

/** The whole plane in memory: the same pipeline on twins of every port, deterministic for a seed. */
export function memoryPlane(options: { seed?: number; startMs?: number } = {}) {
  const clock = memoryClock(options.startMs);
  return {
    clock,
    ids: memoryIds(options.seed),
    ledger: memoryLedger(),
    control: memoryControl(),
    queues: memoryQueues(clock),
    artefacts: memoryArtefacts(),
    key: memorySwitchKey(),
    progress: memoryProgress(),
    lifecycle: memoryLifecycle(),
    metrics: memoryMetrics(),
    log: memoryLog(),
    audit: memoryAudit(),
    cell: 'test',
    owner: 'environment-1',
  } satisfies Plane;
}
export type MemoryPlane = ReturnType<typeof memoryPlane>;
