import { afterAll, expect, it } from 'vitest';
import type { ScheduleSpec } from '#local/schedule-resources.ts';
import { startAwsApi } from '#local/aws-api.ts';
import { scheduleReader } from '#runtime/schedule-reader.ts';

const api = await startAwsApi(undefined, () => undefined);
afterAll(() => api.stop());

const spec: ScheduleSpec = {
  name: 'runs-reap',
  group: 'alphaswarm-here-1m',
  arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/alphaswarm-here-1m/runs-reap',
  expression: 'cron(* * * * ? *)',
  timeZone: 'UTC',
  enabled: true,
  windowMs: 0,
  target: {
    queue: { logicalId: 'q', name: 'q', url: 'http://127.0.0.1/q', arn: 'arn:aws:sqs:us-east-1:0:q', attributes: {} },
    roleArn: 'arn:aws:iam::0:role/r',
    input: '{}',
    maximumRetryAttempts: 3,
    maximumEventAgeMs: 240_000,
  },
};
const client = {
  region: 'us-east-1',
  endpoint: api.url,
  credentials: { accessKeyId: 'CONTRACT', secretAccessKey: 'contract' },
  maxAttempts: 1,
};

it('reads what the scheduler has, from the group of the schedule’s cadence', async () => {
  api.serve({ schedules: () => [spec, { ...spec, name: 'status-sync', enabled: false }] });
  const schedules = scheduleReader({ client, cell: 'here' });
  expect(await schedules.read('runs-reap')).toEqual({
    state: 'ENABLED',
    expression: 'cron(* * * * ? *)',
    timezone: 'UTC',
    maximumRetries: 3,
    maximumEventAgeSeconds: 240,
  });
  expect(await schedules.read('status-sync')).toMatchObject({ state: 'DISABLED' });
  expect(await schedules.read('beat-reconcile')).toBeUndefined();
  expect(await scheduleReader({ client, cell: 'there' }).read('runs-reap')).toBeUndefined();
});
