import * as z from 'zod';
import { queueRow } from '#core/catalogue/queues.ts';
import { startsAs } from '#core/catalogue/roles.ts';
import { routeRow } from '#core/catalogue/routes.ts';
import { taskContract, taskNames, type TaskContract, type TaskName } from '#core/catalogue/tasks.ts';
import type { RunState } from '#core/run.ts';
import { keyPattern } from '#gateway/door.ts';
import type { Setting } from '#gateway/operation.ts';
import { parsed } from '#gateway/parse.ts';
import { begun } from '#gateway/routes/start.ts';
import { joined } from './input-schema.ts';
import { argumentsPath, type Tool, type ToolAsk } from './tool.ts';

export const toolNameOf = (task: TaskName): string => task.replaceAll('.', '_');

/** Beside the payload's own fields. */
const also = z.strictObject({
  idempotencyKey: z
    .string()
    .regex(keyPattern, 'is not 1 to 64 letters, digits, or . _ : @ -')
    .optional()
    .meta({ description: 'The same key with the same arguments is the same run: send one to be able to ask again' }),
});

const inHalt = {
  run: 'In a halt it runs all the same.',
  skip: 'In a halt it is skipped.',
  hold: 'In a halt it is held, and begins after the release.',
} as const;

export const taskTools: readonly Tool[] = taskNames.map((task) => {
  const contract = taskContract(task);
  return {
    name: toolNameOf(task),
    title: contract.title,
    description: descriptionOf(task, contract),
    input: joined([contract.payload, also]),
    // It begins work and ends none; without a key, asked twice it is two runs.
    hints: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: false,
      openWorldHint: contract.uses.includes('webhooks'),
    },
    row: routeRow('startRun'),
    isFor: (roles) => startsAs(roles, contract) !== undefined,
    call: (setting, ask) => started(setting, task, ask),
  };
});

function descriptionOf(task: TaskName, { title, queue, costClass, whenHalted }: TaskContract): string {
  const { compute, timeout } = queueRow(queue);
  const on =
    compute.kind === 'lambda'
      ? `a function of ${compute.memoryMb} MB`
      : `a container of ${compute.vcpu} vCPU and ${compute.memoryGib} GiB`;
  return [
    `Starts a run of ${task}: ${title}.`,
    `It answers at once with the run's id; follow_run waits for its progress, get_run shows how it ended.`,
    `Costs: ${costClass}, on ${on}, ${timeout} s at most.`,
    inHalt[whenHalted],
  ].join(' ');
}

async function started(setting: Setting, task: TaskName, { given, ...ask }: ToolAsk): Promise<Record<string, unknown>> {
  const { idempotencyKey: key, ...payload } = given;
  const { idempotencyKey } = parsed(also, key === undefined ? {} : { idempotencyKey: key }, argumentsPath);
  const asked = { ...ask, params: undefined, query: undefined, body: undefined };
  const { body } = await begun(
    setting,
    { ...asked, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) },
    { task, payload, where: argumentsPath },
  );
  const { run, created } = body;
  return { id: run.id, state: run.state, created, next: next(run.state), run };
}

function next(state: RunState): string {
  switch (state) {
    case 'held':
      return 'The plane, its queue or its task is halted: it begins after the release. get_halt says who halted what, and why.';
    case 'skipped':
      return 'The plane, its queue or its task is halted, and in a halt it is skipped: start it again after the release. get_halt says who halted what, and why.';
    case 'queued':
    case 'running':
      return 'follow_run with this id waits for its progress; get_run shows its outcome and artefacts.';
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'dead':
      return 'It was asked for before and has ended: get_run shows its outcome and artefacts.';
  }
}
