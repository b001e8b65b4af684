/**
 * What a person does to a run or a schedule from outside: cancel, retry, redrive, catch up, pause, resume.
 *
 * Each is one conditional write on the row, repeatable, and says what it did: asked for twice, it is done once, and the
 * second finishes what the first left undone (a message, a letter). Who and why are written down: into the audit before
 * and after, and onto the row. Cancelling, pausing and resuming are possible in every state of the kill switch. What
 * begins work (retry, redrive, catch-up) is refused while the plane, the queue or the task is halted, or while that
 * cannot be read: nothing begins in a halt, and a row that was terminal before loses nothing by staying so.
 */
import { logLines } from './catalogue/metrics.ts';
import type { QueueName } from './catalogue/queues.ts';
import { scheduleRow, type ScheduleKey } from './catalogue/schedules.ts';
import { Failure, toFailure } from './errors.ts';
import { needReason } from './halt.ts';
import { haltsWork, readSwitch, whyHalted, type Work } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { AuditIntent, AuditOutcome, OperationName } from './ports.ts';
import type { Actor, Run } from './run.ts';

/** Who asks, and why: at most 500 characters each. */
export interface Request {
  readonly by: string;
  readonly reason: string;
  /** Who stands behind `by`; absent: a person of that name. */
  readonly actor?: Actor;
  /** The address that it came from. */
  readonly from?: string;
  /** With what, for the audit; redacted before it is written. */
  readonly arguments?: unknown;
}

/** What an operation did to a run, which is shown as it now stands. */
export interface Done<Did extends string = string> {
  readonly did: Did | 'nothing';
  /** Why nothing was done. */
  readonly why?: string;
  readonly run: Run;
}

export interface Subject {
  readonly how: OperationName;
  readonly request: Request;
  readonly on: Target;
  /** Of what stops the plane: it is done also when the audit cannot be written, and the log says so. */
  readonly evenUnaudited?: boolean;
}
/** What is operated on. A run that is not there yet is named by its id, where that is known. */
type Target =
  | { readonly run: Pick<Run, 'id' | 'task' | 'tenant' | 'fence'> }
  | { readonly schedule: ScheduleKey }
  | { readonly queue: QueueName; readonly tenant: string }
  | { readonly inbox: string; readonly tenant: string }
  | { readonly killSwitch: true; readonly tenant: string };

/** Does it, audited before and after. @throws Failure CONFIGURATION_INVALID without who and why; what `act` throws. */
export async function operated<T>(
  plane: Pick<Plane, 'audit' | 'clock' | 'log'>,
  subject: Subject,
  act: () => Promise<T>,
): Promise<T> {
  needReason(subject.request, subject.how);
  const intent = intentOf(plane, subject);
  await noted(plane, subject, () => plane.audit.intent(intent));
  const done = await act().catch(async (failed: unknown) => {
    // Why it failed is what the caller must hear; that the audit is away as well must not hide it.
    const atMs = plane.clock.nowMs();
    await Promise.allSettled([
      noted(plane, subject, () => plane.audit.outcome({ ...intent, atMs, outcome: outcomeOf(failed) })),
    ]);
    throw failed;
  });
  const atMs = plane.clock.nowMs();
  await noted(plane, subject, () => plane.audit.outcome({ ...intent, atMs, outcome: 'done' }));
  plane.log.info(logLines.operationDone, { operation: subject.how, subject: intent.subject, by: intent.actor.id });
  return done;
}

/** What the kill switch refused is denied, here as where a task wants an effect. */
const outcomeOf = (failed: unknown): AuditOutcome =>
  failed instanceof Failure && ['KILL_SWITCH_HALTED', 'KILL_SWITCH_UNKNOWN'].includes(failed.code)
    ? 'denied'
    : 'failed';

/** What must go on without the audit waits no longer for it. */
const patienceMs = 1000;

/** @throws what the audit throws, unless it must not stop this operation. */
async function noted(
  { log, clock }: Pick<Plane, 'log' | 'clock'>,
  { how, request: { by, reason }, evenUnaudited }: Subject,
  write: () => Promise<void>,
): Promise<void> {
  if (!evenUnaudited) return write();
  const over = new AbortController();
  const tooLate = clock.sleep(patienceMs, over.signal).then(() => {
    throw new Failure('DEPENDENCY_UNAVAILABLE', `the audit gave no answer within ${patienceMs} ms`);
  });
  try {
    await Promise.race([write(), tooLate]);
  } catch (cause) {
    log.warn(logLines.unaudited, { operation: how, by, reason, error: toFailure(cause).message });
  } finally {
    over.abort();
    await Promise.allSettled([tooLate]);
  }
}

function intentOf({ clock }: Pick<Plane, 'clock'>, { how, request, on }: Subject): AuditIntent {
  const { by, reason, actor = { kind: 'human', id: by }, from, arguments: given } = request;
  return {
    effect: `operation.${how}`,
    ...targetOf(on),
    actor,
    atMs: clock.nowMs(),
    reason,
    ...(from === undefined ? {} : { from }),
    ...(given === undefined ? {} : { arguments: given }),
  };
}

function targetOf(on: Target): Pick<AuditIntent, 'subject' | 'task' | 'tenant' | 'fence'> {
  if ('run' in on) return { subject: on.run.id, task: on.run.task, tenant: on.run.tenant, fence: on.run.fence };
  if ('schedule' in on) {
    return { subject: `schedule#${on.schedule}`, task: scheduleRow(on.schedule).task, tenant: 'system', fence: 0 };
  }
  const { tenant } = on;
  if ('queue' in on) return { subject: `queue#${on.queue}`, tenant, fence: 0 };
  return { subject: 'inbox' in on ? `inbox#${on.inbox}` : 'kill-switch', tenant, fence: 0 };
}

/** @throws Failure RUN_UNKNOWN */
export async function existingRow(plane: Pick<Plane, 'ledger'>, id: string): Promise<Run> {
  const row = await plane.ledger.read(id);
  if (row) return row;
  throw new Failure('RUN_UNKNOWN', `there is no run ${JSON.stringify(id)}: look for its id in the list of its queue`);
}

/** @throws Failure KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN: nothing begins now. */
export async function mustBeClear(plane: Plane, how: string, work: Work): Promise<void> {
  const of = work.task ?? `the queue ${work.queue}`;
  const reading = await readSwitch(plane);
  if (reading.state === 'unknown') {
    throw new Failure('KILL_SWITCH_UNKNOWN', `${how} of ${of} was refused: ${reading.why}. Ask again`);
  }
  if (!haltsWork(reading, work)) return;
  throw new Failure(
    'KILL_SWITCH_HALTED',
    `${how} of ${of} was refused, since nothing begins in a halt (${whyHalted(reading, work)}): ask again after the release`,
  );
}
