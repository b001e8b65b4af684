// What one sample says of each component, before hysteresis.
import type { ComponentHistory, QueueSample, SettledState, SlotSample, StatusSample } from '#engines/status/model.ts';

export interface Observation {
  id: string;
  kind: ComponentHistory['kind'];
  name: string;
  /** `no-data`: the sample says nothing of it. */
  seen: SettledState | 'no-data';
  detail: string;
  /** Stands still while the kill switch is engaged, so that what is seen then is no fault. */
  stopsInHalt: boolean;
}

/** The oldest message waits this many times its objective: no longer slow, but stuck. */
const OUTAGE_AGE_FACTOR = 5;
/** A slot this young may still be on its way: a tick is late by up to a minute, and a retry comes within another. */
const SLOT_GRACE_MS = 120_000;
/** A slot claimed later than this was late: the next minute's slot is due by then. */
const LATE_SLOT_MS = 60_000;
/** This many slots in a row without success. */
const OUTAGE_SLOTS = 3;
/** The heartbeat runs each minute. */
const HEARTBEAT_DEGRADED_MS = 180_000;
const HEARTBEAT_OUTAGE_MS = 600_000;
const HEARTBEAT_TASK = 'killswitch.heartbeat';
/** The plane's own queue works through a halt. */
const WORKS_IN_HALT = new Set(['system']);

export const KILL_SWITCH_ID = 'kill-switch';

/** One observation a component: the kill switch, each queue, each schedule. */
export const observe = (sample: StatusSample): Observation[] => {
  const bySchedule = Map.groupBy(sample.slots, (slot) => slot.schedule);
  return [
    observeKillSwitch(sample),
    ...sample.queues.map(observeQueue),
    ...[...bySchedule].map(([schedule, slots]) => observeSchedule(schedule, slots, sample.atMs)),
  ];
};

const seenAs = (seen: Observation['seen'], detail: string): Pick<Observation, 'seen' | 'detail'> => ({ seen, detail });

const observeKillSwitch = (sample: StatusSample): Observation => ({
  id: KILL_SWITCH_ID,
  kind: 'kill-switch',
  name: 'Kill switch',
  stopsInHalt: true,
  ...killSwitchSeen(sample),
});

const killSwitchSeen = (sample: StatusSample): Pick<Observation, 'seen' | 'detail'> => {
  if (sample.switchState === 'unknown') return seenAs('outage', 'It cannot be read: nothing new is started.');
  const beats = sample.slots.filter((slot) => slot.task === HEARTBEAT_TASK);
  if (beats.length === 0) return seenAs('operational', 'Clear.');
  const succeeded = beats.filter((slot) => slot.state === 'succeeded');
  // Without a success among the slots that are shown, it is as old as the oldest of them at least.
  const lastMs =
    succeeded.length > 0
      ? Math.max(...succeeded.map((slot) => slot.slotMs))
      : Math.min(...beats.map((slot) => slot.slotMs));
  const ageMs = sample.atMs - lastMs;
  const detail = `Last heartbeat ${inWords(ageMs)} ago${succeeded.length > 0 ? '' : ' or longer'}.`;
  if (ageMs > HEARTBEAT_OUTAGE_MS) return seenAs('outage', detail);
  return seenAs(ageMs > HEARTBEAT_DEGRADED_MS ? 'degraded' : 'operational', detail);
};

const observeQueue = (sample: QueueSample): Observation => ({
  id: `queue:${sample.queue}`,
  kind: 'queue',
  name: sample.queue,
  stopsInHalt: !WORKS_IN_HALT.has(sample.queue),
  ...queueSeen(sample),
});

const queueSeen = (sample: QueueSample): Pick<Observation, 'seen' | 'detail'> => {
  const { oldestAgeMs, ageObjectiveMs, deadLetters, depth } = sample;
  if (![oldestAgeMs, deadLetters, depth.waiting].every(Number.isFinite)) return seenAs('no-data', 'No readings.');
  const age = `Oldest message waits ${inWords(oldestAgeMs)}, objective ${inWords(ageObjectiveMs)}`;
  const detail = `${age}; ${depth.waiting} waiting, ${deadLetters} dead letters.`;
  if (oldestAgeMs > OUTAGE_AGE_FACTOR * ageObjectiveMs) return seenAs('outage', detail);
  return seenAs(oldestAgeMs > ageObjectiveMs || deadLetters > 0 ? 'degraded' : 'operational', detail);
};

const observeSchedule = (schedule: string, slots: readonly SlotSample[], atMs: number): Observation => ({
  id: `schedule:${schedule}`,
  kind: 'schedule',
  name: schedule,
  // In a halt its slots are skipped or held, which is as it should be, or they run: all of it can be judged.
  stopsInHalt: false,
  ...scheduleSeen(slots, atMs),
});

const scheduleSeen = (slots: readonly SlotSample[], atMs: number): Pick<Observation, 'seen' | 'detail'> => {
  const judged = slots
    .toSorted((a, b) => b.slotMs - a.slotMs)
    .filter((slot) => isSettled(slot) || atMs - slot.slotMs > SLOT_GRACE_MS);
  const [newest] = judged;
  if (newest === undefined) return seenAs('no-data', 'No slot is old enough to judge.');
  const good = judged.findIndex((slot) => !isBad(slot));
  const badInARow = good === -1 ? judged.length : good;
  if (badInARow >= OUTAGE_SLOTS) return seenAs('outage', `${badInARow} slots in a row without success.`);
  if (badInARow > 0) return seenAs('degraded', `Last slot ${newest.state}.`);
  const latenessMs = newest.latenessMs ?? 0;
  if (latenessMs > LATE_SLOT_MS) return seenAs('degraded', `Last slot ran ${inWords(latenessMs)} late.`);
  return seenAs('operational', `Last slot ${newest.state}.`);
};

const SETTLED_RUNS = new Set(['succeeded', 'failed', 'cancelled', 'skipped', 'dead', 'held']);
// A slot that is cancelled, skipped or held was somebody's decision; what still waits after its grace is not.
const GOOD_RUNS = new Set(['succeeded', 'cancelled', 'skipped', 'held', 'running']);

const isSettled = (slot: SlotSample): boolean => SETTLED_RUNS.has(slot.state);
const isBad = (slot: SlotSample): boolean => !GOOD_RUNS.has(slot.state);

/** A duration for people: 850 ms, 12 s, 3 min, 2 h, 5 d. */
export const inWords = (durationMs: number): string => {
  const ms = Math.max(0, durationMs);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
};
