import type * as z from 'zod';
import { isQueueName } from '#core/catalogue/queues.ts';
import { isTaskName } from '#core/catalogue/tasks.ts';
import { readMirror, readSwitch, type Mirror, type Narrowed, type SwitchPorts } from '#core/kill-switch.ts';
import type { AuditRow } from '#core/ports.ts';
import { at } from './schemas/common.ts';
import type { haltHistory, HaltView } from './schemas/halt.ts';

/** The switch as it is read before anything begins, and what the mirror says of who and why. */
export async function haltView(ports: SwitchPorts): Promise<HaltView> {
  const reading = await readSwitch(ports);
  const [record] = await Promise.allSettled([readMirror(ports.control)]);
  const base = { state: reading.state, why: reading.why, narrowed: reading.narrowed.map(narrowedView) };
  return record.status === 'fulfilled' ? { ...base, ...mirrorView(record.value.mirror) } : base;
}

function mirrorView({ phase, epoch, origin, by, reason, atMs }: Mirror) {
  if (phase === 'clear') return { phase, epoch };
  return { phase, epoch, origin, by, reason, since: at(atMs) };
}

const narrowedView = ({ kind, name, by, reason, atMs }: Narrowed) => ({ [kind]: name, by, reason, at: at(atMs) });

type Entry = z.output<typeof haltHistory>['entries'][number];

/** What came of an operation on the switch; intents and other rows say nothing that their outcome does not. */
export function historyEntry({ effect, atMs, actor, reason, outcome, arguments: given }: AuditRow): Entry[] {
  const did = /^operation\.(halt|narrow|release|widen)$/.exec(effect)?.[1];
  if (did === undefined || outcome === undefined) return [];
  const { queue, task } = (given ?? {}) as { queue?: unknown; task?: unknown };
  return [
    {
      at: at(atMs),
      did,
      actor: { ...actor },
      ...(reason === undefined ? {} : { reason }),
      ...(typeof queue === 'string' && isQueueName(queue) ? { queue } : {}),
      ...(typeof task === 'string' && isTaskName(task) ? { task } : {}),
      outcome,
    },
  ];
}
