// Real processes, real signals, at random points of the work: bodies, executors and the dispatcher are killed, runs are
// cancelled and halted. FAULT_KILLS is how often each; `npm run bench:kills` has the figures of many.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { experiments } from '#bench/kills/experiments.ts';
import { killStage, until, type KillStage } from '#bench/kills/stage.ts';
import type { Run } from '#core/run.ts';
import { expectWholeBacktest } from './support/executors.ts';
import { measured } from './support/measured.ts';

const times = Number(process.env['FAULT_KILLS'] ?? 2);
let stage: KillStage;
const asked: string[] = [];

beforeAll(async () => {
  const dataDir = mkdtempSync(join(inject('sharedDir'), 'kills-'));
  const variables = { ...process.env, REDIS_URL: undefined };
  const started = await killStage({ assemblyDir: inject('assemblyDir'), dataDir, variables });
  stage = {
    ...started,
    ask: async () => {
      const run = await started.ask();
      asked.push(run.id);
      return run;
    },
  };
}, 120_000);
afterAll(() => stage?.close());

/** Makes the experiment until it has come in time `count` times. The experiment itself throws where a run is not done once. */
async function repeat(name: string, count = times): Promise<void> {
  const experiment = experiments[name];
  if (!experiment) throw new Error(`there is no experiment ${name}`);
  const seconds: number[] = [];
  for (let tried = 0; seconds.length < count; tried += 1) {
    if (tried > 3 * count) throw new Error(`${name}: ${tried} times the run had ended before the signal`);
    const one = await experiment.run(stage);
    if (!Number.isNaN(one)) seconds.push(one);
  }
  measured(`${experiment.measures}, at most of ${count}`, Math.max(...seconds), 's');
}

const rowOf = async (id: string): Promise<Run> => {
  const row = await stage.operator.run(id);
  if (!row) throw new Error(`run ${id} has no row`);
  return row;
};
/** What was asked for since `from`, as it stands now. */
const rowsSince = (from: number): Promise<Run[]> => Promise.all(asked.slice(from).map(rowOf));

test.each(['child', 'executor'])(
  'kill -9 of the %s of a run costs an attempt, and the run is done once',
  async (name) => {
    const from = asked.length;
    await repeat(name);
    const rows = await rowsSince(from);
    expect(rows.filter(({ starts, attempt }) => starts === 2 && attempt === 2).length).toBeGreaterThanOrEqual(times);
    for (const row of rows) {
      const done = await stage.operator.until(row.id, ['succeeded'], 60_000);
      expect(done.fence).toBeGreaterThanOrEqual(done.starts);
      await expectWholeBacktest(stage.operator, done);
    }
  },
);

test('kill -9 of the dispatcher while it decides: the next one carries out the same decision, and starts no executor twice', async () => {
  const from = asked.length;
  const before = stage.plane.tasks.list().length;
  const count = Math.max(1, Math.floor(times / 2));
  await repeat('dispatcher', count);
  const rows = await rowsSince(from);
  for (const row of rows) await expectWholeBacktest(stage.operator, row);
  // Each of them found no executor, and got one.
  expect(stage.plane.tasks.list().length - before).toBe(rows.length);
});

test.each([
  ['cancel', 'cancelled'],
  ['halt', 'cancelled'],
])('%s of a running backtest: settled only when its process is verified gone', async (name, state) => {
  const from = asked.length;
  await repeat(name);
  const rows = await rowsSince(from);
  expect(rows.filter((row) => row.state === state).length).toBeGreaterThanOrEqual(times);
  for (const row of rows.filter(({ state: is }) => is === 'cancelled')) {
    await until('its outbox is sent', async () => (await rowOf(row.id)).outbox.length === 0);
    const told = stage.plane.events().filter(({ detail }) => (detail as { run?: string }).run === row.id);
    const ends = told.map(({ detailType }) => detailType).filter((type) => type !== 'RunStarted');
    expect(ends).toEqual(['RunCancelled']);
  }
});
