import { queueRow } from '#core/catalogue/queues.ts';
import { taskContract } from '#core/catalogue/tasks.ts';
import { maximumAttempts } from '#core/retry.ts';
import type { Done } from '#core/operations.ts';
import type { Run } from '#core/run.ts';
import { present } from './present.ts';
import { at } from './schemas/common.ts';
import type { RunView } from './schemas/run.ts';

const moment = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : at(ms));

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
    ...present({
      startedAt: moment(run.claimedMs),
      settledAt: moment(run.settledMs),
      worker: run.lease?.owner,
      schedule: run.schedule,
      slot: moment(run.slotMs),
      callback: run.callback && { url: run.callback.url },
    }),
    checkpointed: run.cursor !== undefined,
    ...wordsOf(run),
    cost: costOf(run, nowMs),
  };
}

function wordsOf({ outcome, cancel, again }: Run): Pick<RunView, 'outcome' | 'cancel' | 'again'> {
  return present({
    outcome: outcome && present({ code: outcome.code, message: outcome.message }),
    cancel: cancel && { by: cancel.by, reason: cancel.reason, at: at(cancel.atMs) },
    again: again && { how: again.how, by: again.by, reason: again.reason, at: at(again.atMs) },
  });
}

function costOf({ task, queue, state, claimedMs, settledMs }: Run, nowMs: number): RunView['cost'] {
  const untilMs = state === 'running' ? nowMs : settledMs;
  const seconds =
    claimedMs === undefined || untilMs === undefined ? undefined : Math.max(0, untilMs - claimedMs) / 1000;
  const { costClass } = taskContract(task);
  return { class: costClass, compute: { ...queueRow(queue).compute }, ...present({ seconds }) };
}

export const doneView = <Did extends string>({ did, why, run }: Done<Did>, nowMs: number) => ({
  did,
  ...present({ why }),
  run: runView(run, nowMs),
});
