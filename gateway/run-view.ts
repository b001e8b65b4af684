import { queueRow } from '#core/catalogue/queues.ts';
import { taskContract } from '#core/catalogue/tasks.ts';
import { maximumAttempts } from '#core/retry.ts';
import type { Done } from '#core/operations.ts';
import type { Run } from '#core/run.ts';
import { at } from './schemas/common.ts';
import type { RunView } from './schemas/run.ts';

/** A field that is there, or none at all. */
const present = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
const moment = <K extends string>(key: K, ms: number | undefined): { [P in K]?: string } =>
  present(key, ms === undefined ? undefined : at(ms));

/** A row as it is shown. */
export function runView(run: Run, nowMs: number): RunView {
  const { id, task, queue, tenant, state, actor, attempt, starts, generation } = run;
  return {
    id,
    task,
    queue,
    tenant,
    state,
    actor: { ...actor },
    attempt,
    maximumAttempts: maximumAttempts(taskContract(task)),
    starts,
    generation,
    createdAt: at(run.createdMs),
    notBefore: at(run.notBeforeMs),
    ...moment('startedAt', run.claimedMs),
    ...moment('settledAt', run.settledMs),
    ...present('schedule', run.schedule),
    ...moment('slot', run.slotMs),
    ...wordsOf(run),
    cost: costOf(run, nowMs),
  };
}

function wordsOf({ outcome, cancel, again }: Run): Pick<RunView, 'outcome' | 'cancel' | 'again'> {
  return {
    ...present('outcome', outcome && { ...present('code', outcome.code), ...present('message', outcome.message) }),
    ...present('cancel', cancel && { by: cancel.by, reason: cancel.reason, at: at(cancel.atMs) }),
    ...present('again', again && { how: again.how, by: again.by, reason: again.reason, at: at(again.atMs) }),
  };
}

function costOf({ task, queue, state, claimedMs, settledMs }: Run, nowMs: number): RunView['cost'] {
  const untilMs = state === 'running' ? nowMs : settledMs;
  const seconds =
    claimedMs === undefined || untilMs === undefined ? undefined : Math.max(0, untilMs - claimedMs) / 1000;
  const { costClass } = taskContract(task);
  return { class: costClass, compute: { ...queueRow(queue).compute }, ...present('seconds', seconds) };
}

export const doneView = <Did extends string>({ did, why, run }: Done<Did>, nowMs: number) => ({
  did,
  ...present('why', why),
  run: runView(run, nowMs),
});
