import type { ScheduleKey } from './catalogue/schedules.ts';

/** Ids and chance of the plane, as a port: tests and the simulation own them. */
export interface Ids {
  /** A new run id: uuid v7, ordered by time. */
  runId(): string;
  /** The id of something named: uuid v5, the same for the same name for ever. */
  named(name: string): string;
  /** A new W3C `traceparent`. */
  traceparent(): string;
  /** Uniform in [0, 1): for jitter only. */
  random(): number;
}

/** Namespace of this project's named ids (RFC 9562, version 5). Changing it would run every slot again: never. */
export const idNamespace = 'c0f7a5b2-6f0e-5d0b-9b57-3d6f1f0a4e21';

/** ISO 8601 to the second, as EventBridge Scheduler writes a scheduled time: `2026-11-21T12:00:00Z`. */
export const slotName = (slotMs: number): string => `${new Date(slotMs).toISOString().slice(0, 19)}Z`;

/** The run of one slot: a function of cell, schedule and scheduled time, so that one tick is one run. */
export const tickRunId = (ids: Ids, cell: string, tick: { schedule: ScheduleKey; slotMs: number }): string =>
  ids.named(`tick/${cell}/${tick.schedule}/${slotName(tick.slotMs)}`);

/** The run of one call with an Idempotency-Key: asking twice is one run. */
export const requestRunId = (ids: Ids, caller: { cell: string; tenant: string; actor: string }, key: string): string =>
  ids.named(`request/${caller.cell}/${caller.tenant}/${caller.actor}/${key}`);

/** The id of what a run sends out once a generation and fence: consumers of events drop repeats by it. */
export const outboxId = (ids: Ids, run: { id: string; generation: number; fence: number }, kind: string): string =>
  ids.named(`outbox/${run.id}/${run.generation}/${run.fence}/${kind}`);
