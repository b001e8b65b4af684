import { limits } from './catalogue/limits.ts';
import { queueRow } from './catalogue/queues.ts';
import { datasets } from './datasets.ts';
import { storeKey } from './catalogue/stores.ts';
import { inhabitedQueues, type TaskName } from './catalogue/tasks.ts';
import { scheduleKeys, scheduleRow, type ScheduleKey } from './catalogue/schedules.ts';
import { parseCron, slotsUpTo } from './cron.ts';
import { toMs } from './duration.ts';
import { Failure } from './errors.ts';
import { repair } from './repair.ts';
import { tickRunId } from './ids.ts';
import { readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type {
  Anchors,
  KillSwitchKeeper,
  QueueSample,
  RunArtefacts,
  SlotSample,
  StatusStore,
  TaskPorts,
  Webhooks,
} from './ports.ts';
import { reaper } from './reap.ts';
import { reconciler } from './reconcile.ts';
import type { Run } from './run.ts';
import { furtherRuns } from './start-further.ts';
import { scheduleRecordName, type ScheduleRecord } from './schedule-record.ts';

/** The ports of one claim of one run, before the guard. */
export const taskPorts = (plane: Plane, run: Run): TaskPorts => ({
  artefacts: runArtefacts(plane, run),
  datasets: datasets(plane, run),
  killSwitch: keeper(plane),
  status: statusStore(plane),
  reaper: reaper(plane),
  reconciler: reconciler(plane),
  webhooks: webhooksOf(plane, run),
  anchors: plane.anchors ?? noAnchors,
  runs: furtherRuns(plane, run),
});

/** A tenant names its own secrets alone: `webhooks/orders` of acme is kept as `webhooks/acme/orders`. */
const webhooksOf = ({ webhooks = noWebhooks }: Plane, { tenant }: Run): Webhooks => ({
  deliver: (message) => webhooks.deliver({ ...message, secret: message.secret.replace('/', `/${tenant}/`) }),
});

const noWebhooks: Webhooks = {
  deliver: () =>
    Promise.reject(new Failure('CONFIGURATION_INVALID', 'nothing may call out from here: only the queue default does')),
};

const noKey = () =>
  Promise.reject(new Failure('CONFIGURATION_INVALID', 'nothing is signed here: only the system function has the key'));
const noAnchors: Anchors = { pending: noKey, anchorHour: noKey };

/** Where a run writes: under its fence, so that only the settled claim's artefacts are ever named. */
export const artefactPrefix = (run: Pick<Run, 'tenant' | 'task' | 'id'>): string =>
  storeKey('artifacts', run.tenant, run.task, run.id);
/** Where a tenant lays what its runs shall read. */
export const inboxKey = (tenant: string, key: string): string => storeKey('inbox', tenant, key);

function runArtefacts(plane: Plane, run: Run): RunArtefacts {
  const keyOf = (fence: number, name: string): string => `${artefactPrefix(run)}/${fence}/${name}`;
  return {
    keyOf: async (fence, name) => keyOf(fence, name),
    statInbox: (key) => plane.artefacts.stat(inboxKey(run.tenant, key)),
    readInbox: (key, startByte, endByte) => plane.artefacts.readRange(inboxKey(run.tenant, key), startByte, endByte),
    read: (fence, name) => plane.artefacts.read(keyOf(fence, name)),
    async put(name, bytes, contentType) {
      const key = keyOf(run.fence, name);
      await plane.artefacts.put(key, bytes, contentType);
      return key;
    },
  };
}

function keeper(plane: Plane): KillSwitchKeeper {
  return {
    async repair() {
      const done = await repair(plane);
      plane.metrics.record('Reachable', 1);
      plane.metrics.record('Halted', done.state === 'halted' ? 1 : 0);
      if (done.repair === 'ambiguous') plane.metrics.record('HaltAmbiguous', 1);
      return done;
    },
    async canary() {
      const beganMs = plane.clock.monotonicMs();
      await plane.key.canary(`${plane.owner} ${plane.clock.nowMs()}`);
      const tookMs = plane.clock.monotonicMs() - beganMs;
      plane.metrics.record('RoundTrip', tookMs);
      return tookMs;
    },
    evictionPolicy: async () => (await plane.key.evictionPolicy()) ?? 'not told by the service',
  };
}

/** How many of the last slots of each schedule the status page looks back. */
const slotsShown = 15;
const statusFiles = {
  status: storeKey('status', 'status.json'),
  history: storeKey('status', 'history.json'),
  html: storeKey('status', 'index.html'),
} as const;

function statusStore(plane: Plane): StatusStore {
  return {
    async sample() {
      const nowMs = plane.clock.nowMs();
      const [queues, slots, reading] = await Promise.all([
        Promise.all(inhabitedQueues.map((queue) => sampleQueue(plane, queue, nowMs))),
        Promise.all(scheduleKeys.map((key) => sampleSlots(plane, key, slotsShown))),
        readSwitch(plane),
      ]);
      return { atMs: nowMs, queues, slots: slots.flat(), switchState: reading.state };
    },
    async history() {
      if (!(await plane.artefacts.stat(statusFiles.history))) return undefined;
      return JSON.parse(new TextDecoder().decode(await plane.artefacts.read(statusFiles.history)));
    },
    async publish(page) {
      const put = (key: string, body: string, contentType: string) =>
        plane.artefacts.put(key, new TextEncoder().encode(body), contentType);
      // History first: whoever reads a status.json finds a history that is not older.
      await put(statusFiles.history, page.history, 'application/json');
      await put(statusFiles.status, page.status, 'application/json');
      await put(statusFiles.html, page.html, 'text/html; charset=utf-8');
    },
  };
}

async function sampleQueue(plane: Plane, queue: QueueSample['queue'], nowMs: number): Promise<QueueSample> {
  const [depth, dead, oldestAgeMs] = await Promise.all([
    plane.queues.depth(queue, 'queue'),
    plane.queues.depth(queue, 'dead-letters'),
    oldestWaitMs(plane, queue, nowMs),
  ]);
  return { queue, depth, deadLetters: dead.waiting, oldestAgeMs, ageObjectiveMs: toMs(queueRow(queue).ageObjective) };
}

/**
 * The longest that a queued run waits. The open index is ordered by when the reaper looks next: first come runs that
 * were sent once, behind them those that were sent again, oldest first in both.
 */
export async function oldestWaitMs(plane: Plane, queue: QueueSample['queue'], nowMs: number): Promise<number> {
  const overdueMs = nowMs + toMs(limits.sendOverdueAfter);
  const head = { queue, state: 'queued' } as const;
  const found = await Promise.all([
    plane.ledger.open({ ...head, dueMs: overdueMs, limit: 1 }),
    // Among these stand runs for later, too, which do not wait yet.
    plane.ledger.open({ ...head, dueMs: Number.MAX_SAFE_INTEGER, afterMs: overdueMs, limit: 25 }),
  ]);
  const rows = await Promise.all(found.flat().map((id) => plane.ledger.read(id)));
  const waits = rows.map((row) => (row?.state === 'queued' ? nowMs - Math.max(row.createdMs, row.notBeforeMs) : 0));
  return Math.max(0, ...waits);
}

/** The last slots of a schedule, newest first: their run ids are computed, not searched for. */
export async function sampleSlots(plane: Plane, key: ScheduleKey, count: number): Promise<SlotSample[]> {
  const schedule = scheduleRow(key);
  const record = await plane.control.read(scheduleRecordName(key));
  const firstSlotMs = (record?.value as ScheduleRecord | undefined)?.firstSlotMs ?? Number.POSITIVE_INFINITY;
  return Promise.all(
    slotsUpTo(parseCron(schedule.cron), plane.clock.nowMs(), count)
      .filter((slotMs) => slotMs >= firstSlotMs)
      .map((slotMs) => sampleSlot(plane, { key, task: schedule.task, slotMs })),
  );
}

async function sampleSlot(
  plane: Plane,
  slot: { key: ScheduleKey; task: TaskName; slotMs: number },
): Promise<SlotSample> {
  const runId = tickRunId(plane.ids, plane.cell, { schedule: slot.key, slotMs: slot.slotMs });
  const row = await plane.ledger.read(runId);
  const lateness = row?.claimedMs === undefined ? {} : { latenessMs: row.claimedMs - slot.slotMs };
  return {
    schedule: slot.key,
    task: slot.task,
    slotMs: slot.slotMs,
    runId,
    state: row?.state ?? 'missing',
    ...lateness,
  };
}
