/**
 * One attempt: the body is run under a lease that is renewed, a deadline, and an eye on the kill switch, each of which
 * ends it through its AbortSignal with the failure that says why.
 */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { taskContract } from './catalogue/tasks.ts';
import { describeIssues } from './envelope.ts';
import { Failure, toFailure } from './errors.ts';
import { unfold } from './fold.ts';
import { createGuard, guarded } from './guard.ts';
import { parsePayload } from './payload.ts';
import type { Plane } from './plane.ts';
import { progressReporter } from './progress.ts';
import { withoutSecrets } from './redact.ts';
import type { Run } from './run.ts';
import type { AnyBody, TaskContext } from './task.ts';
import { taskPorts } from './task-ports.ts';
import { graceMs, startWatchers, type Leg } from './watch.ts';
import type { TaskName } from './catalogue/tasks.ts';

export type AttemptEnd = {
  /** Frames that were sent under this fence: the terminal one comes after them. */
  readonly frames: number;
} & (
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failure'; readonly failure: Failure; readonly cursor: unknown; readonly advanced: boolean }
);

export interface AttemptOptions {
  readonly body: AnyBody;
  readonly deadlineMs: number;
  /** Aborted when this process must end: its runs are handed back. */
  readonly shutdown?: AbortSignal | undefined;
  /**
   * `leave`: a body that does not end when it is told is left behind, because its invocation is ended anyway. `wait`: the
   * body is a process that is killed, and the run is settled only when it is verified gone.
   */
  readonly whenTold?: 'leave' | 'wait' | undefined;
}

/** Runs the body to its end, or to the end that a watcher sets it. Never throws. */
export async function runAttempt(plane: Plane, claimed: Run, options: AttemptOptions): Promise<AttemptEnd> {
  const leg = openLeg(plane, claimed, options);
  const watchers = startWatchers(leg);
  const end = await runBody(leg, options);
  leg.over.abort();
  const frames = await leg.reporter.flush();
  await Promise.allSettled(watchers);
  return { ...end, frames };
}

function openLeg(plane: Plane, claimed: Run, { deadlineMs, shutdown }: AttemptOptions): Leg {
  const onLost = (cause: unknown) => plane.log.warn(logLines.frameLost, { run: claimed.id, reason: String(cause) });
  const reporter = progressReporter({ run: claimed, channel: plane.progress, clock: plane.clock, onLost });
  return {
    plane,
    claimed,
    deadlineMs,
    shutdown,
    ending: new AbortController(),
    over: new AbortController(),
    reporter,
    cursor: claimed.cursor,
  };
}

type BodyEnd =
  | { kind: 'result'; result: unknown }
  | { kind: 'failure'; failure: Failure; cursor: unknown; advanced: boolean };

async function runBody(leg: Leg, { body, whenTold }: AttemptOptions): Promise<BodyEnd> {
  const { plane, claimed, ending } = leg;
  try {
    const payload = parsePayload(claimed.task, await unfold(plane.artefacts, claimed.payload));
    // Fetching it may have taken all the time there was: a body that begins now would not hear that it must end.
    ending.signal.throwIfAborted();
    const running = body(payload, contextOf(leg));
    const result = await (whenTold === 'wait' ? running : unlessLeftBehind(leg, running));
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
    checkpoint: async (at) => {
      checkCursor(claimed, at);
      leg.cursor = withoutSecrets(at);
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
      plane.clock.sleep(graceMs(claimed), over.signal).then(
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
