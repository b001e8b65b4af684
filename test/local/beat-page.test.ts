// The project's own Beat dashboard as a page, over a few driven minutes, beside the ledger.
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { isScheduleKey, scheduleKeys, scheduleRow } from '#core/catalogue/schedules.ts';
import { renderDashboards } from '#local/dashboard-page.ts';
import { temporaryFolder } from '#test/local/fixtures/assembly.ts';
import { labels, read } from '#test/local/fixtures/page.ts';
import { planeOf, type TestPlane } from '#test/local/fixtures/plane.ts';
import { synthesise } from '#test/local/fixtures/synth.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;

let assemblyDir = '';
beforeAll(() => {
  assemblyDir = synthesise();
});

test('the page says of each schedule what the ledger says, over six driven minutes and one that is late', async () => {
  const running = await planeOf(assemblyDir, { clock: 'driven', startAtMs: NOON + 6.5 * MINUTE });
  await running.clock.advanceTo(NOON + 12 * MINUTE + 30_000);
  await running.idle(AbortSignal.timeout(20_000));
  await running.scheduler.deliver('runs-reap', NOON - 30 * MINUTE);
  await running.idle(AbortSignal.timeout(20_000));
  const [file = ''] = renderDashboards(running, temporaryFolder());
  const html = readFileSync(file, 'utf8');
  const all = await rows(running);

  for (const key of scheduleKeys) {
    const own = all.filter(({ schedule }) => schedule === key);
    const count = (state: string): string => String(own.filter((one) => one.state === state).length || 'no data');
    const late = own.filter(({ state }) => state === 'succeeded').map(({ lateMs }) => lateMs);
    const expected = `completed ${count('succeeded')}, skipped ${count('skipped')}, missed no data`;
    expect(labels(html)).toContain(`${key}: slots: ${expected}`);
    expect(read(html)).toContain(`${expected.replaceAll(',', '')} ${key}: slots`);
    expect(labels(html).find((label) => label.startsWith(`${key}: lateness`))).toContain(
      `lateness max ${Math.round(Math.max(...late) * 10) / 10}`,
    );
  }
  expect(all.map(({ state }) => state).filter((state) => state === 'skipped')).toHaveLength(1);

  const ticks = Map.groupBy(
    running.told('tick'),
    ({ schedule }) => isScheduleKey(schedule) && scheduleRow(schedule).cadence === '1h',
  );
  expect(labels(html)).toContain(
    `Scheduler, 1m: deliveries: attempts ${ticks.get(false)?.length}, errors no data, dropped no data, dead letters no data`,
  );
  expect(labels(html)).toContain(
    `Scheduler, 1h: deliveries: attempts ${ticks.get(true)?.length}, errors no data, dropped no data, dead letters no data`,
  );

  const cells = [...html.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell = '']) => cell);
  const last = cells.flatMap((cell, at) =>
    at % 6 === 0 ? [{ schedule: cell, state: cells[at + 1], run: cells[at + 5] }] : [],
  );
  expect(last.map(({ schedule }) => schedule).toSorted()).toEqual(
    [...new Set(all.map(({ schedule }) => schedule))].toSorted(),
  );
  for (const { run, schedule, state } of last)
    expect(all.find(({ id }) => id === run)).toMatchObject({ schedule, state });
});

interface Row {
  readonly id: string;
  readonly task: string;
  readonly schedule: string;
  readonly state: string;
  readonly lateMs: number;
}

/** Every scheduled run of the ledger. */
async function rows(running: TestPlane): Promise<Row[]> {
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: running.endpoints.dynamodb,
    credentials: { accessKeyId: 't', secretAccessKey: 't' },
  });
  onTestFinished(() => client.destroy());
  const table = running.resources.tables.find(({ name }) => name.endsWith('workload_runs'));
  const { Items: items = [] } = await client.send(new ScanCommand({ TableName: table?.name }));
  return items.map((item) => {
    const text = (name: string): string => item[name]?.S ?? '';
    const lateMs = Number(item['claimedMs']?.N) - Number(item['slotMs']?.N);
    return { id: text('id'), task: text('task'), schedule: text('schedule'), state: text('state'), lateMs };
  });
}
