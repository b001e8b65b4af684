import { getHalt } from '#gateway/routes/halt.ts';
import { getRun } from '#gateway/routes/get-run.ts';
import { listRuns } from '#gateway/routes/list-runs.ts';
import { followRun } from '#gateway/routes/live.ts';
import { cancelRun } from '#gateway/routes/change-run.ts';
import { listSchedules } from '#gateway/routes/schedules.ts';
import { getArtefact, listArtefacts } from './artefacts.ts';
import { operationTool } from './operation-tools.ts';
import { taskTools } from './task-tools.ts';
import type { Tool } from './tool.ts';

/** Every tool: the tasks of the catalogue, and what the gateway says of runs. None of them wants step-up. */
export const tools: readonly Tool[] = [
  ...taskTools,
  operationTool({
    name: 'list_runs',
    route: 'listRuns',
    operation: listRuns,
    description:
      'Runs of your tenant, newest first, by queue, task, state, actor or day; a cursor leads to the next page.',
  }),
  operationTool({
    name: 'get_run',
    route: 'getRun',
    operation: getRun,
    description:
      'One run: state, attempts, newest progress, payload, and once it has ended its outcome, result and artefacts with links that work for a few minutes.',
  }),
  operationTool({
    name: 'follow_run',
    route: 'followRun',
    operation: followRun,
    description:
      'Progress frames of a run behind a position, waited for up to 20 s: call it with wait=20, then again with after set to the next of the last answer, until ended says how the run ended.',
  }),
  operationTool({
    name: 'cancel_run',
    route: 'cancelRun',
    operation: cancelRun,
    description:
      'Cancels a run, in a halt, too: one that nobody has at work at once, one at work within seconds. Its work so far is lost.',
    hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  }),
  operationTool({
    name: 'list_artefacts',
    route: 'getRun',
    operation: listArtefacts,
    description: 'What a run that has succeeded wrote: names, sizes, and links that work for a few minutes.',
  }),
  operationTool({
    name: 'get_artefact',
    route: 'getRun',
    operation: getArtefact,
    description:
      'One artefact of a run by its name: a link that works for a few minutes, and the text itself where it is text of at most 64 KiB.',
  }),
  operationTool({
    name: 'list_schedules',
    route: 'listSchedules',
    operation: listSchedules,
    description: 'Every schedule: task, cron in UTC, next slot, last run, and whether it is paused.',
  }),
  operationTool({
    name: 'get_halt',
    route: 'getHalt',
    operation: getHalt,
    description:
      'The kill switch: whether the plane, a queue or a task is halted, by whom, why, since when. Where it is unknown, nothing begins.',
  }),
];
