import type { CallbackTarget } from '#core/catalogue/callbacks.ts';
import type { ScheduleKey } from '#core/catalogue/schedules.ts';
import { taskContract, type PayloadInputOf, type TaskName } from '#core/catalogue/tasks.ts';
import { enqueue, type Enqueued } from '#core/enqueue.ts';
import { requestRunId } from '#core/ids.ts';
import { operated } from '#core/operations.ts';
import type { Plane } from '#core/plane.ts';
import { findSecret } from '#core/redact.ts';
import type { Caller } from './caller.ts';
import { startsAs } from './identity/authorise.ts';
import { misfit } from './parse.ts';
import { Problem } from './problem.ts';

export interface StartWanted {
  readonly task: TaskName;
  readonly payload: unknown;
  /** Where the payload stood in the request, for what is said of it. */
  readonly where: string;
  readonly notBeforeMs?: number;
  readonly callback?: CallbackTarget;
  readonly idempotencyKey?: string;
  /** Of a run by hand of what a schedule does. */
  readonly schedule?: ScheduleKey;
  readonly reason?: string;
}

/**
 * Starts a run for the caller, audited under the id that it will have.
 *
 * @throws Problem ROLE_INSUFFICIENT, PAYLOAD_INVALID, SECRET_IN_PAYLOAD; what `enqueue` throws.
 */
export async function startRun(
  plane: Plane,
  { caller, from }: { readonly caller: Caller; readonly from: string },
  wanted: StartWanted,
): Promise<Enqueued> {
  const { task, payload, notBeforeMs, callback, schedule, idempotencyKey: key } = wanted;
  const { tenant, actor } = caller;
  const as = startsAs(caller, task);
  checkPayload(wanted);
  const id =
    key === undefined ? plane.ids.runId() : requestRunId(plane.ids, { cell: plane.cell, tenant, actor: actor.id }, key);
  const request = {
    by: actor.id,
    actor,
    from,
    reason: wanted.reason ?? 'asked for',
    arguments: argumentsOf(wanted),
  };
  const how = schedule === undefined ? 'start' : 'trigger';
  return operated(plane, { how, request, on: { run: { id, task, tenant, fence: 0 } } }, () =>
    enqueue(plane, {
      id,
      task,
      // Checked above, and again where it is parsed.
      payload: payload as PayloadInputOf<TaskName>,
      tenant,
      actor,
      as,
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
      ...(callback === undefined ? {} : { callback }),
      ...(schedule === undefined ? {} : { schedule }),
    }),
  );
}

function checkPayload({ task, payload, where }: StartWanted): void {
  const { error } = taskContract(task).payload.safeParse(payload);
  if (error) throw misfit('PAYLOAD_INVALID', error, where);
  const secret = findSecret(payload);
  if (secret === undefined) return;
  const path = secret.replace('$', where);
  throw new Problem(
    'SECRET_IN_PAYLOAD',
    `${path} looks like a secret, and payloads are kept: take it out (and replace it, for it has been sent); tasks name secrets, they are not given them`,
    { issues: [{ path, message: 'looks like a secret' }] },
  );
}

/** Names and sizes, never contents. */
const argumentsOf = ({ task, payload, notBeforeMs, callback, schedule }: StartWanted) => ({
  task,
  payloadBytes: new TextEncoder().encode(JSON.stringify(payload)).length,
  ...(notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() }),
  ...(callback === undefined ? {} : { callback: new URL(callback.url).host }),
  ...(schedule === undefined ? {} : { schedule }),
});
