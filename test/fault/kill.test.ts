// kill -9 of an execution environment in mid-run, on the wall's time: who takes over, and after how long. (With a driven
// clock that waits are jumped over: test/local/app.test.ts.)
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { isTerminal, type Run } from '#core/run.ts';
import { isAlive } from '#test/local/fixtures/processes.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { measured } from './support/measured.ts';
import { faultPlane, minuteMs, type FaultPlane } from './support/plane.ts';

// The function's timeout, 50 s, and 5 s: earlier than that a second owner could meet the first.
const leaseMs = 55_000;

test('a housekeeping run whose environment gets SIGKILL is done once, at its second attempt', async () => {
  let killed: { pid: number; atMs: number } | undefined;
  const running: FaultPlane = await faultPlane({
    onEvent: (event) => {
      if (killed || event.type !== 'log' || event.requestId === undefined) return;
      if (!/"run started".*"status\.sync"/.test(event.line)) return;
      const pid = running.lambdas.killInFlight(event.function, event.requestId);
      if (pid !== undefined) killed = { pid, atMs: event.atMs };
    },
  });
  const schedule = running.resources.schedules.find(({ name }) => name.endsWith('status-sync'));
  const slotMs = Math.floor(running.clock.now() / minuteMs) * minuteMs;
  await running.scheduler.deliver(schedule?.name ?? '', slotMs);
  await until('the run is killed', () => killed !== undefined);
  const { pid, atMs } = killed ?? { pid: 0, atMs: 0 };
  await until('the killed process is gone', () => !isAlive(pid));
  await until('the plane has told of it', () => running.told('environment-ended').length > 0);
  expect(running.told('environment-ended')).toMatchObject([{ pid, how: 'killed' }]);

  const lost = await rowOfSlot(running, slotMs);
  expect(lost).toMatchObject({ state: 'running', attempt: 1, starts: 1, fence: 1 });
  const isDone = (row: Run | undefined): boolean =>
    row !== undefined && isTerminal(row.state) && row.outbox.length === 0;
  await until('the run is done', async () => isDone(await rowOfSlot(running, slotMs)), 180_000);
  const done = await rowOfSlot(running, slotMs);
  expect(done).toMatchObject({ state: 'succeeded', attempt: 2, starts: 2, id: lost?.id });
  expect(running.logged('run settled').filter(({ run }) => run === done?.id)).toHaveLength(
    // The reaper, too, may have settled the lost claim and sent the run again.
    running.logged('run settled').filter(({ run, state }) => run === done?.id && state === 'queued').length + 1,
  );
  const events = running.events().filter(({ detail }) => (detail as { run?: string }).run === done?.id);
  // The start of the attempt that was killed may have been told, or not.
  expect(events.map(({ detailType }) => detailType).filter((name) => name !== 'RunStarted')).toEqual(['RunSucceeded']);
  const untilSecondMs = (done?.claimedMs ?? 0) - atMs;
  expect(untilSecondMs).toBeGreaterThanOrEqual(leaseMs - 1000);
  measured('system run: kill -9 to the second start', untilSecondMs / 1000, 's');

  // The second owner published a page that is whole.
  const status = JSON.parse(new TextDecoder().decode(await running.operator.download('status/status.json'))) as unknown;
  expect(status).toHaveProperty('components');
  // Whatever message is still under way changes nothing any more.
  await sleep(8_000);
  expect(await rowOfSlot(running, slotMs)).toMatchObject({ state: 'succeeded', attempt: 2, starts: 2 });
  expect(running.told('dead-letter')).toEqual([]);
  // A slot that fell into the lost claim's lease was skipped, as its overlap rule says; nothing else suffered.
  for (const row of await running.rows()) {
    const overlapped = row.task === 'status.sync' && row.state === 'skipped';
    if (overlapped) expect(row.outcome).toEqual({ code: 'overlap' });
    else expect(['succeeded', 'running']).toContain(row.state);
  }
});

async function rowOfSlot(running: FaultPlane, slotMs: number): Promise<Run | undefined> {
  const found = (await running.rows()).filter((row) => row.task === 'status.sync' && row.slotMs === slotMs);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
}
