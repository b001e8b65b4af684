// How runs are shown.
import type { Client } from '#client/client.ts';
import { facts, plainLines, table, type Output } from './output.ts';
import { actorText, secondsText, sizeText, stateCell, timeText } from './words.ts';

type Detail = Awaited<ReturnType<Client['run']>>;
type Listed = Awaited<ReturnType<Client['list']>>['runs'][number];

export const runTable = (out: Output, runs: readonly Listed[]): string =>
  table(
    out,
    ['RUN', 'TASK', 'STATE', 'CREATED', 'TOOK', 'BY', 'WHY'],
    runs.map((run) => [
      run.id,
      run.task,
      stateCell(run.state),
      timeText(run.createdAt),
      tookOf(run),
      actorText(run.actor),
      run.outcome?.code ?? '',
    ]),
  );

const tookOf = ({ cost: { seconds } }: Listed): string | undefined =>
  seconds === undefined ? undefined : secondsText(seconds);

/** How a run ended, in a few lines. */
export function runSummary(out: Output, run: Detail): string {
  const { outcome } = run;
  const known = facts(out, {
    run: run.id,
    task: run.task,
    state: stateCell(run.state),
    why: outcome?.code && `${outcome.code}: ${outcome.message ?? ''}`,
    took: tookOf(run),
    artefacts: run.artefacts.length > 0 ? run.artefacts.length : undefined,
  });
  return [known, ...jsonBlock(out, 'result', run.result)].join('\n');
}

export function runText(out: Output, run: Detail): string {
  const known = facts(out, { ...identity(run), ...course(run), ...words(run) });
  const artefacts = table(
    out,
    ['ARTEFACT', 'SIZE'],
    run.artefacts.map(({ name, sizeBytes }) => [name, sizeText(sizeBytes)]),
  );
  return [
    known,
    ...jsonBlock(out, 'payload', run.payload),
    ...jsonBlock(out, 'result', run.result),
    ...(run.artefacts.length > 0 ? ['', artefacts] : []),
  ].join('\n');
}

const identity = ({ id, task, queue, tenant, actor, schedule, slot }: Detail) => ({
  run: id,
  task,
  queue,
  tenant,
  by: actorText(actor),
  schedule: schedule && `${schedule}, slot ${slot ? timeText(slot) : 'none'}`,
});

const course = (run: Detail) => ({
  state: stateCell(run.state),
  attempt: `${run.attempt} of ${run.maximumAttempts}, generation ${run.generation}, begun ${run.starts} times in all`,
  created: timeText(run.createdAt),
  'not before': run.notBefore === run.createdAt ? undefined : timeText(run.notBefore),
  started: run.startedAt && timeText(run.startedAt),
  ended: run.settledAt && timeText(run.settledAt),
  took: tookOf(run),
  progress:
    run.progress?.pct === undefined ? undefined : `${run.progress.pct.toFixed(0)} % ${run.progress.stage ?? ''}`,
});

const words = ({ outcome, cancel, again, callback, cost }: Detail) => ({
  why: outcome?.code && `${outcome.code}: ${outcome.message ?? ''}`,
  cancel: cancel && `by ${cancel.by}: ${cancel.reason}`,
  again: again && `${again.how} by ${again.by}: ${again.reason}`,
  callback: callback?.url,
  cost: cost.class,
});

function jsonBlock(out: Output, name: string, value: unknown): string[] {
  if (value === undefined) return [];
  return ['', out.paint('bold', name), plainIndented(JSON.stringify(value, null, 2))];
}

/** Keeps the indentation, which `plain` would fold. */
const plainIndented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `${/^ */.exec(line)?.[0] ?? ''}${plainLines(line.trimStart())}`)
    .join('\n');
