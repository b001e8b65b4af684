/**
 * One attempt: the body is run under a lease that is renewed, a deadline, and an eye on the kill switch, each of which
 * ends it through its AbortSignal with the failure that says why.
 */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { queueRow } from './catalogue/queues.ts';
import { taskContract } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import { parsePayload } from './enqueue.ts';
import { describeIssues } from './envelope.ts';
import { Failure, toFailure } from './errors.ts';
import { unfold } from './fold.ts';
import { createGuard, guarded } from './guard.ts';
import { haltsWork, readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import { mutatingMethods, type PortName } from './ports.ts';
import { progressReporter } from './progress.ts';
import type { Run } from './run.ts';
import { updateClaimed } from './settle.ts';
import type { AnyBody, TaskContext } from './task.ts';
import { taskPorts } from './task-ports.ts';
import type { TaskName } from './catalogue/tasks.ts';

export type AttemptEnd =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failure'; readonly failure: Failure; readonly cursor: unknown; readonly advanced: boolean };

/** How long a body that was told to end may take before it is left behind: its permits are void by then. */
const graceMs = 5000;
const watchEveryMs = 1000;

export async function runAttempt(
  plane: Plane,
  claimed: Run,
  options: { body: AnyBody; deadlineMs: number },
): Promise<AttemptEnd> {
  const ending = new AbortController();
  const done = new AbortController();
  let cursor = claimed.cursor;
  const end = (failure: Failure) => ending.abort(failure);
  const watchers = startWatchers({
    plane,
    claimed,
    end,
    stop: done.signal,
    deadlineMs: options.deadlineMs,
    cursor: () => cursor,
  });
  const reporter = progressReporter({
    run: claimed,
    channel: plane.progress,
    clock: plane.clock,
    onLost: (cause) => plane.log.warn(logLines.frameLost, { run: claimed.id, reason: String(cause) }),
  });
  try {
    const payload = parsePayload(claimed.task, await unfold(plane.artefacts, claimed.payload));
    const context: TaskContext<TaskName> = {
      ports: openPorts(plane, claimed, () => !done.signal.aborted),
      run: { id: claimed.id, tenant: claimed.tenant, attempt: claimed.attempt, fence: claimed.fence },
      cursor: claimed.cursor,
      signal: ending.signal,
      nowMs: () => plane.clock.nowMs(),
      progress: (report) => reporter.report(report),
      checkpoint: (at) => {
        cursor = at;
        ending.signal.throwIfAborted();
      },
    };
    const result = await unlessLeftBehind(plane, options.body(payload, context), ending.signal);
    return { kind: 'result', result: parseResult(claimed.task, result) };
  } catch (thrown) {
    // Told to end, a body may fail in any way: the reason it was told is the failure.
    const failure = ending.signal.aborted ? toFailure(ending.signal.reason) : toFailure(thrown);
    const advanced = JSON.stringify(cursor ?? null) !== JSON.stringify(claimed.cursor ?? null);
    return { kind: 'failure', failure, cursor, advanced };
  } finally {
    done.abort();
    await Promise.allSettled([...watchers, reporter.flush()]);
  }
}

/** Only the ports of the contract, behind a guard that closes when the attempt has ended. */
function openPorts(plane: Plane, run: Run, isOpen: () => boolean): TaskContext<TaskName>['ports'] {
  const contract = taskContract(run.task);
  const guard = createGuard({ ports: plane, audit: plane.audit, run, contract, isOpen });
  const all = taskPorts(plane, run);
  const uses: readonly PortName[] = contract.uses;
  const open = (Object.keys(mutatingMethods) as PortName[]).filter((name) => uses.includes(name));
  return Object.fromEntries(
    open.map((name) => [name, guarded(name, all[name], guard)]),
  ) as unknown as TaskContext<TaskName>['ports'];
}

async function unlessLeftBehind<T>(plane: Plane, body: Promise<T>, signal: AbortSignal): Promise<T> {
  const settled = new AbortController();
  const leftBehind = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      plane.clock.sleep(graceMs, settled.signal).then(
        () => reject(signal.reason),
        () => undefined,
      );
    });
  });
  try {
    return await Promise.race([body, leftBehind]);
  } finally {
    settled.abort();
  }
}

function parseResult(task: TaskName, result: unknown): unknown {
  const parsed = taskContract(task).result.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new Failure(
    'RESULT_INVALID',
    `${task} returned what its contract does not promise: ${describeIssues(parsed.error)}`,
  );
}

interface Watch {
  readonly plane: Plane;
  readonly claimed: Run;
  readonly deadlineMs: number;
  readonly stop: AbortSignal;
  readonly end: (failure: Failure) => void;
  readonly cursor: () => unknown;
}

function startWatchers(watch: Watch): Promise<void>[] {
  const { lease } = queueRow(watch.claimed.queue);
  const long =
    lease.kind === 'renewed'
      ? [renewLease(watch, { everyMs: toMs(lease.renewEvery), lengthMs: toMs(lease.length) }), watchSwitch(watch)]
      : [];
  return [watchDeadline(watch), ...long];
}

/** Ends the attempt while there is still time to settle: a tenth of the timeout before it, at most 15 s. */
async function watchDeadline({ plane, claimed, deadlineMs, stop, end }: Watch): Promise<void> {
  const marginMs = Math.min(15_000, toMs(queueRow(claimed.queue).timeout) / 10);
  if (await slept(plane, deadlineMs - marginMs - plane.clock.nowMs(), stop)) {
    end(
      new Failure(
        'DEADLINE_EXCEEDED',
        `run ${claimed.id} was not finished ${marginMs / 1000} s before its invocation is ended: checkpoint more often, or do less in one run`,
      ),
    );
  }
}

async function renewLease(watch: Watch, { everyMs, lengthMs }: { everyMs: number; lengthMs: number }): Promise<void> {
  const { plane, claimed, stop, end } = watch;
  let renewedMs = plane.clock.nowMs();
  while (await slept(plane, everyMs, stop)) {
    const untilMs = plane.clock.nowMs() + lengthMs;
    try {
      const at = watch.cursor();
      await updateClaimed(plane, claimed, () => ({
        lease: { owner: plane.owner, untilMs },
        checkAfterMs: untilMs,
        ...(at === undefined ? {} : { cursor: at }),
      }));
      renewedMs = plane.clock.nowMs();
    } catch (cause) {
      const failure = toFailure(cause);
      if (failure.code === 'LEASE_LOST' || plane.clock.nowMs() - renewedMs >= lengthMs - everyMs) {
        end(new Failure('LEASE_LOST', `run ${claimed.id} could not keep its lease: ${failure.message}`, { cause }));
        return;
      }
    }
  }
}

/** Long work hears of a halt within about a second; of an unreadable switch only when it lasts. */
async function watchSwitch({ plane, claimed, stop, end }: Watch): Promise<void> {
  const contract = taskContract(claimed.task);
  let readableMs = plane.clock.monotonicMs();
  while (await slept(plane, watchEveryMs, stop)) {
    const reading = await readSwitch(plane);
    if (reading.state !== 'unknown') readableMs = plane.clock.monotonicMs();
    else if (plane.clock.monotonicMs() - readableMs >= toMs(limits.unknownEndsWorkAfter)) {
      return end(
        new Failure(
          'KILL_SWITCH_UNKNOWN',
          `run ${claimed.id} was ended: ${reading.why}, for ${limits.unknownEndsWorkAfter} s`,
        ),
      );
    }
    if (haltsWork(reading, claimed) && contract.whenHalted !== 'run') {
      return end(
        new Failure('KILL_SWITCH_HALTED', `run ${claimed.id} was ended: the plane is halted (${reading.why})`),
      );
    }
  }
}

/** True when the time has passed, false when the attempt ended first. */
async function slept(plane: Plane, ms: number, stop: AbortSignal): Promise<boolean> {
  try {
    await plane.clock.sleep(Math.max(0, ms), stop);
    return !stop.aborted;
  } catch {
    return false;
  }
}
