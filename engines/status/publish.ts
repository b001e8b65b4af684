// From a sample and the stored history to the three files of the status page.
import { advance, parseHistory } from '#engines/status/advance.ts';
import type { ComponentState, Status, StatusHistory, StatusSample } from '#engines/status/model.ts';
import { renderPage } from '#engines/status/page.ts';

/** Closed incidents shown on the page and in status.json; history.json has more. */
const RECENT_INCIDENTS = 20;

interface StatusFiles {
  /** status.json, for programs. */
  status: string;
  /** history.json, for the next sync. */
  history: string;
  /** index.html, for people. */
  html: string;
}

/** The next status page. `stored` is the last history.json, parsed from JSON, or undefined. Pure: same input, same bytes. */
export const nextStatus = (
  sample: StatusSample,
  stored: unknown,
): { status: Status; history: StatusHistory; files: StatusFiles } => {
  const history = advance(parseHistory(stored), sample);
  const status = statusOf(history, sample);
  const files = { status: json(status), history: json(history), html: renderPage(status, history) };
  return { status, history, files };
};

const json = (document: Status | StatusHistory): string => `${JSON.stringify(document, null, 1)}\n`;

const statusOf = (history: StatusHistory, sample: StatusSample): Status => {
  const closed = history.incidents.filter((incident) => incident.endedAt !== null);
  return {
    v: 1,
    generatedAt: history.at,
    overall: overallOf(
      history.components.map((component) => component.shown),
      sample.switchState,
    ),
    killSwitch: sample.switchState,
    components: history.components.map(({ id, kind, name, shown, shownSince, detail }) => ({
      id,
      kind,
      name,
      state: shown,
      since: shownSince,
      detail,
    })),
    queues: sample.queues.map((queue) => ({
      name: queue.queue,
      waiting: whole(queue.depth.waiting),
      inFlight: whole(queue.depth.inFlight),
      deadLetters: whole(queue.deadLetters),
      oldestAgeMs: whole(queue.oldestAgeMs),
      ageObjectiveMs: whole(queue.ageObjectiveMs),
    })),
    schedules: schedulesOf(sample),
    incidents: {
      open: history.incidents.filter((incident) => incident.endedAt === null).toReversed(),
      recent: closed.slice(-RECENT_INCIDENTS).toReversed(),
    },
  };
};

// A reading that is none must not make the document unreadable; the component says "unknown" for it.
const whole = (value: number): number => (Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0);

/** A halt is what matters while there is one; else the worst state, and ignorance of one part counts as degraded. */
const overallOf = (states: readonly ComponentState[], switchState: StatusSample['switchState']): ComponentState => {
  if (switchState === 'halted') return 'halted';
  if (states.includes('outage')) return 'outage';
  if (states.every((state) => state === 'unknown')) return 'unknown';
  return states.every((state) => state === 'operational') ? 'operational' : 'degraded';
};

const schedulesOf = (sample: StatusSample): Status['schedules'] =>
  [...Map.groupBy(sample.slots, (slot) => slot.schedule)].map(([key, slots]) => ({
    key,
    task: slots[0]?.task ?? '',
    slots: slots
      .toSorted((a, b) => b.slotMs - a.slotMs)
      .map((slot) => ({
        slot: new Date(slot.slotMs).toISOString(),
        runId: slot.runId,
        state: slot.state,
        latenessMs: slot.latenessMs ?? null,
      })),
  }));
