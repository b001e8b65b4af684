/**
 * How many executors a family gets, and when.
 *
 * Whoever kicks says nothing but "look". The dispatcher then counts what waits in the ledger, what its executors say of
 * themselves, and what was launched and has not yet spoken, and launches what is missing. The queue of kicks has one
 * group a family, so no two looks at one family run at once; should two do so after all, their writes of the family's
 * record exclude each other.
 *
 * Guarantees. A decision is written down before it is carried out, and carried out under a token made of its number: a
 * dispatcher that dies in between is followed by one that carries out the same decision, and ECS answers with the same
 * tasks. A task that stops has its runs settled at once, under their fences.
 *
 * Traps. An executor may end while a message is on its way to it: that is why the reaper kicks once a minute, and why
 * the end of every task is a kick. A task that never speaks is a failed start, whatever ECS says of it.
 */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { queueRow } from './catalogue/queues.ts';
import type { Family } from './catalogue/entry-points.ts';
import { minutes, toMs } from './duration.ts';
import { Failure } from './errors.ts';
import { changeFamily, readFamily, readSlots, type FamilyRecord, type SlotRecord } from './family.ts';
import { kickFamily, type Kick } from './kick.ts';
import { readSwitch, type Reading } from './kill-switch.ts';
import { loseAttempt } from './lost.ts';
import type { Plane } from './plane.ts';
import type { Executors } from './ports.ts';
import { countWaiting } from './waiting.ts';

export type DispatchPlane = Plane & { readonly executors: Executors };

/** What a look at a family led to. */
export interface Dispatched {
  readonly launched: readonly string[];
  /** Why nothing, or less than wanted, was launched. */
  readonly because?: 'halted' | 'backing off' | 'enough' | 'refused';
}

const haltsQueue = (reading: Reading, family: Family): boolean =>
  reading.state === 'halted' || reading.narrowed.some(({ kind, name }) => kind === 'queue' && name === family);

/** What the decision is made of; counts of runs, executors and slots. */
export interface Circumstances {
  readonly waiting: number;
  readonly live: number;
  /** Slots of live executors that are not draining. */
  readonly freeSlots: number;
  /** Launched, and not yet heard of. */
  readonly pending: number;
  readonly slots: number;
  readonly maximum: number;
}

/** `clamp(0, max - live - pending, ceil((waiting - freeSlots - pending * slots) / slots))`, aws.md "Heavy queues". */
export function launchCount({ waiting, live, freeSlots, pending, slots, maximum }: Circumstances): number {
  const missing = Math.ceil((waiting - freeSlots - pending * slots) / slots);
  return Math.max(0, Math.min(maximum - live - pending, missing));
}

/** Minutes to wait after `failedStarts` failed starts in a row: 0 for the first two, then 1, 2, 4, 8, 15. */
export const backOffMinutes = (failedStarts: number): number =>
  failedStarts < limits.failedStartsBeforeBackOff
    ? 0
    : Math.min(limits.longestBackOffMinutes, 2 ** Math.min(failedStarts - limits.failedStartsBeforeBackOff, 10));

/**
 * Takes the kicks of one family, in their order: settles what the stopped tasks held, then looks once.
 *
 * @throws Failure KILL_SWITCH_UNKNOWN (the kicks come back), and what ledger and control throw.
 */
export async function dispatch(plane: DispatchPlane, family: Family, kicks: readonly Kick[]): Promise<Dispatched> {
  for (const kick of kicks) if (kick.cause === 'stopped') await taskStopped(plane, family, kick);
  const reading = await readSwitch(plane);
  if (reading.state === 'unknown')
    throw new Failure('KILL_SWITCH_UNKNOWN', `no executor of ${family} is started: ${reading.why}`);
  if (haltsQueue(reading, family)) return { launched: [], because: 'halted' };
  return launchMissing(plane, family);
}

type Stopped = Extract<Kick, { cause: 'stopped' }>;

/** The runs it held are lost, each under its fence; a task that never spoke is a failed start. */
async function taskStopped(plane: DispatchPlane, family: Family, { task, reason, stopCode }: Stopped): Promise<void> {
  const said = await readSlots(plane, task);
  const why = `its executor stopped (${stopCode}: ${reason.slice(0, 160)})`;
  for (const run of said?.slots ?? []) if (run !== null) await loseRunOf(plane, run, { task, why });
  await changeFamily(plane, family, (record) => {
    const known = record.executors.some((one) => one.task === task);
    const executors = record.executors.filter((one) => one.task !== task);
    const rest = { ...record, executors };
    // One that spoke had started, however briefly it was there.
    if (said) return { ...rest, failedStarts: 0 };
    return !known ? rest : startFailed(rest, `${stopCode}: ${reason}`, plane.clock.nowMs());
  });
  if (!said) startFailedLine(plane, family, { task, reason: `${stopCode}: ${reason}` });
}

async function loseRunOf(plane: Plane, id: string, { task, why }: { task: string; why: string }): Promise<void> {
  const row = await plane.ledger.read(id);
  if (row?.state === 'running' && row.lease?.owner === task) await loseAttempt(plane, row, why);
}

function startFailed(record: FamilyRecord, reason: string, nowMs: number): FamilyRecord {
  const failedStarts = record.failedStarts + 1;
  const backOffMs = toMs(minutes(backOffMinutes(failedStarts)));
  return {
    ...record,
    failedStarts,
    lastFailure: reason.slice(0, 500),
    ...(backOffMs > 0 ? { backOffUntilMs: nowMs + backOffMs } : {}),
  };
}

function startFailedLine(plane: Plane, family: Family, facts: { task?: string; reason: string }): void {
  plane.metrics.record('StartFailed', 1);
  plane.log.warn(logLines.startFailed, { family, ...facts });
}

async function launchMissing(plane: DispatchPlane, family: Family): Promise<Dispatched> {
  const record = await finishOpen(plane, family, await lookAfter(plane, family));
  const nowMs = plane.clock.nowMs();
  if ((record.backOffUntilMs ?? 0) > nowMs) return { launched: [], because: 'backing off' };
  const missing = launchCount(await circumstances(plane, family, record));
  if (missing === 0) return { launched: [], because: 'enough' };
  const count = Math.min(missing, limits.tasksALaunch);
  // The decision stands before it is carried out.
  const decided = await changeFamily(plane, family, (now) => {
    if (now.open || now.seq !== record.seq) throw superseded(family);
    return { ...now, seq: now.seq + 1, open: { count } };
  });
  const before = new Set(decided.executors.map(({ task }) => task));
  const after = await finishOpen(plane, family, decided);
  const launched = after.executors.map(({ task }) => task).filter((task) => !before.has(task));
  if (missing > count && launched.length > 0) await kickFamily(plane, family, 'again');
  return { launched, ...(launched.length === 0 ? { because: 'refused' as const } : {}) };
}

const superseded = (family: Family) =>
  new Failure('LEDGER_CONFLICT', `another look at ${family} decided at the same time: the kick comes back`);

/**
 * Carries out the decision that stands open, on the first capacity that has room. That one had none is written down before
 * the next is asked: whoever carries the decision on must not ask it again, now that there may be room.
 */
async function finishOpen(plane: DispatchPlane, family: Family, record: FamilyRecord): Promise<FamilyRecord> {
  if (!record.open) return record;
  const { count, capacity: at = 0 } = record.open;
  const { capacity: capacities } = queueRow(family);
  const capacity = capacities[at] ?? capacities[0] ?? 'FARGATE';
  const token = `${family}-${record.seq}-${capacity}`;
  const { tasks, refused = 'no reason was given' } = await plane.executors.launch({ family, count, capacity, token });
  const isLast = at + 1 >= capacities.length;
  const reason = `${capacity}: ${refused}`;
  if (tasks.length === 0 && isLast) startFailedLine(plane, family, { reason });
  const nowMs = plane.clock.nowMs();
  const next = await changeFamily(plane, family, (now) => {
    if (now.seq !== record.seq) throw superseded(family);
    if (tasks.length === 0 && !isLast) return { ...now, open: { count, capacity: at + 1 } };
    const { open: _, ...rest } = now;
    if (tasks.length === 0) return startFailed(rest, reason, nowMs);
    const known = new Set(rest.executors.map(({ task }) => task));
    const fresh = tasks.filter((task) => !known.has(task)).map((task) => ({ task, launchedMs: nowMs }));
    return { ...rest, executors: [...rest.executors, ...fresh] };
  });
  return finishOpen(plane, family, next);
}

/** Forgets executors that must be gone, and takes note of those that have spoken. */
async function lookAfter(plane: DispatchPlane, family: Family): Promise<FamilyRecord> {
  const record = await readFamily(plane, family);
  const states = await Promise.all(record.executors.map((one) => stateOf(plane, one)));
  const gone = record.executors.filter((_, index) => states[index]?.kind === 'gone' || states[index]?.kind === 'mute');
  const spoke = states.some((state) => state.kind === 'live') && record.failedStarts > 0;
  if (gone.length === 0 && !spoke) return record;
  const mute = record.executors.filter((_, index) => states[index]?.kind === 'mute');
  for (const { task } of mute) {
    startFailedLine(plane, family, { task, reason: 'it never spoke' });
    // It may be gone for so long that ECS has forgotten it.
    await Promise.allSettled([plane.executors.stop(task, `not a word from it in ${limits.startWithin} s`)]);
  }
  const goneTasks = new Set(gone.map(({ task }) => task));
  return changeFamily(plane, family, (now) => {
    const executors = now.executors.filter(({ task }) => !goneTasks.has(task));
    const { backOffUntilMs: _, ...rest } = now;
    if (spoke) return { ...rest, executors, failedStarts: 0 };
    return mute.length > 0
      ? startFailed({ ...now, executors }, 'a task never spoke', plane.clock.nowMs())
      : { ...now, executors };
  });
}

type ExecutorState =
  | { readonly kind: 'live'; readonly said: SlotRecord }
  | { readonly kind: 'pending' | 'silent' | 'gone' | 'mute' };

async function stateOf(plane: Plane, one: FamilyRecord['executors'][number]): Promise<ExecutorState> {
  const nowMs = plane.clock.nowMs();
  const said = await readSlots(plane, one.task);
  if (!said) return { kind: nowMs - one.launchedMs > toMs(limits.startWithin) ? 'mute' : 'pending' };
  if (nowMs - said.renewedMs <= toMs(limits.executorSilentFor)) return { kind: 'live', said };
  // Silent for longer than any lease: its runs are the reaper's, should its end never be told.
  return { kind: nowMs - said.renewedMs <= toMs(limits.executorForgottenAfter) ? 'silent' : 'gone' };
}

async function circumstances(plane: DispatchPlane, family: Family, record: FamilyRecord): Promise<Circumstances> {
  const { slots, concurrency } = queueRow(family);
  const states = await Promise.all(record.executors.map((one) => stateOf(plane, one)));
  const live = states.flatMap((state) => (state.kind === 'live' ? [state.said] : []));
  const free = live.filter(({ draining }) => !draining).flatMap((said) => said.slots.filter((run) => run === null));
  const most = concurrency.maximum * slots;
  return {
    waiting: await countWaiting(plane, family, most),
    live: live.length + states.filter(({ kind }) => kind === 'silent').length,
    freeSlots: free.length,
    pending: states.filter(({ kind }) => kind === 'pending').length,
    slots,
    maximum: concurrency.maximum,
  };
}
