/**
 * Ending an attempt: one conditional write under our fence that carries the outbox, then the outbox is drained.
 *
 * Whoever comes next (this process, a duplicate delivery, the reaper) drains what is left. What an entry sends out is
 * derived from the row and carries a deterministic id, so draining twice sends the same thing twice, never two things.
 */
import { limits } from './catalogue/limits.ts';
import { logLines, type MetricName } from './catalogue/metrics.ts';
import { sendCallback } from './callback.ts';
import { untilWritten } from './conflict.ts';
import { toMs } from './duration.ts';
import { sendPointer } from './enqueue.ts';
import { Failure } from './errors.ts';
import { outboxId } from './ids.ts';
import type { Plane } from './plane.ts';
import type { LifecycleEvent, OutboxEntry } from './ports.ts';
import { terminalFrame } from './progress.ts';
import { changeRun, isTerminal, type Run, type RunChange, type RunState } from './run.ts';

/**
 * Writes what `change` makes of the row, as long as it is running under `claimed`'s fence. Others may touch the row
 * meanwhile (a flag, a renewal of ours): then it is read again and the change applied to what stands.
 *
 * @throws Failure LEASE_LOST when another claim has taken the run; LEDGER_CONFLICT after eight lost races.
 */
export async function updateClaimed(
  plane: Pick<Plane, 'ledger'>,
  claimed: Run,
  change: (row: Run) => RunChange,
): Promise<Run> {
  let row = claimed;
  return untilWritten(`run ${claimed.id}`, async () => {
    const next = changeRun(row, change(row));
    if ((await plane.ledger.replace(row, next)) === 'replaced') return next;
    row = await stillOurs(plane, claimed);
    return undefined;
  });
}

async function stillOurs(plane: Pick<Plane, 'ledger'>, claimed: Run): Promise<Run> {
  const row = await plane.ledger.read(claimed.id);
  if (row && row.fence === claimed.fence && row.state === 'running') return row;
  const found = row ? `is ${row.state} under fence ${row.fence}` : 'is gone';
  throw new Failure('LEASE_LOST', `run ${claimed.id} was taken over: our fence is ${claimed.fence}, the row ${found}`);
}

/** Drains the outbox of the row and clears it; what cannot be sent stays for the reaper. Never throws. */
export async function drain(plane: Plane, run: Run): Promise<'drained' | 'left'> {
  if (run.outbox.length === 0) return 'drained';
  try {
    for (const entry of run.outbox) await deliver(plane, run, entry);
    const cleared = changeRun(run, { outbox: [] });
    // A conflict means that somebody else has drained or moved it on: either way it is not ours any more.
    await plane.ledger.replace(run, cleared);
    return 'drained';
  } catch (cause) {
    plane.log.warn(logLines.outboxLeft, {
      run: run.id,
      outbox: run.outbox,
      reason: cause instanceof Error ? cause.message : String(cause),
    });
    return 'left';
  }
}

async function deliver(plane: Plane, run: Run, entry: OutboxEntry): Promise<void> {
  switch (entry) {
    case 'frame':
      return plane.progress.publish(terminalFrame(run));
    case 'event':
      return plane.lifecycle.emit(lifecycleEvent(plane, run));
    case 'send':
      return sendPointer(plane, run);
    case 'callback':
      return sendCallback(plane, run);
    case 'dead-letter':
      return plane.queues.deadLetter(run.queue, {
        body: JSON.stringify({ v: 1, run: run.id, generation: run.generation, task: run.task, tenant: run.tenant }),
        code: run.outcome?.code ?? 'INTERNAL',
        reason: run.outcome?.message ?? 'no reason was kept',
        group: run.tenant,
        deduplicationId: outboxId(plane.ids, run, entry),
      });
  }
}

const eventNames = {
  succeeded: 'RunSucceeded',
  failed: 'RunFailed',
  dead: 'RunDead',
  skipped: 'RunSkipped',
  cancelled: 'RunCancelled',
} as const satisfies Partial<Record<RunState, LifecycleEvent['name']>>;

function lifecycleEvent(plane: Plane, run: Run): LifecycleEvent {
  if (!isTerminal(run.state)) throw new TypeError(`run ${run.id} is ${run.state}: only a terminal run has an event`);
  const name = eventNames[run.state as keyof typeof eventNames];
  return { id: outboxId(plane.ids, run, 'event'), name, detail: { ...factsOf(run), code: run.outcome?.code } };
}

const factsOf = ({ id, task, queue, tenant, actor, attempt }: Run) => ({
  run: id,
  task,
  queue,
  tenant,
  actor: actor.id,
  attempt,
});

/** Tells that a run was begun: beside its work, which neither waits for an event nor depends on one. Never rejects. */
export async function tellStarted(plane: Plane, run: Run): Promise<void> {
  const event = { id: outboxId(plane.ids, run, 'started'), name: 'RunStarted', detail: factsOf(run) } as const;
  await Promise.allSettled([plane.lifecycle.emit(event)]);
}

const settledMetrics: Partial<Record<RunState, MetricName>> = {
  succeeded: 'RunSucceeded',
  failed: 'RunFailed',
  dead: 'RunDead',
  skipped: 'RunSkipped',
  held: 'RunHeld',
  queued: 'RunRetried',
};

/**
 * Log line and series of a row that has just left `running`, or was put aside instead of being run. An attempt that was
 * given back (a hand-back, the next leg) failed at nothing: it is no retry.
 */
export function recordSettled(plane: Plane, run: Run, attemptBefore = run.attempt): void {
  const metric = settledMetrics[run.state];
  const givenBack = run.state === 'queued' && run.attempt < attemptBefore;
  if (metric && !givenBack) plane.metrics.record(metric, 1, run.queue);
  if (run.claimedMs !== undefined && run.starts > 0)
    plane.metrics.record('RunDuration', plane.clock.nowMs() - run.claimedMs, run.queue);
  recordSlot(plane, run);
  plane.log.info(logLines.runSettled, {
    run: run.id,
    task: run.task,
    state: run.state,
    attempt: run.attempt,
    ...(run.schedule === undefined ? {} : { schedule: run.schedule }),
    ...(run.outcome?.code ? { code: run.outcome.code } : {}),
  });
}

function recordSlot(plane: Plane, run: Run): void {
  if (run.schedule === undefined || run.slotMs === undefined) return;
  if (run.state === 'skipped') plane.metrics.record('SlotSkipped', 1, run.schedule);
  if (run.state !== 'succeeded') return;
  plane.metrics.record('SlotCompleted', 1, run.schedule);
  plane.metrics.record('SlotLateness', (run.claimedMs ?? run.slotMs) - run.slotMs, run.schedule);
}

/** Due again at `notBeforeMs`: the reaper sends it when its own message has not come back a minute later. */
export const dueAgain = (notBeforeMs: number): RunChange => ({
  state: 'queued',
  lease: 'none',
  notBeforeMs,
  checkAfterMs: notBeforeMs + toMs(limits.sendOverdueAfter),
});
