// The project's own template and bundles, run on the plane as they would be deployed.
import { DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { parseCron, slotsAfter } from '#core/cron.ts';
import { planeOf, type TestPlane } from '#test/local/fixtures/plane.ts';
import { synthesise } from '#test/local/fixtures/synth.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;
const driven = { clock: 'driven', startAtMs: NOON + 30_000 } as const;

let assemblyDir = '';
beforeAll(() => {
  assemblyDir = synthesise();
});

type Row = Record<string, AttributeValue>;

async function rows(running: TestPlane): Promise<Row[]> {
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: running.endpoints.dynamodb,
    credentials: { accessKeyId: 't', secretAccessKey: 't' },
  });
  onTestFinished(() => client.destroy());
  const table = running.resources.tables.find(({ name }) => name.endsWith('workload_runs'));
  const found: Row[] = [];
  let from: Row | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: table?.name, ...(from && { ExclusiveStartKey: from }) }),
    );
    found.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from);
  return found;
}

const slotOf = (row: Row): string =>
  `${row['schedule']?.S} ${new Date(Number(row['slotMs']?.N)).toISOString().slice(11, 16)}`;
/** Slots of every schedule in the first `count` minutes after noon, as the template's own crons say. */
const expectedSlots = ({ resources }: TestPlane, count: number): string[] =>
  resources.schedules.flatMap(({ name, expression }) =>
    slotsAfter(parseCron(expression), NOON, { untilMs: NOON + count * MINUTE, limit: 100 }).map(
      (slotMs) => `${name} ${new Date(slotMs).toISOString().slice(11, 16)}`,
    ),
  );
const minutesFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => new Date(NOON + (first + n) * MINUTE).toISOString().slice(11, 16));

test('fifteen minutes of schedules are forty-seven runs, the hourly ones among them, each done once and on time', async () => {
  const running = await planeOf(assemblyDir, driven);
  await running.clock.advanceTo(NOON + 15 * MINUTE + 30_000);
  await running.idle(AbortSignal.timeout(10_000));
  const all = await rows(running);
  const expected = expectedSlots(running, 15);
  expect(expected).toHaveLength(47);
  expect(all.map(slotOf).toSorted()).toEqual(expected.toSorted());
  for (const row of all) {
    expect(row).toMatchObject({ state: { S: 'succeeded' }, attempt: { N: '1' }, starts: { N: '1' } });
    expect(Number(row['claimedMs']?.N) - Number(row['slotMs']?.N)).toBeLessThan(10_000);
  }
  expect(running.told('dead-letter')).toEqual([]);
  expect(running.told('error')).toEqual([]);
  expect(new Set(running.told('invocation-ended').map(({ outcome }) => outcome))).toEqual(new Set(['success']));
  const completed = running.metrics.series({ namespace: 'AlphaSwarm/Beat', name: 'SlotCompleted' });
  expect(completed.map(({ points }) => points.length)).toEqual([15, 15, 15, 1, 1]);
});

test('two hundred duplicated and reordered ticks leave one run a slot', async () => {
  const running = await planeOf(assemblyDir, driven);
  const schedules = running.resources.schedules.map(({ name }) => name);
  const slots = schedules.flatMap((name) =>
    minutesFrom(-13, 14).map((_, n) => [name, NOON + (n - 13) * MINUTE] as const),
  );
  const deliveries = Array.from({ length: 200 }, (_, n) => slots[(n * 17) % slots.length] ?? (['', 0] as const));
  expect(new Set(deliveries.map((delivery) => delivery.join())).size).toBe(slots.length);
  await Promise.all(deliveries.map(([name, slotMs]) => running.scheduler.deliver(name, slotMs)));
  await running.idle(AbortSignal.timeout(40_000));
  const all = await rows(running);
  const delivered = all.filter((row) => Number(row['slotMs']?.N) <= NOON);
  expect(delivered.map(slotOf).toSorted()).toEqual(
    slots.map(([name, slotMs]) => `${name} ${new Date(slotMs).toISOString().slice(11, 16)}`).toSorted(),
  );
  // Slots beyond their staleness are skipped, and so are those whose predecessor still ran.
  for (const row of all) expect(['succeeded', 'skipped']).toContain(row['state']?.S);
  expect(running.told('dead-letter')).toEqual([]);
});

test('a run whose environment is killed in the middle is done once, at its second attempt', async () => {
  let killedAtMs = 0;
  const running: TestPlane = await planeOf(assemblyDir, {
    ...driven,
    onEvent: (event) => {
      if (killedAtMs > 0 || event.type !== 'log' || !/"run started".*"status\.sync"/.test(event.line)) return;
      killedAtMs = event.atMs;
      running.lambdas.killInFlight(event.function, event.requestId);
    },
  });
  await running.clock.advanceTo(NOON + 4 * MINUTE);
  expect(killedAtMs).toBeGreaterThan(0);
  expect(running.told('environment-ended').map(({ how }) => how)).toEqual(['killed']);
  const all = await rows(running);
  expect(all.map(slotOf).toSorted()).toEqual(expectedSlots(running, 4).toSorted());
  const [killed, ...others] = all.filter((row) => Number(row['starts']?.N) > 1 && row['task']?.S === 'status.sync');
  expect(others).toEqual([]);
  expect(killed).toMatchObject({
    state: { S: 'succeeded' },
    attempt: { N: '2' },
    starts: { N: '2' },
    slotMs: { N: String(NOON + MINUTE) },
  });
  // The lease ends, the reaper finds it, and the second attempt starts: two minutes at most.
  const untilSecondMs = Number(killed?.['claimedMs']?.N) - killedAtMs;
  expect(untilSecondMs).toBeLessThan(2 * MINUTE + 10_000);
});
