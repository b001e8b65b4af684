/**
 * What ends an attempt from outside: its deadline, a lease that cannot be kept, a halt, a wish to cancel it, the end of
 * its process. Each aborts the body with the failure that says why; the pipeline then settles by that failure.
 */
import { limits } from './catalogue/limits.ts';
import { queueRow } from './catalogue/queues.ts';
import { taskContract } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import { Failure, toFailure } from './errors.ts';
import { haltsWork, whyHalted, readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { ProgressReporter } from './progress.ts';
import type { Run } from './run.ts';
import { updateClaimed } from './settle.ts';

/** What the parts of one attempt share. */
export interface Leg {
  readonly plane: Plane;
  readonly claimed: Run;
  readonly deadlineMs: number;
  /** Aborted when this process must end: its runs are handed back. */
  readonly shutdown: AbortSignal | undefined;
  /** Aborted, with the failure that says why, when the body must end. */
  readonly ending: AbortController;
  /** Aborted when the attempt is over: watchers go home, the guard closes. */
  readonly over: AbortController;
  readonly reporter: ProgressReporter;
  cursor: unknown;
}

export function startWatchers(leg: Leg): Promise<void>[] {
  const { lease } = queueRow(leg.claimed.queue);
  if (lease.kind === 'invocation') return [watchDeadline(leg)];
  const renewal = { everyMs: toMs(lease.renewEvery), lengthMs: toMs(lease.length) };
  return [watchDeadline(leg), renewLease(leg, renewal), watchSwitch(leg), watchCancel(leg), watchShutdown(leg)];
}

/** Time kept at the end of an invocation for settling: a tenth of its timeout, at most 15 s. */
const marginMs = (run: Run): number => Math.min(15_000, toMs(queueRow(run.queue).timeout) / 10);
/** How long a body that was told to end may take before it is left behind: at most 5 s. */
export const graceMs = (run: Run): number => Math.min(5000, marginMs(run) / 2);
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
        new Failure(
          'KILL_SWITCH_HALTED',
          `run ${claimed.id} was ended: the plane is halted (${whyHalted(reading, claimed)})`,
        ),
      );
    }
  }
}

/** A wish to cancel stands on the row: it is seen within about a second. */
async function watchCancel(leg: Leg): Promise<void> {
  const { plane, claimed } = leg;
  while (await slept(leg, watchEveryMs)) {
    const [read] = await Promise.allSettled([plane.ledger.read(claimed.id)]);
    // A ledger that is away is the lease's matter.
    if (read.status === 'rejected' || !read.value) continue;
    const { fence, cancel } = read.value;
    if (fence !== claimed.fence) {
      return end(
        leg,
        new Failure(
          'LEASE_LOST',
          `run ${claimed.id} was taken over: our fence is ${claimed.fence}, the row's ${fence}`,
        ),
      );
    }
    if (cancel) return end(leg, new Failure('RUN_CANCELLED', `cancelled by ${cancel.by}: ${cancel.reason}`));
  }
}

async function watchShutdown(leg: Leg): Promise<void> {
  const { shutdown, over, claimed } = leg;
  if (!shutdown) return;
  const told = () => end(leg, new Failure('HANDED_BACK', `run ${claimed.id} was handed back: its executor must end`));
  if (shutdown.aborted) return told();
  shutdown.addEventListener('abort', told, { once: true });
  over.signal.addEventListener('abort', () => shutdown.removeEventListener('abort', told), { once: true });
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
