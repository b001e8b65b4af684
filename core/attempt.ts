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
import { progressReporter, type ProgressReporter } from './progress.ts';
import type { Run } from './run.ts';
import { updateClaimed } from './settle.ts';
import type { AnyBody, TaskContext } from './task.ts';
import { taskPorts } from './task-ports.ts';
import type { TaskName } from './catalogue/tasks.ts';

export type AttemptEnd = {
  /** Frames that were sent under this fence: the terminal one comes after them. */
  readonly frames: number;
} & (
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failure'; readonly failure: Failure; readonly cursor: unknown; readonly advanced: boolean }
);

/** What the parts of one attempt share. */
interface Leg {
  readonly plane: Plane;
  readonly claimed: Run;
  readonly deadlineMs: number;
  /** Aborted, with the failure that says why, when the body must end. */
  readonly ending: AbortController;
  /** Aborted when the attempt is over: watchers go home, the guard closes. */
  readonly over: AbortController;
  readonly reporter: ProgressReporter;
  cursor: unknown;
}

/** Runs the body to its end, or to the end that a watcher sets it. Never throws. */
export async function runAttempt(
  plane: Plane,
  claimed: Run,
  options: { body: AnyBody; deadlineMs: number },
): Promise<AttemptEnd> {
  const leg = openLeg(plane, claimed, options.deadlineMs);
  const watchers = startWatchers(leg);
  const end = await runBody(leg, options.body);
  leg.over.abort();
  const frames = await leg.reporter.flush();
  await Promise.allSettled(watchers);
  return { ...end, frames };
}

function openLeg(plane: Plane, claimed: Run, deadlineMs: number): Leg {
  const onLost = (cause: unknown) => plane.log.warn(logLines.frameLost, { run: claimed.id, reason: String(cause) });
  const reporter = progressReporter({ run: claimed, channel: plane.progress, clock: plane.clock, onLost });
  return {
    plane,
    claimed,
    deadlineMs,
    ending: new AbortController(),
    over: new AbortController(),
    reporter,
    cursor: claimed.cursor,
  };
}

type BodyEnd =
  | { kind: 'result'; result: unknown }
  | { kind: 'failure'; failure: Failure; cursor: unknown; advanced: boolean };

async function runBody(leg: Leg, body: AnyBody): Promise<BodyEnd> {
  const { plane, claimed, ending } = leg;
  try {
    const payload = parsePayload(claimed.task, await unfold(plane.artefacts, claimed.payload));
    // Fetching it may have taken all the time there was: a body that begins now would not hear that it must end.
    ending.signal.throwIfAborted();
    const result = await unlessLeftBehind(leg, body(payload, contextOf(leg)));
    return { kind: 'result', result: parseResult(claimed.task, result) };
  } catch (thrown) {
    // Told to end, a body may fail in any way: the reason it was told is the failure.
    const failure = toFailure(ending.signal.aborted ? ending.signal.reason : thrown);
    const advanced = JSON.stringify(leg.cursor ?? null) !== JSON.stringify(claimed.cursor ?? null);
    return { kind: 'failure', failure, cursor: leg.cursor, advanced };
  }
}

function contextOf(leg: Leg): TaskContext<TaskName> {
  const { plane, claimed, ending } = leg;
  return {
    ports: openPorts(leg),
    run: { id: claimed.id, tenant: claimed.tenant, attempt: claimed.attempt, fence: claimed.fence },
    cursor: claimed.cursor,
    signal: ending.signal,
    nowMs: () => plane.clock.nowMs(),
    progress: (report) => leg.reporter.report(report),
    checkpoint: (at) => {
      checkCursor(claimed, at);
      leg.cursor = at;
      ending.signal.throwIfAborted();
    },
  };
}

function checkCursor({ id, task }: Run, cursor: unknown): void {
  const { length } = JSON.stringify(cursor) ?? '';
  if (length <= limits.cursorBytes) return;
  throw new Failure(
    'RESULT_INVALID',
    `the cursor of run ${id} has ${length} characters, more than the ${limits.cursorBytes} that a row can carry: ${task} must put data into its artefacts and keep their names`,
  );
}

/** Only the ports of the contract, behind a guard that closes when the attempt is over. */
function openPorts({ plane, claimed, over }: Leg): TaskContext<TaskName>['ports'] {
  const contract = taskContract(claimed.task);
  const guard = createGuard({
    ports: plane,
    audit: plane.audit,
    run: claimed,
    contract,
    isOpen: () => !over.signal.aborted,
  });
  const all = taskPorts(plane, claimed);
  return Object.fromEntries(
    contract.uses.map((name) => [name, guarded(name, all[name], guard)]),
  ) as unknown as TaskContext<TaskName>['ports'];
}

/** A body that does not end when it is told is left behind: the attempt is over for it, and the guard closed. */
async function unlessLeftBehind<T>({ plane, claimed, ending, over }: Leg, body: Promise<T>): Promise<T> {
  const leftBehind = new Promise<never>((_, reject) => {
    ending.signal.addEventListener('abort', () => {
      plane.clock.sleep(Math.min(longestGraceMs, marginMs(claimed) / 2), over.signal).then(
        () => reject(ending.signal.reason as Failure),
        () => undefined,
      );
    });
  });
  return Promise.race([body, leftBehind]);
}

function parseResult(task: TaskName, result: unknown): unknown {
  const parsed = taskContract(task).result.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new Failure(
    'RESULT_INVALID',
    `${task} returned what its contract does not promise: ${describeIssues(parsed.error)}`,
  );
}

function startWatchers(leg: Leg): Promise<void>[] {
  const { lease } = queueRow(leg.claimed.queue);
  if (lease.kind === 'invocation') return [watchDeadline(leg)];
  const renewal = { everyMs: toMs(lease.renewEvery), lengthMs: toMs(lease.length) };
  return [watchDeadline(leg), renewLease(leg, renewal), watchSwitch(leg)];
}

/** Time kept at the end of an invocation for settling: a tenth of its timeout, at most 15 s. */
const marginMs = (run: Run): number => Math.min(15_000, toMs(queueRow(run.queue).timeout) / 10);
/** How long a body that was told to end may take before it is left behind. */
const longestGraceMs = 5000;
const watchEveryMs = 1000;

const end = (leg: Leg, failure: Failure): void => leg.ending.abort(failure);

async function watchDeadline(leg: Leg): Promise<void> {
  const { plane, claimed, deadlineMs } = leg;
  const beforeMs = marginMs(claimed);
  if (await slept(leg, deadlineMs - beforeMs - plane.clock.nowMs())) {
    end(
      leg,
      new Failure(
        'DEADLINE_EXCEEDED',
        `run ${claimed.id} was not finished ${beforeMs / 1000} s before its invocation is ended: checkpoint more often, or do less in one run`,
      ),
    );
  }
}

async function renewLease(leg: Leg, { everyMs, lengthMs }: { everyMs: number; lengthMs: number }): Promise<void> {
  const { plane, claimed } = leg;
  let renewedMs = plane.clock.nowMs();
  while (await slept(leg, everyMs)) {
    const untilMs = plane.clock.nowMs() + lengthMs;
    try {
      const at = leg.cursor;
      await updateClaimed(plane, claimed, () => ({
        lease: { owner: plane.owner, untilMs },
        checkAfterMs: untilMs,
        ...(at === undefined ? {} : { cursor: at }),
      }));
      renewedMs = plane.clock.nowMs();
    } catch (cause) {
      const failure = toFailure(cause);
      if (failure.code === 'LEASE_LOST' || plane.clock.nowMs() - renewedMs >= lengthMs - everyMs) {
        end(
          leg,
          new Failure('LEASE_LOST', `run ${claimed.id} could not keep its lease: ${failure.message}`, { cause }),
        );
        return;
      }
    }
  }
}

/** Long work hears of a halt within about a second; of an unreadable switch only when it lasts. */
async function watchSwitch(leg: Leg): Promise<void> {
  const { plane, claimed } = leg;
  const contract = taskContract(claimed.task);
  let readableMs = plane.clock.monotonicMs();
  while (await slept(leg, watchEveryMs)) {
    const reading = await readSwitch(plane);
    if (reading.state !== 'unknown') readableMs = plane.clock.monotonicMs();
    else if (plane.clock.monotonicMs() - readableMs >= toMs(limits.unknownEndsWorkAfter)) {
      return end(
        leg,
        new Failure(
          'KILL_SWITCH_UNKNOWN',
          `run ${claimed.id} was ended: ${reading.why}, for ${limits.unknownEndsWorkAfter} s`,
        ),
      );
    }
    if (haltsWork(reading, claimed) && contract.whenHalted !== 'run') {
      return end(
        leg,
        new Failure('KILL_SWITCH_HALTED', `run ${claimed.id} was ended: the plane is halted (${reading.why})`),
      );
    }
  }
}

/** True when the time has passed, false when the attempt was over first. */
async function slept({ plane, over }: Leg, ms: number): Promise<boolean> {
  try {
    await plane.clock.sleep(Math.max(0, ms), over.signal);
    return !over.signal.aborted;
  } catch {
    return false;
  }
}
