// The state machine of the status page: history and sample in, history out. No clock: time comes with the sample.
//
// Each component has a settled state (operational, degraded, outage), moved by hysteresis, and a shown one. Two things are
// laid over the settled state and leave it as it was: `halted`, at once and for as long as the kill switch is engaged, on
// whatever stands still in a halt (what is seen then is no fault and counts for nothing); and `unknown`, after several
// samples without data. Incidents follow the settled state alone, and the halt itself.
import { SAMPLES_TO_WORSEN, beganAt, settle } from '#engines/status/hysteresis.ts';
import type { Settling } from '#engines/status/hysteresis.ts';
import { boundIncidents, closeIncident, openIncident } from '#engines/status/incidents.ts';
import { STATE_LETTERS, statusHistorySchema } from '#engines/status/model.ts';
import type { ComponentHistory, ComponentState, Incident, StatusHistory, StatusSample } from '#engines/status/model.ts';
import { KILL_SWITCH_ID, observe } from '#engines/status/observe.ts';
import type { Observation } from '#engines/status/observe.ts';

const RECENT_SAMPLES = 60;
const DAYS_KEPT = 90;
/** A component absent from so many samples (a day of minutes) was taken out of the plane. */
const FORGET_AFTER_SAMPLES = 1440;
/** After such a silence of the sync itself, samples before and after are not in a row. */
const MAX_SILENCE_MS = 600_000;
const DAY_MS = 86_400_000;

/** The history as stored; undefined if there is none or it cannot be read: then it starts afresh, and the page is shown. */
export const parseHistory = (stored: unknown): StatusHistory | undefined => statusHistorySchema.safeParse(stored).data;

/** The history after a sample. One that is not newer than the last (a duplicate, or late) changes nothing. */
export const advance = (previous: StatusHistory | undefined, sample: StatusSample): StatusHistory => {
  if (previous !== undefined && sample.atMs <= Date.parse(previous.at)) return previous;
  const at = new Date(sample.atMs).toISOString();
  const silent = previous !== undefined && sample.atMs - Date.parse(previous.at) > MAX_SILENCE_MS;
  const known = new Map(previous?.components.map((each) => [each.id, silent ? { ...each, window: [] } : each]));
  const observations = [...observe(sample), ...absentees(known, sample)];
  let incidents = haltIncidents(previous?.incidents ?? [], sample, at);
  const components: ComponentHistory[] = [];
  for (const observation of observations) {
    const before = known.get(observation.id) ?? blank(observation, at);
    const after = advanceComponent(before, observation, { at, halted: sample.switchState === 'halted' });
    const forgotten = after.blindSamples >= FORGET_AFTER_SAMPLES;
    if (!forgotten) components.push(after);
    incidents = faultIncidents(incidents, { before, after, at, forgotten });
  }
  return { v: 1, at, components, incidents: boundIncidents(incidents) };
};

/** Components of the history that the sample does not mention. */
const absentees = (known: ReadonlyMap<string, ComponentHistory>, sample: StatusSample): Observation[] => {
  const present = new Set(observe(sample).map((observation) => observation.id));
  return [...known.values()]
    .filter((component) => !present.has(component.id))
    .map(({ id, kind, name }) => ({ id, kind, name, seen: 'no-data', detail: 'No readings.', stopsInHalt: false }));
};

interface Moment {
  at: string;
  halted: boolean;
}

/** A component before its first sample. */
const blank = ({ id, kind, name, detail }: Observation, at: string): ComponentHistory => ({
  id,
  kind,
  name,
  settled: null,
  window: [],
  blindSamples: 0,
  shown: 'unknown',
  shownSince: at,
  detail,
  recent: '',
  days: { last: at.slice(0, 10), states: '' },
});

const advanceComponent = (before: ComponentHistory, observation: Observation, moment: Moment): ComponentHistory => {
  const { at } = moment;
  const standsStill = moment.halted && observation.stopsInHalt;
  const settling = standsStill ? interrupted(before) : settleSeen(before, observation.seen, at);
  const blindSamples = observation.seen === 'no-data' ? before.blindSamples + 1 : 0;
  const shown = standsStill ? 'halted' : shownState(settling.settled, blindSamples);
  return {
    ...before,
    ...settling,
    blindSamples,
    shown,
    shownSince: before.shown === shown ? before.shownSince : at,
    detail: standsStill ? 'Halted by the kill switch.' : observation.detail,
    recent: (before.recent + STATE_LETTERS[shown]).slice(-RECENT_SAMPLES),
    days: addDay(before.days, at.slice(0, 10), shown),
  };
};

// No data and a halt say nothing: what comes after them does not follow in a row on what came before.
const interrupted = ({ settled }: ComponentHistory): Settling => ({ settled, window: [] });

const settleSeen = (before: ComponentHistory, seen: Observation['seen'], at: string): Settling =>
  seen === 'no-data' ? interrupted(before) : settle(before, seen, at);

const shownState = (settled: ComponentHistory['settled'], blindSamples: number): ComponentState =>
  settled === null || blindSamples >= SAMPLES_TO_WORSEN ? 'unknown' : settled;

// What stands out in a day: trouble before a halt, a halt before ignorance.
const DAY_RANK = 'ouhdx';

const addDay = (days: ComponentHistory['days'], day: string, shown: ComponentState): ComponentHistory['days'] => {
  const letter = STATE_LETTERS[shown];
  const daysOn = Math.round((Date.parse(day) - Date.parse(days.last)) / DAY_MS);
  if (daysOn > 0) {
    const unseen = STATE_LETTERS.unknown.repeat(Math.min(daysOn - 1, DAYS_KEPT));
    return { last: day, states: (days.states + unseen + letter).slice(-DAYS_KEPT) };
  }
  const today = days.states.slice(-1);
  const worst = DAY_RANK.indexOf(letter) > DAY_RANK.indexOf(today) ? letter : today || letter;
  return { last: days.last, states: days.states.slice(0, -1) + worst };
};

/** A halt is an incident from the sample that shows it to the one that shows it released; not being able to read is neither. */
const haltIncidents = (incidents: readonly Incident[], sample: StatusSample, at: string): Incident[] => {
  const halt = { component: KILL_SWITCH_ID, kind: 'halt' } as const;
  if (sample.switchState === 'clear') return closeIncident(incidents, halt, at);
  if (sample.switchState === 'unknown') return [...incidents];
  return openIncident(incidents, {
    ...halt,
    severity: 'halted',
    startedAt: at,
    detail: 'The kill switch is engaged: nothing new is started.',
  });
};

interface Step {
  before: ComponentHistory;
  after: ComponentHistory;
  at: string;
  forgotten: boolean;
}

const faultIncidents = (incidents: Incident[], { before, after, at, forgotten }: Step): Incident[] => {
  const fault = { component: after.id, kind: 'fault' } as const;
  if (forgotten) return closeIncident(incidents, fault, at);
  if (after.settled === before.settled || after.settled === null) return incidents;
  if (after.settled === 'operational') return closeIncident(incidents, fault, beganAt(after, 'better') ?? at);
  const startedAt = beganAt(after, 'worse') ?? at;
  return openIncident(incidents, { ...fault, severity: after.settled, startedAt, detail: after.detail });
};
