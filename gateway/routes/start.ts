import * as z from 'zod';
import { callbackTarget } from '#core/catalogue/callbacks.ts';
import type { Shortcut } from '#core/catalogue/routes.ts';
import { isTaskName, taskContract, taskNames, type TaskName } from '#core/catalogue/tasks.ts';
import { Failure } from '#core/errors.ts';
import { runTag } from '#gateway/etag.ts';
import { operation, type Ask, type Operation, type Reply, type Setting } from '#gateway/operation.ts';
import { Problem, type ProblemCode } from '#gateway/problem.ts';
import { runView } from '#gateway/run-view.ts';
import { started } from '#gateway/schemas/run.ts';
import { startRun, type StartWanted } from '#gateway/start-run.ts';
import { uploadedPayload, uploadPath } from '#gateway/uploaded.ts';
import { taskName } from '#gateway/schemas/common.ts';

const problems: readonly ProblemCode[] = [
  'PAYLOAD_INVALID',
  'SECRET_IN_PAYLOAD',
  'TASK_UNKNOWN',
  'INPUT_INVALID',
  'IDEMPOTENCY_CONFLICT',
  'KILL_SWITCH_UNKNOWN',
];
const headers = { location: 'Where the run is', etag: 'Its version, for If-Match' };

const notBefore = z.iso.datetime().meta({ description: 'Begins no earlier; at most 30 days ahead' });
const callback = callbackTarget.meta({ description: 'Told when the run has ended' });

const asked = z.strictObject({
  task: z.string().max(64),
  payload: z.unknown().optional(),
  payloadPath: uploadPath.optional(),
  notBefore: notBefore.optional(),
  callback: callback.optional(),
});

const also = { notBefore: notBefore.optional(), callback: callback.optional() };
/** What `asked` is to a reader: each task with the payload of its contract. */
const documented = z
  .union([
    ...taskNames.map((task) =>
      z.strictObject({ task: z.literal(task), payload: payloadOf(task), ...also }).meta({ title: task }),
    ),
    z.strictObject({ task: taskName, payloadPath: uploadPath, ...also }).meta({ title: 'with an uploaded payload' }),
  ])
  .meta({ id: 'StartRun' });

/** A payload that may be empty may be absent. */
function payloadOf(task: TaskName): z.ZodType {
  const { payload } = taskContract(task);
  return payload.safeParse({}).success ? payload.optional() : payload;
}

/** No row is kept for longer than 35 days, so none can be asked for far beyond. */
const furthestMs = 30 * 86_400_000;

export const startRunOperation = operation({
  body: asked,
  documentedBody: documented,
  status: 202,
  answer: started,
  headers,
  problems,
  async handle(setting, ask) {
    const { task, payload, payloadPath, notBefore: later, callback: told } = ask.body;
    if (!isTaskName(task)) {
      throw new Failure(
        'TASK_UNKNOWN',
        `there is no task ${JSON.stringify(task)}: GET /catalogue lists those there are`,
      );
    }
    if (payload !== undefined && payloadPath !== undefined) {
      const issues = [{ path: 'body.payloadPath', message: 'stands beside a payload' }];
      throw new Problem('REQUEST_INVALID', 'there is a payload and a payloadPath: send one of them', { issues });
    }
    const wanted =
      payloadPath === undefined
        ? { payload: payload === undefined ? {} : payload, where: 'body.payload' }
        : { payload: await uploadedPayload(setting.ports, ask.caller, payloadPath), where: payloadPath };
    const callbackOf = told === undefined ? {} : { callback: told };
    return begun(setting, ask, { task, ...wanted, ...notBeforeOf(setting, later), ...callbackOf });
  },
});

function notBeforeOf({ ports }: Setting, later: string | undefined): { notBeforeMs?: number } {
  if (later === undefined) return {};
  const notBeforeMs = Date.parse(later);
  if (notBeforeMs - ports.clock.nowMs() <= furthestMs) return { notBeforeMs };
  const issues = [{ path: 'body.notBefore', message: 'is more than 30 days ahead' }];
  throw new Problem('REQUEST_INVALID', 'notBefore is more than 30 days ahead: ask later, or use a schedule', {
    issues,
  });
}

/** `POST /backtests`: the body is the payload of `backtest.run`. */
export const shortcutOperation = ({ task }: Shortcut): Operation =>
  operation({
    body: z.unknown(),
    documentedBody: taskContract(task).payload,
    status: 202,
    answer: started,
    headers,
    problems,
    handle: (setting, ask) =>
      begun(setting, ask, { task, payload: ask.body === undefined ? {} : ask.body, where: 'body' }),
  });

/** The run, started, as it is answered. */
export async function begun(
  { ports }: Setting,
  ask: Ask,
  wanted: Omit<StartWanted, 'idempotencyKey'>,
): Promise<Reply<z.output<typeof started>>> {
  const { caller, from, idempotencyKey } = ask;
  const { run, created } = await startRun(
    ports,
    { caller, from },
    { ...wanted, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) },
  );
  return {
    body: { run: runView(run, ports.clock.nowMs()), created },
    headers: { location: `/runs/${run.id}`, etag: runTag(run) },
  };
}
