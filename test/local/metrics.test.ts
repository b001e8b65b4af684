import { expect, test } from 'vitest';
import { createMetrics } from '#local/metrics.ts';
import { lambda, role } from '#test/local/fixtures/assembly.ts';
import { plane } from '#test/local/fixtures/plane.ts';

const AT = Date.parse('2026-11-20T12:00:00Z');

function emf(values: Record<string, unknown>, dimensions: string[][] = [['queue']], names = ['RunSucceeded']): string {
  const directive = {
    Namespace: 'AlphaSwarm/Tasks',
    Dimensions: dimensions,
    Metrics: names.map((Name) => ({ Name, Unit: 'Count' })),
  };
  return JSON.stringify({ _aws: { Timestamp: AT, CloudWatchMetrics: [directive] }, ...values });
}

test('a line of embedded metrics becomes a point in each series that it names', () => {
  const metrics = createMetrics();
  metrics.readLine(emf({ queue: 'system', task: 'runs.reap', RunSucceeded: 1 }, [['queue'], ['queue', 'task'], []]));
  metrics.readLine(emf({ queue: 'system', task: 'runs.reap', RunSucceeded: [2, 3] }, [['task', 'queue']]));
  expect(metrics.series()).toEqual([
    {
      namespace: 'AlphaSwarm/Tasks',
      name: 'RunSucceeded',
      unit: 'Count',
      dimensions: { queue: 'system' },
      points: [{ atMs: AT, value: 1 }],
    },
    {
      namespace: 'AlphaSwarm/Tasks',
      name: 'RunSucceeded',
      unit: 'Count',
      dimensions: { queue: 'system', task: 'runs.reap' },
      points: [1, 2, 3].map((value) => ({ atMs: AT, value })),
    },
    {
      namespace: 'AlphaSwarm/Tasks',
      name: 'RunSucceeded',
      unit: 'Count',
      dimensions: {},
      points: [{ atMs: AT, value: 1 }],
    },
  ]);
});

test('series are asked for by namespace, name and some of their dimensions', () => {
  const metrics = createMetrics();
  metrics.readLine(
    emf({ queue: 'system', RunSucceeded: 1, RunFailed: 2 }, [['queue']], ['RunSucceeded', 'RunFailed', 'NotThere']),
  );
  metrics.readLine(emf({ queue: 'ingestion', RunSucceeded: 4 }));
  expect(metrics.series({ name: 'RunSucceeded' }).map(({ dimensions }) => dimensions['queue'])).toEqual([
    'system',
    'ingestion',
  ]);
  expect(metrics.series({ name: 'RunSucceeded', dimensions: { queue: 'ingestion' } })[0]?.points).toEqual([
    { atMs: AT, value: 4 },
  ]);
  expect(metrics.series({ namespace: 'Other' })).toEqual([]);
  expect(metrics.series({ name: 'NotThere' })).toEqual([]);
});

test.each(['plain text', '{"_aws" broken', '{"_aws":{}}', '{"level":"INFO","message":"about _aws"}', 'null'])(
  'a line that is no embedded metric is left alone: %s',
  (line) => {
    const metrics = createMetrics();
    metrics.readLine(line);
    expect(metrics.series()).toEqual([]);
  },
);

test('what a function prints in the format is a series of the plane', async () => {
  const line = emf({ queue: 'system', RunSucceeded: 1 });
  const running = await plane({
    resources: { Role: role, Worker: lambda({ FunctionName: 'worker' }) },
    code: { Worker: `export const handler = async () => { console.log(${JSON.stringify(line)}); };` },
  });
  await running.lambdas.invoke('worker', {});
  await running.lambdas.invoke('worker', {});
  expect(running.metrics.series({ namespace: 'AlphaSwarm/Tasks' })[0]?.points).toHaveLength(2);
});
