// A plane on the wall's clock with one data set in it, and the handles that the experiments need.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '#core/run.ts';
import { operatorOf, type Operator } from '#local/operator.ts';
import { startPlane, type Plane, type PlaneOptions } from '#local/plane.ts';
import type { PlaneEvent } from '#local/plane-event.ts';
import { backtestRequest, defaultChoice } from '../../bin/demo/backtest.ts';
import { defaultCsv, readCsv } from '../../bin/demo/csv-file.ts';

/** Some seconds of work, so that a random point of it is in the middle of it. */
const resamples = 100_000;

export interface KillStage {
  readonly plane: Plane;
  readonly operator: Operator;
  /** Hears of every event of the plane from now on; call the result to stop. */
  onEvent(listener: (event: PlaneEvent) => void): () => void;
  /** Asks for one backtest. */
  ask(): Promise<Run>;
  close(): Promise<void>;
}

export async function killStage(
  options: Pick<PlaneOptions, 'assemblyDir' | 'dataDir' | 'variables'>,
): Promise<KillStage> {
  const listeners = new Set<(event: PlaneEvent) => void>();
  const onEvent = (event: PlaneEvent): void => listeners.forEach((listener) => listener(event));
  const plane = await startPlane({ ...options, clock: 'wall', onEvent });
  const operator = operatorOf(plane, 'kills');
  const file = readCsv(defaultCsv());
  await operator.upload(`${file.dataset}.csv`, file.bytes, 'text/csv');
  const payload = { connector: 'csv', dataset: file.dataset, source: { key: `${file.dataset}.csv` } } as const;
  const pulled = await operator.request({ task: 'ingest.pull', payload });
  await operator.until(pulled.id, ['succeeded'], 60_000);
  return {
    plane,
    operator,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ask: () => {
      const { task, payload } = backtestRequest(file, defaultChoice);
      return operator.request({ task, payload: { ...payload, resamples } });
    },
    async close() {
      operator.close();
      await plane.stop();
    },
  };
}

/** Waits until `look` resolves with something; looks each 10 ms. Throws after `withinMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  withinMs = 120_000,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await sleep(10);
  }
}

/** The row, once `holds` is true of it. */
export const rowWhen = ({ operator }: KillStage, id: string, holds: (run: Run) => boolean): Promise<Run> =>
  until(`run ${id}`, async () => {
    const run = await operator.run(id);
    return run && holds(run) ? run : undefined;
  });

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Begins a backtest and waits until its body runs; then lets it run for a random time of at most `mostMs`. */
export async function inFlight(
  stage: KillStage,
  mostMs: number,
): Promise<{ run: Run; executor: string; body: number }> {
  const { id } = await stage.ask();
  const run = await rowWhen(stage, id, ({ state }) => state === 'running');
  const executor = run.lease?.owner ?? '';
  const body = await until('its body', async () => stage.plane.tasks.childrenOf(executor)[0]);
  await sleep(Math.random() * mostMs);
  return { run, executor, body };
}

/** Throws unless the run ended well, once: as many starts as wanted, one event of its success. */
export async function requireDoneOnce(stage: KillStage, id: string, starts: number): Promise<void> {
  const done = await rowWhen(
    stage,
    id,
    ({ state, outbox }) => ['succeeded', 'failed', 'dead'].includes(state) && outbox.length === 0,
  );
  const told = stage.plane
    .events()
    .filter(({ detail, detailType }) => detailType === 'RunSucceeded' && (detail as { run?: string }).run === id);
  if (done.state === 'succeeded' && done.starts === starts && told.length === 1) return;
  throw new Error(
    `run ${id} is ${done.state} after ${done.starts} starts, and its success was told ${told.length} times`,
  );
}
