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
import { scheduleRow, type ScheduleKey } from './catalogue/schedules.ts';
import { Failure } from './errors.ts';
import { needReason } from './halt.ts';
import { haltsWork, readSwitch } from './kill-switch.ts';
import type { Plane } from './plane.ts';
import type { AuditIntent, Operation } from './ports.ts';
import type { Run } from './run.ts';

/** Who asks, and why: at most 500 characters each. */
export interface Request {
  readonly by: string;
  readonly reason: string;
}

/** What an operation did to a run, which is shown as it now stands. */
export interface Done<Did extends string = string> {
  readonly did: Did | 'nothing';
  /** Why nothing was done. */
  readonly why?: string;
  readonly run: Run;
}

type How = Operation extends `operation.${infer Name}` ? Name : never;
interface Subject {
  readonly how: How;
  readonly request: Request;
  readonly on: { readonly run: Run } | { readonly schedule: ScheduleKey };
}

/** Does it, audited before and after. @throws Failure CONFIGURATION_INVALID without who and why; what `act` throws. */
export async function operated<T>(plane: Plane, subject: Subject, act: () => Promise<T>): Promise<T> {
  needReason(subject.request, subject.how);
  const intent = intentOf(plane, subject);
  await plane.audit.intent(intent);
  try {
    const done = await act();
    await plane.audit.outcome({ ...intent, outcome: 'done' });
    plane.log.info(logLines.operationDone, { operation: subject.how, run: intent.run, by: intent.actor });
    return done;
  } catch (failed) {
    // Why it failed is what the caller must hear; that the audit is away as well must not hide it.
    await Promise.allSettled([plane.audit.outcome({ ...intent, outcome: 'failed' })]);
    throw failed;
  }
}

function intentOf({ clock }: Plane, { how, request, on }: Subject): AuditIntent {
  const entry = { effect: `operation.${how}` as const, actor: request.by, reason: request.reason, atMs: clock.nowMs() };
  if ('run' in on) {
    const { id: run, task, tenant, fence } = on.run;
    return { ...entry, run, task, tenant, fence };
  }
  return { ...entry, run: `schedule#${on.schedule}`, task: scheduleRow(on.schedule).task, tenant: 'system', fence: 0 };
}

/** @throws Failure RUN_UNKNOWN */
export async function existingRow(plane: Pick<Plane, 'ledger'>, id: string): Promise<Run> {
  const row = await plane.ledger.read(id);
  if (row) return row;
  throw new Failure('RUN_UNKNOWN', `there is no run ${JSON.stringify(id)}: look for its id in the list of its queue`);
}

/** @throws Failure KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN: nothing begins now. */
export async function mustBeClear(plane: Plane, how: string, work: Pick<Run, 'queue' | 'task'>): Promise<void> {
  const reading = await readSwitch(plane);
  if (reading.state === 'unknown') {
    throw new Failure('KILL_SWITCH_UNKNOWN', `${how} of ${work.task} was refused: ${reading.why}. Ask again`);
  }
  if (!haltsWork(reading, work)) return;
  throw new Failure(
    'KILL_SWITCH_HALTED',
    `${how} of ${work.task} was refused, since nothing begins in a halt (${reading.why}): ask again after the release`,
  );
}
