// Executors at work: many runs at once among them bad ones, a poison payload, and Spot capacity that is taken back.
import { expect, test } from 'vitest';
import type { Run } from '#core/run.ts';
import { isAlive } from '#test/local/fixtures/processes.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { executorsPlane, expectWholeBacktest, type ExecutorsPlane, type Payload } from './support/executors.ts';
import { measured } from './support/measured.ts';

const sma = (params: Record<string, number>) => ({ strategy: { name: 'sma-cross', params } });
const bad: readonly (readonly [Partial<Payload>, string, RegExp])[] = [
  [{ strategy: { name: 'sma-cros' } }, 'PAYLOAD_INVALID', /Did you mean sma-cross\?/],
  [sma({ fast: 0 }), 'PAYLOAD_INVALID', /params\.fast is 0/],
  [sma({ fast: 30, slow: 20 }), 'PAYLOAD_INVALID', /must be smaller than slow/],
  [sma({ fast: 10, slow: 90_000 }), 'INPUT_INVALID', /needs 89999 bars before its first decision/],
  [{ from: '2031-01-01' }, 'INPUT_INVALID', /the data runs from 2000-/],
  [{ data: { path: 'worthless.csv' } }, 'INPUT_INVALID', /rows/],
  [{ data: { dataset: 'unknown' } }, 'INPUT_INVALID', /no data set unknown: ingest it first/],
  [{ data: { s3: 's3://elsewhere/inbox/local/sp500.csv' } }, 'INPUT_INVALID', /not in the plane's bucket/],
  [{ engine: 'lean' }, 'ENGINE_UNAVAILABLE', /take "event"/],
];
const good = 11;

const worthless = (): Uint8Array => {
  const days = Array.from({ length: 60 }, (_, n) => new Date(Date.UTC(2020, 0, 1 + n)).toISOString().slice(0, 10));
  const lines = days.map((day, n) => `${day},${n % 2 ? '0,0,0,0' : '-1,-1,-2,-1'},100`);
  return new TextEncoder().encode(['Date,Open,High,Low,Close,Volume', ...lines].join('\n'));
};

test(`${good + bad.length} runs at once drain over several executors, each done once; the bad ones fail for good, each with its reason`, async () => {
  const running = await executorsPlane();
  await running.operator.upload('worthless.csv', worthless(), 'text/csv');
  const askedMs = performance.now();
  const asked = await Promise.all([
    ...bad.map(([over]) => running.ask(over)),
    ...Array.from({ length: good }, () => running.ask()),
  ]);
  const rows = await Promise.all(asked.map(({ id }) => running.settled(id)));
  measured(`${rows.length} runs at once, until the last has ended`, (performance.now() - askedMs) / 1000, 's');
  const letters = await running.letters();
  const handBacksOf = (id: string) =>
    running.said('run settled').filter(({ run, state, attempt }) => run === id && state === 'queued' && attempt === 0)
      .length;
  expect(letters).toHaveLength(bad.length);
  for (const [index, [, code, words]] of bad.entries()) {
    const row = rows[index] as Run;
    expect(row).toMatchObject({ state: 'failed', attempt: 1, starts: 1, outcome: { code } });
    expect(row.outcome?.message).toMatch(words);
    expect(letters.filter(({ run }) => run === row.id)).toEqual([{ run: row.id, code, reason: row.outcome?.message }]);
    expect(running.eventsOf(row.id)).toEqual(['RunFailed']);
    expect(await running.keys(`artifacts/local/backtest.run/${row.id}/`)).toEqual([]);
  }
  for (const row of rows.slice(bad.length)) {
    // A permit that a busy machine read too slowly hands a run back unspent: it is begun again, and its log says so.
    const handedBack = handBacksOf(row.id);
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 + handedBack, fence: 1 + handedBack });
    expect(running.eventsOf(row.id)).toEqual(['RunSucceeded']);
    await expectWholeBacktest(running.operator, row);
  }
  const started = running.said('executor started').length;
  measured('executors that served them', started, 'executors');
  expect(started).toBeGreaterThan(1);
  expect(started).toBeLessThanOrEqual(10);
  expect(running.said('run started')).toHaveLength(rows.reduce((sum, { starts }) => sum + starts, 0));
});

/** Kills each process of a body as it appears, until `over`. */
async function killBodies(running: ExecutorsPlane, over: () => Promise<boolean>): Promise<number[]> {
  const killed: number[] = [];
  const kill = (pid: number): void => {
    if (killed.includes(pid) || !isAlive(pid)) return;
    process.kill(pid, 'SIGKILL');
    killed.push(pid);
  };
  await until(
    'the poison is dead',
    async () => {
      for (const { arn, lastStatus } of running.tasks.list())
        if (lastStatus === 'RUNNING') running.tasks.childrenOf(arn).forEach(kill);
      return over();
    },
    120_000,
  );
  return killed;
}

test('a payload that kills its process each time is dead after its attempts, with one letter; its executor serves on', async () => {
  const running = await executorsPlane();
  const { id } = await running.ask({ resamples: 100_000 });
  const killed = await killBodies(running, async () => (await running.operator.run(id))?.state === 'dead');
  const dead = await running.settled(id);
  expect(killed).toHaveLength(3);
  expect(dead).toMatchObject({ state: 'dead', attempt: 3, starts: 3, outcome: { code: 'CHILD_DIED' } });
  expect(dead.outcome?.message).toMatch(/was ended by SIGKILL, as when a container runs out of memory/);
  expect(await running.letters()).toEqual([{ run: id, code: 'CHILD_DIED', reason: dead.outcome?.message }]);
  expect(running.eventsOf(id)).toEqual(['RunDead']);
  expect(running.said('child ended').filter(({ exitSignal }) => exitSignal === 'SIGKILL')).toHaveLength(3);
  const healthy = await running.settled((await running.ask()).id);
  expect(healthy).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 });
  expect(running.tasks.list()).toMatchObject([{ lastStatus: 'RUNNING' }]);
});

test('Spot capacity that is taken back: the run is handed back where it is, and another executor goes on there', async () => {
  const running = await executorsPlane();
  const { id } = await running.ask({ resamples: 200_000 });
  const doneOf = async (fence: number): Promise<number[]> =>
    (await running.operator.frames(id)).flatMap((frame) =>
      frame.fence === fence && frame.stage === 'resample' ? (frame.done ?? 0) : [],
    );
  await until('a tenth is done', async () => (await doneOf(1)).some((done) => done > 20_000), 120_000);
  const first = (await running.operator.run(id))?.lease?.owner ?? '';
  const body = running.tasks.childrenOf(first)[0] ?? 0;
  const interruptedMs = performance.now();
  await running.tasks.spotInterrupt(first);
  measured('Spot interruption to the end of the task', (performance.now() - interruptedMs) / 1000, 's');
  expect(isAlive(body)).toBe(false);
  expect(running.tasks.list().find(({ arn }) => arn === first)).toMatchObject({
    stopCode: 'SpotInterruption',
    exitCode: 0,
  });
  expect(running.said('run settled')).toMatchObject([{ run: id, state: 'queued', attempt: 0 }]);
  expect(running.said('executor ending')).toMatchObject([{ task: first, because: 'told to end' }]);
  const again = await running.rowWhen(id, ({ starts }) => starts === 2);
  measured('Spot interruption to the second start', (performance.now() - interruptedMs) / 1000, 's');
  expect(again.attempt).toBe(1);
  expect(again.cursor).toMatchObject({ fence: 1 });
  expect(again.lease?.owner).not.toBe(first);
  const done = await running.settled(id);
  expect(done).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2, fence: 2 });
  // It did not begin at the beginning.
  expect((await doneOf(2))[0]).toBeGreaterThan(10_000);
  await expectWholeBacktest(running.operator, done);
  expect(running.eventsOf(id)).toEqual(['RunSucceeded']);
  expect(await running.letters()).toEqual([]);
});
