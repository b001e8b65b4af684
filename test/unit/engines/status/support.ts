// Samples of a plane in which all is well, to be spoilt by tests.
import type { QueueSample, SlotSample, StatusHistory, StatusSample } from '#engines/status/model.ts';
import { advance } from '#engines/status/advance.ts';

export const START_MS = Date.parse('2026-11-20T12:00:30Z');
export const MINUTE_MS = 60_000;

export const queue = (over: Partial<QueueSample> = {}): QueueSample => ({
  queue: 'ingestion',
  depth: { waiting: 1, inFlight: 0 },
  deadLetters: 0,
  oldestAgeMs: 1_000,
  ageObjectiveMs: 60_000,
  ...over,
});

/** The last three slots of a schedule, newest first; states newest first. */
export const slots = (atMs: number, states: string[] = ['succeeded', 'succeeded', 'succeeded']): SlotSample[] =>
  states.map((state, back) => ({
    schedule: 'killswitch-heartbeat',
    task: 'killswitch.heartbeat',
    slotMs: Math.floor(atMs / MINUTE_MS) * MINUTE_MS - back * MINUTE_MS,
    runId: `run-${back}`,
    state,
    ...(state === 'missing' ? {} : { latenessMs: 1_200 }),
  }));

export const sample = (minute: number, over: Partial<StatusSample> = {}): StatusSample => {
  const atMs = START_MS + minute * MINUTE_MS;
  return { atMs, queues: [queue()], slots: slots(atMs), switchState: 'clear', ...over };
};

/** History after a sample a minute; the function spoils the sample of a minute. */
export const run = (
  minutes: number,
  spoil: (minute: number) => Partial<StatusSample> = () => ({}),
): StatusHistory[] => {
  const histories: StatusHistory[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    histories.push(advance(histories.at(-1), sample(minute, spoil(minute))));
  }
  return histories;
};

export const shownOf = (history: StatusHistory | undefined, id: string): string | undefined =>
  history?.components.find((component) => component.id === id)?.shown;
