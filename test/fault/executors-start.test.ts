// Executors that cannot be started, or cannot work: nothing is lost, nothing is started without end, and the reason is kept.
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '#test/local/fixtures/plane.ts';
import { brokenAssembly, executorsPlane, expectWholeBacktest, type ExecutorsPlane } from './support/executors.ts';
import { measured } from './support/measured.ts';
import { minuteMs } from './support/plane.ts';

const startsFailed = (running: ExecutorsPlane, times: number): Promise<void> =>
  until(`${times} failed starts`, async () => (await running.family()).failedStarts >= times, 90_000);
/** The reaper comes with each minute. One at a time: an executor that is jumped over would seem to have fallen silent. */
async function minutesPass(running: ExecutorsPlane, holds: () => Promise<boolean>): Promise<void> {
  for (let minutes = 0; minutes < 4 && !(await holds()); minutes += 1) {
    const nextMs = Math.ceil(running.clock.now() / minuteMs) * minuteMs;
    await running.clock.advanceTo(nextMs + 1000, { signal: AbortSignal.timeout(60_000) });
    // Until the kick that it sent has been heard.
    await sleep(4000);
  }
}

test('tasks whose definition lacks a variable stop before they speak: counted, backed off, the run waits unharmed', async () => {
  const running = await executorsPlane({ assemblyDir: brokenAssembly({ without: 'LEDGER_TABLE' }), clock: 'driven' });
  const { id } = await running.ask();
  await startsFailed(running, 3);
  const family = await running.family();
  expect(family.executors).toEqual([]);
  expect(family.lastFailure).toBe('EssentialContainerExited: Essential container in task exited');
  expect(family.backOffUntilMs).toBeGreaterThan(running.clock.now());
  expect(family.backOffUntilMs).toBeLessThanOrEqual(running.clock.now() + minuteMs);
  // Why, in the words of the task itself, and of the dispatcher for each.
  const own = running.said('executor start failed');
  expect(own).toHaveLength(3);
  for (const line of own) {
    expect(line).toMatchObject({ level: 'WARN', family: 'backtest', code: 'CONFIGURATION_INVALID' });
    expect(line['reason']).toContain('LEDGER_TABLE');
  }
  // The row says so a moment before the line has come through the function's pipe.
  await until('a line each', () => running.logged('executor start failed').length >= 3);
  expect(running.logged('executor start failed')).toHaveLength(3);
  expect(running.tasks.list().map(({ exitCode }) => exitCode)).toEqual([1, 1, 1]);
  // While it backs off nothing is started, however often it is asked to look.
  await running.ask();
  await until('the kick was heard', () => running.queueDepths()['alphaswarm-dev-kick.fifo']?.visible !== 1);
  expect(running.tasks.list()).toHaveLength(3);
  // Then one more at a time, after longer and longer.
  await minutesPass(running, async () => running.tasks.list().length > 3);
  await startsFailed(running, 4);
  expect(await running.family()).toMatchObject({ failedStarts: 4, executors: [] });
  expect(running.tasks.list()).toHaveLength(4);
  expect(await running.operator.run(id)).toMatchObject({ state: 'queued', attempt: 0, starts: 0 });
  expect(await running.letters()).toEqual([]);
});

test('images that cannot be pulled: three starts fail, and after the back-off the run is done, once', async () => {
  const running = await executorsPlane({ clock: 'driven' });
  running.tasks.faults.failToStart(3);
  const { id } = await running.ask();
  await startsFailed(running, 3);
  expect((await running.family()).lastFailure).toMatch(/^TaskFailedToStart: CannotPullContainerError: .+not found$/);
  expect(running.tasks.list().map(({ stopCode }) => stopCode)).toEqual(Array(3).fill('TaskFailedToStart'));
  await minutesPass(running, async () => (await running.operator.run(id))?.state !== 'queued');
  const run = await running.settled(id);
  expect(run).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 });
  await expectWholeBacktest(running.operator, run);
  expect(running.eventsOf(id)).toEqual(['RunSucceeded']);
  expect(running.tasks.list()).toHaveLength(4);
});

test('without Spot capacity the task is one of FARGATE; without any nothing is started, and the reason is kept', async () => {
  const running = await executorsPlane({ clock: 'driven' });
  const { faults } = running.tasks;
  faults.refuseCapacity('FARGATE_SPOT');
  faults.refuseCapacity('FARGATE', 'You have reached the limit on the number of vCPUs you can run concurrently');
  const { id } = await running.ask();
  await startsFailed(running, 1);
  expect((await running.family()).lastFailure).toMatch(/^FARGATE: .*limit on the number of vCPUs/);
  expect(running.tasks.list()).toEqual([]);
  faults.restoreCapacity('FARGATE');
  // Nobody asks again but the reaper.
  await minutesPass(running, async () => (await running.operator.run(id))?.state !== 'queued');
  expect(await running.settled(id)).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 });
  expect(running.tasks.list()).toMatchObject([{ capacityProvider: 'FARGATE' }]);
  // It has spoken: the next look forgets the failures.
  await running.settled((await running.ask()).id);
  await until('the failures are forgotten', async () => (await running.family()).failedStarts === 0);
});

test('a throttled launch is made again, as the same launch', async () => {
  const running = await executorsPlane();
  running.tasks.faults.throttle(1);
  const askedMs = performance.now();
  const { id } = await running.ask();
  expect(await running.settled(id)).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 });
  measured('RunTask throttled once: request to the end of the run', (performance.now() - askedMs) / 1000, 's');
  expect(running.tasks.list()).toHaveLength(1);
});

test('an image without the task fails the run for good, with a letter that says what is missing', async () => {
  const main = fileURLToPath(new URL('../../runtime/executor/main.ts', import.meta.url));
  const program = `import { executorMain } from ${JSON.stringify(main)};\nawait executorMain('backtest', {});\n`;
  const running = await executorsPlane({ assemblyDir: brokenAssembly({ program }) });
  const { id } = await running.ask();
  const run = await running.settled(id);
  expect(run).toMatchObject({ state: 'failed', starts: 1, outcome: { code: 'CONFIGURATION_INVALID' } });
  expect(run.outcome?.message).toContain('no body for backtest.run');
  expect(await running.letters()).toEqual([{ run: id, code: 'CONFIGURATION_INVALID', reason: run.outcome?.message }]);
  expect(running.eventsOf(id)).toEqual(['RunFailed']);
  expect(running.living()).toHaveLength(1);
});
