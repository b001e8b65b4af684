// kill -9 in the middle of an ingestion, when bronze is written and silver is being made. Its message stays hidden for as
// long as the function may run, 12 minutes, so the lease and the reaper bring the run back.
import { expect, test } from 'vitest';
import type { Frame } from '#core/progress.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { bigSeries } from './support/big-series.ts';
import { listenToFrames } from './support/frames.ts';
import { askForIngestion, expectOneEnd, expectWholeIngestion, fenceOf } from './support/ingestion.ts';
import { measured } from './support/measured.ts';
import { faultPlane, minuteMs } from './support/plane.ts';

const rows = 400_000;
const renewalsMs = { lease: 45_000, every: 15_000 };

test('an ingestion whose environment gets SIGKILL between bronze and silver is done once, whole, at its second attempt', async () => {
  // Driven, so that its schedules tick at the wall's speed now and twelve minutes can be jumped over later.
  const running = await faultPlane({ clock: 'driven' });
  const ingestion = running.functionOf('ingestion');
  let killedAtMs = 0;
  const kill = (frame: Frame): void => {
    if (killedAtMs > 0 || frame.stage !== 'silver') return;
    if (running.lambdas.killInFlight(ingestion) !== undefined) killedAtMs = running.clock.now();
  };
  const frames = await listenToFrames(running.endpoints.redis, kill);
  const asked = await askForIngestion(running, 'sp500-minutes', bigSeries(rows));
  await until('the run is killed in mid-flight', () => killedAtMs > 0, 120_000);
  const lost = await running.operator.run(asked.id);
  expect(lost).toMatchObject({ state: 'running', attempt: 1, starts: 1, fence: 1 });
  const prefix = `artifacts/local/ingest.pull/${asked.id}/`;
  const left = await running.keys(prefix);
  expect(left.filter((key) => key.includes('/1/bronze-'))).toHaveLength(rows / 50_000);
  expect(left.filter((key) => !key.includes('/bronze-'))).toEqual([]);

  await until('the second attempt begins', async () => (await running.operator.run(asked.id))?.starts === 2, 200_000);
  const second = await running.operator.run(asked.id);
  const untilSecondMs = (second?.claimedMs ?? 0) - killedAtMs;
  // The lease had at least 30 s to go; the reaper comes each minute.
  expect(untilSecondMs).toBeGreaterThanOrEqual(renewalsMs.lease - renewalsMs.every - 2000);
  expect(lost?.lease?.untilMs).toBeLessThanOrEqual(second?.claimedMs ?? 0);
  measured('ingest.pull: kill -9 to the second start (wall)', untilSecondMs / 1000, 's');

  const done = await running.operator.until(asked.id, ['succeeded', 'failed', 'dead'], 200_000);
  measured('ingest.pull: kill -9 to the end of the run', ((done.settledMs ?? 0) - killedAtMs) / 1000, 's');
  expect(done).toMatchObject({ state: 'succeeded', attempt: 2, starts: 2 });
  const manifest = await expectWholeIngestion(running, done, rows);
  const named = [...manifest.bronze.keys, ...manifest.artefacts.map(({ key }) => key)];
  const strays = (await running.keys(prefix)).filter((key) => !named.includes(key) && !key.endsWith('/manifest.json'));
  // Whatever the manifest does not name was left by the claim that was killed.
  for (const key of strays) expect(fenceOf(done, key)).toBe(1);
  const stored = await frames.stored(asked.id);
  expectOneEnd(done, stored);
  const heard = () => frames.heard.filter((frame) => frame.run_id === asked.id);
  await until('every frame was heard', () => heard().length >= stored.length);
  expect(heard()).toEqual(stored);

  // The killed environment's message comes back after twelve minutes, finds the run done, and is acknowledged.
  await running.clock.advanceTo(running.clock.now() + 13 * minuteMs);
  await running.idle(AbortSignal.timeout(60_000));
  expect(await running.operator.run(asked.id)).toEqual(done.outbox.length === 0 ? done : expect.anything());
  expect(await running.operator.run(asked.id)).toMatchObject({ state: 'succeeded', starts: 2, outbox: [] });
  expect(running.told('dead-letter')).toEqual([]);
  expectOneEnd(done, await frames.stored(asked.id));
});
