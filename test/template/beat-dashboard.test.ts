// The widgets beside what the bundles really write: a dimension too many or too few would show an empty chart.
import { App, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { expect, test } from 'vitest';
import { metricNames, metrics } from '#core/catalogue/metrics.ts';
import { scheduleKeys } from '#core/catalogue/schedules.ts';
import { BeatDashboard } from '#lib/constructs/beat-dashboard.ts';
import { createMetrics } from '#local/metrics.ts';
import { runtimeMetrics } from '#runtime/metrics.ts';
import { said } from '#test/unit/runtime/support.ts';
import { shownIn, widgetsOf } from './laws/beat-dashboard.ts';
import type { Resource } from './plane.ts';

test('the series that the widgets ask for are those that the bundles write, neither more nor less', async () => {
  const { emf } = await said(async () => {
    const written = runtimeMetrics({ nowMs: () => Date.now() } as Parameters<typeof runtimeMetrics>[0]);
    for (const key of scheduleKeys) {
      for (const name of metricNames) if (metrics[name].dimension === 'schedule') written.record(name, 1, key);
    }
    written.flush();
  });
  const recorder = createMetrics();
  for (const line of emf) recorder.readLine(JSON.stringify(line));

  const stack = new Stack(new App(), 'Test');
  new BeatDashboard(stack, 'Dashboard', { cell: 'dev', logGroup: new LogGroup(stack, 'Logs') });
  const { Resources: resources } = (stack.node.root as App).synth().getStackByName('Test').template as {
    Resources: Record<string, Resource>;
  };
  const dashboard = Object.values(resources).find(({ Type }) => Type === 'AWS::CloudWatch::Dashboard');
  const ours = shownIn(widgetsOf(dashboard?.Properties['DashboardBody'])).filter(
    ({ namespace }) => !namespace.startsWith('AWS/'),
  );

  expect(keysOf(ours)).toEqual(keysOf(recorder.series()));
});

const keysOf = (
  series: readonly { namespace: string; name: string; dimensions: Readonly<Record<string, string>> }[],
): string[] =>
  [
    ...new Set(
      series.map(({ namespace, name, dimensions }) =>
        JSON.stringify([
          namespace,
          name,
          Object.entries(dimensions)
            .map((pair) => pair.join('='))
            .toSorted(),
        ]),
      ),
    ),
  ].toSorted();
