// The documents of the status page, as consumers read them (docs/status.md) and as the next sync reads its own history.
import * as z from 'zod';

/** `halted`: the kill switch is engaged. `unknown`: no data. The other three are settled by hysteresis. */
const COMPONENT_STATES = ['operational', 'degraded', 'outage', 'halted', 'unknown'] as const;
export type ComponentState = (typeof COMPONENT_STATES)[number];

export const SETTLED_STATES = ['operational', 'degraded', 'outage'] as const;
export type SettledState = (typeof SETTLED_STATES)[number];

const COMPONENT_KINDS = ['kill-switch', 'queue', 'schedule'] as const;

/** One letter a state, so that a history of thousands of samples stays small. */
export const STATE_LETTERS = { operational: 'o', degraded: 'd', outage: 'x', halted: 'h', unknown: 'u' } as const;

const instant = z.iso.datetime();
const count = z.int().nonnegative();
const letters = z.string().regex(/^[odxhu]*$/);
const state = z.enum(COMPONENT_STATES);

const incidentSchema = z.object({
  /** Stable: component, kind and start. */
  id: z.string(),
  component: z.string(),
  kind: z.enum(['fault', 'halt']),
  /** The worst it came to. */
  severity: z.enum(['degraded', 'outage', 'halted']),
  /** The first bad sample, not the moment it was believed. */
  startedAt: instant,
  /** The first good sample; null while open. */
  endedAt: instant.nullable(),
  /** What was seen when it opened, or worsened. */
  detail: z.string(),
});
export type Incident = z.infer<typeof incidentSchema>;

const componentHistorySchema = z.object({
  id: z.string(),
  kind: z.enum(COMPONENT_KINDS),
  name: z.string(),
  /** Null until the first samples have settled it. */
  settled: z.enum(SETTLED_STATES).nullable(),
  /** What the last five samples said, newest last; emptied by a halt, by a sample without data, and by a silence. */
  window: z.array(z.object({ seen: z.enum(SETTLED_STATES), at: instant })).max(5),
  /** Consecutive samples without data. */
  blindSamples: count,
  shown: state,
  shownSince: instant,
  detail: z.string(),
  /** The last 60 samples, newest last. */
  recent: letters,
  /** The worst of each UTC day, consecutive, newest last: the last 90. */
  days: z.object({ last: z.iso.date(), states: letters }),
});
export type ComponentHistory = z.infer<typeof componentHistorySchema>;

export const statusHistorySchema = z.object({
  v: z.literal(1),
  at: instant,
  components: z.array(componentHistorySchema),
  /** Open ones, and the last 100 closed; oldest first. */
  incidents: z.array(incidentSchema),
});
export type StatusHistory = z.infer<typeof statusHistorySchema>;

export const statusSchema = z.object({
  v: z.literal(1),
  generatedAt: instant,
  overall: state,
  killSwitch: z.enum(['clear', 'halted', 'unknown']),
  components: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(COMPONENT_KINDS),
      name: z.string(),
      state,
      since: instant,
      detail: z.string(),
    }),
  ),
  queues: z.array(
    z.object({
      name: z.string(),
      waiting: count,
      inFlight: count,
      deadLetters: count,
      oldestAgeMs: z.number().nonnegative(),
      ageObjectiveMs: z.number().nonnegative(),
    }),
  ),
  schedules: z.array(
    z.object({
      key: z.string(),
      task: z.string(),
      /** Newest first. `latenessMs` is null for a slot that was never claimed. */
      slots: z.array(
        z.object({ slot: instant, runId: z.string(), state: z.string(), latenessMs: z.number().nullable() }),
      ),
    }),
  ),
  incidents: z.object({ open: z.array(incidentSchema), recent: z.array(incidentSchema) }),
});
export type Status = z.infer<typeof statusSchema>;

/** What a sync has seen. The plane's StatusSample is one. */
export interface StatusSample {
  readonly atMs: number;
  readonly queues: readonly QueueSample[];
  readonly slots: readonly SlotSample[];
  readonly switchState: 'clear' | 'halted' | 'unknown';
}

export interface QueueSample {
  readonly queue: string;
  readonly depth: { readonly waiting: number; readonly inFlight: number };
  readonly deadLetters: number;
  readonly oldestAgeMs: number;
  readonly ageObjectiveMs: number;
}

export interface SlotSample {
  readonly schedule: string;
  readonly task: string;
  readonly slotMs: number;
  readonly runId: string;
  /** A run state, or `missing` when the slot has no run. */
  readonly state: string;
  readonly latenessMs?: number;
}
