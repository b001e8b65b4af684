// What is killed or stopped, and how long it takes until the work goes on or is verified gone. Seconds.
import { setTimeout as sleep } from 'node:timers/promises';
import { inFlight, isAlive, requireDoneOnce, rowWhen, until, type KillStage } from './stage.ts';

/** Resolves with the seconds it took. */
export type Experiment = (stage: KillStage) => Promise<number>;

/** As long as an undisturbed body lives, more or less: the kill comes at any point of it. */
const bodyMs = 3000;
const since = (startedMs: number): number => (performance.now() - startedMs) / 1000;

/** SIGKILL to the process of a body, until its run is begun again. */
const childKilled: Experiment = async (stage) => {
  const { run, body } = await inFlight(stage, bodyMs);
  if (!isAlive(body)) return Number.NaN;
  const startedMs = performance.now();
  process.kill(body, 'SIGKILL');
  return untilBegunAgain(stage, run.id, startedMs);
};

/** SIGKILL to an executor and all of its group, until its run is begun again by another. */
const executorKilled: Experiment = async (stage) => {
  const { run, executor, body } = await inFlight(stage, bodyMs);
  if (!isAlive(body)) return Number.NaN;
  const startedMs = performance.now();
  stage.plane.tasks.kill(executor, 'SIGKILL');
  return untilBegunAgain(stage, run.id, startedMs);
};

async function untilBegunAgain(stage: KillStage, id: string, startedMs: number): Promise<number> {
  const again = await rowWhen(stage, id, ({ starts, state }) => starts >= 2 || state === 'succeeded');
  // It had settled before the signal arrived.
  if (again.starts === 1) return Number.NaN;
  const seconds = since(startedMs);
  await requireDoneOnce(stage, id, 2);
  return seconds;
}

/** SIGKILL to the dispatcher while it decides, until the run that waits for an executor is begun. */
const dispatcherKilled: Experiment = async (stage) => {
  const { plane } = stage;
  await withoutExecutors(stage);
  const name = plane.resources.functions.find((one) => one.name.endsWith('dispatcher'))?.name ?? '';
  const killed = new Promise<number>((resolve) => {
    const stop = stage.onEvent((event) => {
      if (event.type !== 'invocation-started' || event.function !== name) return;
      stop();
      setTimeout(() => {
        resolve(plane.lambdas.killInFlight(name, event.requestId) === undefined ? Number.NaN : performance.now());
      }, Math.random() * 40);
    });
  });
  const { id } = await stage.ask();
  const startedMs = await killed;
  await rowWhen(stage, id, ({ starts }) => starts >= 1);
  const seconds = since(startedMs);
  await requireDoneOnce(stage, id, 1);
  return seconds;
};

/** All executors end, and the dispatcher has heard of it. */
async function withoutExecutors({ plane }: KillStage): Promise<void> {
  const living = () => plane.tasks.list().filter(({ lastStatus }) => lastStatus !== 'STOPPED');
  for (const { arn } of living()) plane.tasks.kill(arn, 'SIGTERM');
  await until('the executors end', async () => living().length === 0);
  // The kick of the last one is delayed by two seconds, and must not be the one that is killed.
  await sleep(3000);
}

/** A wish to cancel, until the run is cancelled and its process verified gone. */
const cancelled: Experiment = async (stage) => {
  const { run, body } = await inFlight(stage, bodyMs / 2);
  const startedMs = performance.now();
  await stage.operator.cancel(run.id, 'an experiment');
  const ended = await rowWhen(stage, run.id, ({ state }) => state === 'cancelled' || state === 'succeeded');
  if (ended.state === 'succeeded') return Number.NaN;
  if (isAlive(body)) throw new Error(`run ${run.id} is cancelled and its process ${body} lives`);
  return since(startedMs);
};

/** The kill switch, until the run is held and its process verified gone. */
const halted: Experiment = async (stage) => {
  const { run, body } = await inFlight(stage, bodyMs / 2);
  const startedMs = performance.now();
  const engaging = stage.operator.halt('an experiment');
  const ended = await rowWhen(stage, run.id, ({ state }) => state === 'held' || state === 'succeeded');
  const seconds = since(startedMs);
  if (ended.state === 'held' && isAlive(body)) throw new Error(`run ${run.id} is held and its process ${body} lives`);
  await engaging;
  await stage.operator.release('the experiment is over');
  if (ended.state === 'succeeded') return Number.NaN;
  await stage.operator.cancel(run.id, 'the experiment is over');
  return seconds;
};

export const experiments: Readonly<Record<string, { readonly measures: string; readonly run: Experiment }>> = {
  child: { measures: 'kill -9 of a body to its second start', run: childKilled },
  executor: { measures: 'kill -9 of an executor to the second start of its run', run: executorKilled },
  cancel: { measures: 'cancel to verified gone', run: cancelled },
  halt: { measures: 'halt to held and verified gone', run: halted },
  dispatcher: { measures: 'kill -9 of the dispatcher to the first start of the waiting run', run: dispatcherKilled },
};
