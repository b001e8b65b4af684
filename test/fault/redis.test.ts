// Redis away at the start, gone in mid-run, and held by a stranger who has never heard of epochs.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Frame } from '#core/progress.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { bigSeries } from './support/big-series.ts';
import { foreign } from './support/foreign.ts';
import { listenToFrames } from './support/frames.ts';
import { askForIngestion, expectOneEnd, expectWholeIngestion } from './support/ingestion.ts';
import { measured } from './support/measured.ts';
import { driven, faultPlane, minuteMs, noonMs, type FaultPlane } from './support/plane.ts';

/** A plane on a Valkey of the test's own, which the test may stop. */
async function planeOn(valkey: Valkey): Promise<FaultPlane> {
  const REDIS_URL = `redis://${valkey.host}:${valkey.port}`;
  return faultPlane({ ...driven, variables: { ...process.env, REDIS_URL } });
}

async function ownValkey(): Promise<Valkey> {
  const valkey = await startValkey();
  onTestFinished(() => valkey.stop());
  return valkey;
}

test('with Redis down at the start ticks come back without a row, requests are refused, and both go on once it is there', async () => {
  const valkey = await ownValkey();
  await valkey.kill();
  const running = await planeOn(valkey);
  const schedules = running.resources.schedules.map(({ name }) => name);
  await Promise.all(schedules.map((name) => running.scheduler.deliver(name, noonMs)));
  const backed = () => running.logged('kill switch unknown').length;
  await until('every tick has come back once', () => backed() >= schedules.length, 30_000);
  const request = () => askForIngestion(running, 'sp500', bigSeries(1000));
  await expect(request()).rejects.toMatchObject({ code: 'KILL_SWITCH_UNKNOWN' });
  // Until they have come back a second time.
  await until('they come back again', () => backed() >= 2 * schedules.length, 40_000);
  expect(await running.rows()).toEqual([]);
  expect(await running.keys('')).toEqual(['inbox/local/sp500.csv']);
  expect(new Set(running.told('invocation-ended').map(({ outcome }) => outcome))).toEqual(new Set(['success']));

  await valkey.startAgain();
  const backMs = performance.now();
  const ofNoon = async () => (await running.rows()).filter(({ slotMs }) => slotMs === noonMs);
  await until(
    'the slots are run',
    async () =>
      (await ofNoon()).filter(({ state, outbox }) => state === 'succeeded' && outbox.length === 0).length ===
      schedules.length,
    90_000,
  );
  measured('Redis is back to the last of the waiting ticks done', (performance.now() - backMs) / 1000, 's');
  const rows = await ofNoon();
  expect(new Set(rows.map(({ schedule }) => schedule))).toEqual(new Set(schedules.map((name) => bare(name))));
  for (const row of rows) expect(row).toMatchObject({ attempt: 1, starts: 1 });
  const run = await request();
  expect(await running.operator.until(run.id, ['succeeded'], 60_000)).toMatchObject({ attempt: 1 });
  expect(running.told('dead-letter')).toEqual([]);
});

/** A schedule's key: its name on AWS without what names the plane. */
const bare = (name: string): string => name.replace(/^alphaswarm-dev-/, '');

const ways = {
  'killed and started again': {
    stop: (valkey: Valkey) => valkey.kill(),
    back: (valkey: Valkey) => valkey.startAgain(),
  },
  'frozen and thawed': {
    stop: async (valkey: Valkey) => valkey.freeze(),
    back: async (valkey: Valkey) => valkey.thaw(),
  },
} as const;

test.each(Object.entries(ways))(
  'Redis %s in the middle of an ingestion: nothing is written while it is away, no attempt is spent, and the run is done',
  async (_, { stop, back }) => {
    const rows = 400_000;
    const valkey = await ownValkey();
    const running = await planeOn(valkey);
    let stopping: Promise<void> | undefined;
    const stopInBronze = ({ stage, done = 0 }: Frame): void => {
      if (stage === 'bronze' && done >= 100_000) stopping ??= stop(valkey);
    };
    const frames = await listenToFrames(running.endpoints.redis, stopInBronze);
    const asked = await askForIngestion(running, 'sp500-minutes', bigSeries(rows));
    await until('Redis is gone in mid-run', () => stopping !== undefined, 120_000);
    await stopping;
    const awayMs = performance.now();
    // A permit given before lives 250 ms, and a write that it allowed may take its time on a busy machine.
    await sleep(1500);
    const prefix = `artifacts/local/ingest.pull/${asked.id}/`;
    const written = await running.keys(prefix);
    expect(written.length).toBeGreaterThan(0);
    const handedBack = () =>
      running.logged('run settled').some(({ run, state }) => run === asked.id && state === 'queued');
    await until('the run is handed back', handedBack, 120_000);
    measured('Redis is gone to the run handed back', (performance.now() - awayMs) / 1000, 's');
    const waiting = await running.operator.run(asked.id);
    expect(waiting).toMatchObject({ state: 'queued', attempt: 0, starts: 1 });
    await sleep(8000);
    expect(await running.operator.run(asked.id)).toEqual(waiting);
    expect(await running.keys(prefix)).toEqual(written);
    expect(written.filter((key) => !key.includes('/bronze-'))).toEqual([]);

    await back(valkey);
    const done = await running.operator.until(asked.id, ['succeeded', 'failed', 'dead'], 180_000);
    expect(done).toMatchObject({ state: 'succeeded', attempt: 1, starts: 2 });
    await expectWholeIngestion(running, done, rows);
    const stored = await frames.stored(asked.id);
    expectOneEnd(
      done,
      stored.filter(({ fence }) => fence === done.fence),
    );
    expect(stored.filter(({ state }) => state !== 'running')).toHaveLength(1);
    expect(running.told('dead-letter')).toEqual([]);
  },
);

test('a stranger who sets the key to 0 halts the plane; requests are held until he deletes it, and then done', async () => {
  const running = await faultPlane(driven);
  const key = 'alphaswarm:kill_switch';
  const cli = (command: string) => foreign(running.endpoints.redis, command);
  expect(await cli(`SET ${key} 0`)).toBe('+OK\r\n');
  await running.clock.advanceTo(noonMs + minuteMs);
  await running.idle(AbortSignal.timeout(60_000));
  const asked = await askForIngestion(running, 'sp500', bigSeries(1000));
  await running.clock.advanceTo(noonMs + 2 * minuteMs);
  await running.idle(AbortSignal.timeout(60_000));
  const held = await running.operator.run(asked.id);
  expect(held).toMatchObject({ state: 'held', attempt: 0, starts: 0 });
  const ofRun = running.events().filter(({ detail }) => (detail as { run?: string }).run === asked.id);
  expect(ofRun).toEqual([]);
  expect(await running.keys('artifacts/')).toEqual([]);
  const beats = (await running.rows()).filter(({ slotMs = 0 }) => slotMs >= noonMs + minuteMs);
  expect(beats.map(({ task, state, outcome }) => `${task} ${state} ${outcome?.code ?? ''}`).toSorted()).toEqual([
    'killswitch.heartbeat succeeded ',
    'killswitch.heartbeat succeeded ',
    'runs.reap skipped halted',
    'runs.reap skipped halted',
    'status.sync succeeded ',
    'status.sync succeeded ',
  ]);
  // The value is his: nobody writes over it.
  expect(await cli(`GET ${key}`)).toBe('$1\r\n0\r\n');
  expect(running.logged('halt engaged')).toMatchObject([{ origin: 'external' }]);

  expect(await cli(`DEL ${key}`)).toBe(':1\r\n');
  await running.clock.advanceTo(noonMs + 5 * minuteMs);
  const done = await running.operator.until(asked.id, ['succeeded', 'failed', 'dead'], 60_000);
  expect(done).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 });
  expect(running.logged('kill switch repaired')).toMatchObject([{ repair: 'external-cleared' }]);
  expect(await cli(`GET ${key}`)).toBe('$-1\r\n');
  await expectWholeIngestion(running, done, 1000);
  expect(running.told('dead-letter')).toEqual([]);
});
