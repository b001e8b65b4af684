import type { CallbackTarget } from './catalogue/callbacks.ts';
import type { QueueName } from './catalogue/queues.ts';
import type { ScheduleKey } from './catalogue/schedules.ts';
import type { TaskName } from './catalogue/tasks.ts';
import { Failure, type FailureCode } from './errors.ts';

export const runStates = ['queued', 'held', 'running', 'succeeded', 'failed', 'cancelled', 'skipped', 'dead'] as const;
export type RunState = (typeof runStates)[number];

/** Legal steps of a run. An adapter refuses to write any other. */
const transitions: Record<RunState, readonly RunState[]> = {
  queued: ['running', 'held', 'skipped', 'cancelled', 'failed'],
  running: ['succeeded', 'failed', 'cancelled', 'skipped', 'dead', 'queued', 'held'],
  held: ['queued', 'cancelled'],
  succeeded: [],
  cancelled: [],
  failed: ['queued'],
  dead: ['queued'],
  skipped: ['queued'],
};
const terminal: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'cancelled', 'skipped', 'dead']);
export const isTerminal = (state: RunState): boolean => terminal.has(state);

export interface Actor {
  readonly kind: 'human' | 'system' | 'service';
  /** `started_by_user_id` of the original; `system:beat` for a schedule. */
  readonly id: string;
  readonly onBehalfOf?: string;
}
export const beat: Actor = { kind: 'system', id: 'system:beat' };

/** What must still leave the plane because of the row's state; what each holds is derived from the row itself. */
export type OutboxEntry = 'frame' | 'event' | 'dead-letter' | 'send' | 'callback';

/** A value on the row, or where it lies when it is too large for one. */
export type Folded = { readonly inline: unknown } | { readonly key: string };

export interface RunOutcome {
  /** A failure's code, or why a run was skipped or held; absent when it succeeded. */
  readonly code?: FailureCode | SkipReason;
  readonly message?: string;
  readonly result?: Folded;
}
export type SkipReason = 'stale' | 'halted' | 'overlap' | 'paused';

export interface Lease {
  /** Who holds it: one execution environment. */
  readonly owner: string;
  readonly untilMs: number;
}

/** Somebody wants the run to end: its owner ends it, and whoever else finds the row cancels it instead of starting it. */
export interface CancelRequest {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/** The operation that began this generation, or that made the run of a slot which had none. */
export interface BegunAgain {
  readonly how: 'retry' | 'redrive' | 'catch-up';
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/** One row of `workload_runs`: the truth about a run. Times are milliseconds of the plane's clock. */
export interface Run {
  readonly v: 1;
  readonly id: string;
  /** Counts writes; each write is conditional on the one it was computed from. */
  readonly rev: number;
  readonly tenant: string;
  readonly cell: string;
  readonly task: TaskName;
  readonly queue: QueueName;
  readonly actor: Actor;
  readonly payload: Folded;
  readonly payloadHash: string;
  readonly state: RunState;
  /** Attempts begun in this generation; a hand-back, hold or continue takes its own back. */
  readonly attempt: number;
  /** Every start of this run, in all: what an operator sees as "how often was it begun". */
  readonly starts: number;
  /** 1 at first; each explicit retry, redrive or catch-up adds one. */
  readonly generation: number;
  /** Rises with each claim: a writer with an older one is refused. */
  readonly fence: number;
  readonly send: number;
  readonly hops: number;
  readonly traceparent: string;
  readonly createdMs: number;
  readonly notBeforeMs: number;
  /** When the reaper should look at it; its sort key in the open index. */
  readonly checkAfterMs: number;
  readonly lease?: Lease;
  /** Where the next attempt or leg goes on. */
  readonly cursor?: unknown;
  readonly schedule?: ScheduleKey;
  readonly slotMs?: number;
  readonly claimedMs?: number;
  readonly settledMs?: number;
  readonly outcome?: RunOutcome;
  readonly outbox: readonly OutboxEntry[];
  /** Frames sent under this fence, as far as its owner could say; the terminal frame is the one after them. */
  readonly frames: number;
  readonly artefacts?: readonly string[];
  readonly cancel?: CancelRequest;
  readonly again?: BegunAgain;
  /** Whom to tell when it has ended, each time that it does. */
  readonly callback?: CallbackTarget;
}

/** What a step changes; everything else stays, but for the revision. */
export type RunChange = Partial<Omit<Run, 'v' | 'id' | 'rev' | Removable>> & {
  readonly [K in Removable]?: Run[K] | 'none';
};
/** What a step can take from a row: 'none' removes it. */
type Removable = 'lease' | 'outcome' | 'cancel' | 'settledMs';

/**
 * The row after a step. Staying in a state (a renewal, a drained outbox, a re-send) is always legal.
 *
 * @throws Failure TRANSITION_ILLEGAL when the table does not have the step.
 */
export function changeRun(run: Run, change: RunChange): Run {
  const { lease, outcome, cancel, settledMs, ...rest } = change;
  checkTransition(run, { state: rest.state ?? run.state, generation: rest.generation ?? run.generation });
  const next: Run = { ...run, ...rest, rev: run.rev + 1 };
  return applyRemovable(withCallback(run, next), { lease, outcome, cancel, settledMs });
}

/** Here, so that no way of ending forgets whoever waits to be told. */
function withCallback(run: Run, next: Run): Run {
  const ends = isTerminal(next.state) && !isTerminal(run.state);
  return ends && next.callback ? { ...next, outbox: [...next.outbox, 'callback'] } : next;
}

/** @throws Failure TRANSITION_ILLEGAL */
export function checkTransition(
  from: Pick<Run, 'id' | 'state' | 'generation'>,
  to: Pick<Run, 'state' | 'generation'>,
): void {
  const again = isTerminal(from.state) && to.state === 'queued';
  const stays = from.state === to.state && from.generation === to.generation;
  const steps = transitions[from.state].includes(to.state) && to.generation === from.generation + (again ? 1 : 0);
  if (stays || steps) return;
  throw new Failure(
    'TRANSITION_ILLEGAL',
    `run ${from.id} cannot go from ${from.state} (generation ${from.generation}) to ${to.state} (generation ${to.generation})`,
  );
}

function applyRemovable(run: Run, change: { [K in Removable]: RunChange[K] | undefined }): Run {
  const entries = Object.entries(change).filter(([, value]) => value !== undefined);
  const given = Object.fromEntries(entries.filter(([, value]) => value !== 'none'));
  const next: { -readonly [K in keyof Run]: Run[K] } = { ...run, ...given };
  for (const [key, value] of entries) if (value === 'none') delete next[key as Removable];
  return next;
}

/** The partition of the open index in which a row stands, or none once it is terminal and drained. */
export function openState(run: Pick<Run, 'state' | 'outbox'>): 'queued' | 'running' | 'held' | 'outbox' | undefined {
  if (isTerminal(run.state)) return run.outbox.length > 0 ? 'outbox' : undefined;
  return run.state as 'queued' | 'running' | 'held';
}
