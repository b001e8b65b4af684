import { DeleteQueueCommand } from '@aws-sdk/client-sqs';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { lambda, mapping, role, schedule, type FixtureResource } from '#test/local/fixtures/assembly.ts';
import { plane, until } from '#test/local/fixtures/plane.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;
const queue = (QueueName: string, more: Record<string, unknown> = {}): FixtureResource => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName, ...more },
});
const driven = { clock: 'driven', startAtMs: NOON + 30_000 } as const;

const CONSUMER = `
  import { readFileSync } from 'node:fs';
  const now = () => Date.now() + Number(readFileSync(process.env.ALPHASWARM_CLOCK_FILE, 'utf8'));
  export const handler = async ({ Records }) => {
    for (const { body } of Records) console.log(JSON.stringify({ body, latenessMs: now() - Date.parse(JSON.parse(body).slot) }));
  };`;

test('a driven clock delivers every slot of hours in seconds, and the functions read the same time', async () => {
  const running = await plane(
    {
      resources: {
        Role: role,
        System: queue('system'),
        Beat: schedule('System', { Name: 'beat' }),
        Hourly: schedule('System', { Name: 'hourly', ScheduleExpression: 'cron(0 * * * ? *)' }),
        Off: schedule('System', { Name: 'off', State: 'DISABLED' }),
        Worker: lambda(),
        Mapping: mapping('System', 'Worker'),
      },
      code: { Worker: CONSUMER },
    },
    driven,
  );
  const startedMs = Date.now();
  await running.clock.advanceTo(NOON + 120 * MINUTE);
  expect(Date.now() - startedMs).toBeLessThan(15_000);
  const told = running.lines().map((line) => JSON.parse(line) as { body: string; latenessMs: number });
  const expected = Array.from({ length: 120 }, (_, n) => NOON + (n + 1) * MINUTE).flatMap((ms) =>
    ms % (60 * MINUTE) === 0 ? [ms, ms] : [ms],
  );
  expect(told.map(({ body }) => body).toSorted()).toEqual(
    expected.map((ms) => JSON.stringify({ slot: new Date(ms).toISOString().replace('.000Z', 'Z') })).toSorted(),
  );
  // The clock never jumps past a slot: its message is handled within wall time after it.
  for (const { latenessMs } of told) {
    expect(latenessMs).toBeGreaterThanOrEqual(0);
    expect(latenessMs).toBeLessThan(5_000);
  }
  expect(running.told('tick').filter(({ schedule: name }) => name === 'off')).toEqual([]);
  expect(running.clock.now()).toBeGreaterThanOrEqual(NOON + 120 * MINUTE);
  expect(running.clock.now()).toBeLessThan(NOON + 120 * MINUTE + 10_000);
});

test('the clock does not jump while an invocation runs or a message is visible', async () => {
  const running = await plane(
    {
      resources: {
        Role: role,
        Q: queue('q'),
        Beat: schedule('Q', { Name: 'beat' }),
        Worker: lambda(),
        Mapping: mapping('Q', 'Worker'),
      },
      code: { Worker: `export const handler = () => new Promise((resolve) => setTimeout(resolve, 400));` },
    },
    driven,
  );
  await running.clock.advanceTo(NOON + 3 * MINUTE);
  let open = 0;
  for (const event of running.seen) {
    if (event.type === 'invocation-started') open += 1;
    if (event.type === 'invocation-ended') open -= 1;
    if (event.type === 'clock-jumped') expect(open).toBe(0);
  }
  const [first, second] = running.told('invocation-started');
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(MINUTE - 1_000);
  expect(running.told('invocation-ended')).toHaveLength(3);
});

test('advancing ends with its signal when the plane never becomes quiet', async () => {
  const running = await plane(
    {
      resources: {
        Role: role,
        Q: queue('q'),
        Beat: schedule('Q'),
        Worker: lambda({ Timeout: 60 }),
        Mapping: mapping('Q', 'Worker'),
      },
      code: { Worker: `export const handler = () => new Promise((resolve) => setTimeout(resolve, 50_000));` },
    },
    driven,
  );
  const signal = AbortSignal.timeout(1_500);
  await expect(running.clock.advanceTo(NOON + 5 * MINUTE, { signal })).rejects.toThrow();
  await expect(running.idle(AbortSignal.timeout(100))).rejects.toThrow();
  expect(running.told('tick')).toHaveLength(1);
});

test('the clock file holds the offset in whole milliseconds; the wall clock has none and cannot be advanced', async () => {
  const fixture = { resources: { Role: role, Worker: lambda({ FunctionName: 'w' }) }, code: { Worker: '' } };
  const running = await plane(fixture, driven);
  const file = running.environment('w')['ALPHASWARM_CLOCK_FILE'] ?? '';
  const before = readFileSync(file, 'utf8');
  expect(before).toMatch(/^-?\d+$/);
  expect(Math.abs(Date.now() + Number(before) - running.clock.now())).toBeLessThan(50);
  await running.clock.advanceTo(NOON + 90 * MINUTE);
  expect(Number(readFileSync(file, 'utf8')) - Number(before)).toBeGreaterThan(85 * MINUTE);
  const wall = await plane(fixture);
  expect(readFileSync(wall.environment('w')['ALPHASWARM_CLOCK_FILE'] ?? '', 'utf8')).toBe('0');
  await expect(wall.clock.advanceTo(Date.now() + MINUTE)).rejects.toThrow("Start it with clock: 'driven'");
});

test('a slot can be delivered again and out of order, with every placeholder filled in', async () => {
  const input =
    '{"t":"<aws.scheduler.scheduled-time>","s":"<aws.scheduler.schedule-arn>","e":"<aws.scheduler.execution-id>","n":<aws.scheduler.attempt-number>}';
  const running = await plane(
    { resources: { Role: role, Q: queue('q'), Beat: schedule('Q', { Name: 'beat' }, { Input: input }) } },
    driven,
  );
  for (const at of [NOON + 2 * MINUTE, NOON + 2 * MINUTE, NOON]) await running.scheduler.deliver('beat', at);
  const bodies = (await running.receive('Q')).map(
    ({ Body }) => JSON.parse(Body ?? '') as { t: string; s: string; e: string; n: number },
  );
  expect(bodies.map(({ t }) => t)).toEqual(['2026-11-20T12:02:00Z', '2026-11-20T12:02:00Z', '2026-11-20T12:00:00Z']);
  expect(new Set(bodies.map(({ s }) => s))).toEqual(
    new Set(['arn:aws:scheduler:us-east-1:000000000000:schedule/default/beat']),
  );
  expect(new Set(bodies.map(({ e }) => e)).size).toBe(3);
  expect(bodies.map(({ n }) => n)).toEqual([1, 1, 1]);
});

test('a delivery that keeps failing is tried as its policy says and then buried with the reason', async () => {
  const running = await plane(
    {
      resources: {
        Role: role,
        Q: queue('q'),
        Letters: queue('letters'),
        Beat: schedule(
          'Q',
          { Name: 'beat' },
          {
            RetryPolicy: { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 },
            DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Letters', 'Arn'] } },
          },
        ),
      },
    },
    driven,
  );
  await running.sqs.send(new DeleteQueueCommand({ QueueUrl: running.queueUrl('Q') }));
  await running.scheduler.deliver('beat', NOON);
  expect(running.told('tick-failed').map(({ attempt, final }) => [attempt, final])).toEqual([
    [1, false],
    [2, true],
  ]);
  const [letter] = await running.receive('Letters');
  expect(letter?.Body).toBe('{"slot":"2026-11-20T12:00:00Z"}');
  const facts = Object.fromEntries(
    Object.entries(letter?.MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]),
  );
  expect(facts).toMatchObject({
    ERROR_CODE: 'QueueDoesNotExist',
    EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
    RETRY_ATTEMPTS: '1',
    SCHEDULED_TIME: '2026-11-20T12:00:00Z',
    SCHEDULE_ARN: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/beat',
    TARGET_ARN: 'arn:aws:sqs:us-east-1:000000000000:q',
  });
  expect(running.told('dead-letter')).toMatchObject([{ queue: 'letters' }]);
  // What CloudWatch would count of it, in the group of the schedule.
  const counted = running.metrics
    .series({ namespace: 'AWS/Scheduler', dimensions: { ScheduleGroup: 'default' } })
    .map(({ name, points }) => [name, points.length]);
  expect(Object.fromEntries(counted)).toEqual({
    InvocationAttemptCount: 2,
    TargetErrorCount: 2,
    InvocationDroppedCount: 1,
    InvocationsSentToDeadLetterCount: 1,
  });
});

test('a FIFO target gets its message group, a flexible window delays within its minutes', async () => {
  const running = await plane(
    {
      resources: {
        Role: role,
        Fifo: queue('work.fifo', { FifoQueue: true, ContentBasedDeduplication: true }),
        Q: queue('q'),
        ToFifo: schedule('Fifo', { Name: 'to-fifo' }, { SqsParameters: { MessageGroupId: 'beat' } }),
        Flexible: schedule('Q', {
          Name: 'flexible',
          ScheduleExpression: 'cron(0 * * * ? *)',
          FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
        }),
      },
    },
    driven,
  );
  await running.clock.advanceTo(NOON + 76 * MINUTE);
  const [message] = await running.receive('Fifo');
  expect(message?.Attributes?.['MessageGroupId']).toBe('beat');
  const [flexible] = running.told('tick').filter(({ schedule: name }) => name === 'flexible');
  expect(flexible?.scheduledAtMs).toBe(NOON + 60 * MINUTE);
  expect(flexible?.atMs).toBeGreaterThanOrEqual(NOON + 60 * MINUTE);
  expect(flexible?.atMs).toBeLessThanOrEqual(NOON + 75 * MINUTE + 1_000);
});

test('schedules also fire as time passes by itself, and not before their start nor after their end', async () => {
  const rate = { ScheduleExpression: 'cron(* * * * ? *)' };
  const running = await plane(
    {
      resources: {
        Role: role,
        Q: queue('q'),
        Plain: schedule('Q', { Name: 'plain', ...rate }),
        Later: schedule('Q', {
          Name: 'later',
          ...rate,
          StartDate: '2026-11-20T12:03:00Z',
          EndDate: '2026-11-20T12:04:00Z',
        }),
      },
    },
    { clock: 'driven', startAtMs: NOON + MINUTE - 700 },
  );
  const ticks = (name: string): string[] =>
    running
      .told('tick')
      .flatMap(({ schedule: of, scheduledAtMs }) =>
        of === name ? new Date(scheduledAtMs).toISOString().slice(11, 16) : [],
      );
  await until('the wall reaches the slot', () => ticks('plain').length === 1);
  await sleep(50);
  await running.clock.advanceTo(NOON + 6 * MINUTE);
  expect(ticks('plain')).toEqual(['12:01', '12:02', '12:03', '12:04', '12:05', '12:06']);
  expect(ticks('later')).toEqual(['12:03', '12:04']);
});

test('a hidden or delayed message comes back when its time has come on the driven clock, not on the wall', async () => {
  const running = await plane(
    {
      resources: {
        Role: role,
        Q: queue('q', { VisibilityTimeout: 120 }),
        Fifo: queue('q.fifo', { FifoQueue: true, ContentBasedDeduplication: true, DelaySeconds: 300 }),
        Worker: lambda({ FunctionName: 'worker' }),
        Mapping: mapping('Q', 'Worker'),
        FifoMapping: mapping('Fifo', 'Worker'),
      },
      code: {
        Worker: `export const handler = async ({ Records: [record] }) => {
          console.log(record.body);
          return { batchItemFailures: record.attributes.ApproximateReceiveCount === '1' && record.body === 'retry' ? [{ itemIdentifier: record.messageId }] : [] };
        };`,
      },
    },
    driven,
  );
  await running.send('Q', 'retry');
  await running.send('Q', 'later', { DelaySeconds: 600 });
  await running.send('Fifo', 'fifo', { MessageGroupId: 'g' });
  const startedMs = Date.now();
  const beganMs = running.clock.now();
  await running.clock.advanceTo(NOON + 15 * MINUTE);
  expect(Date.now() - startedMs).toBeLessThan(10_000);
  const at = running
    .told('log')
    .flatMap(({ line, atMs }) =>
      /^(retry|later|fifo)$/.test(line) ? [[line, Math.round((atMs - beganMs) / 10_000) * 10]] : [],
    );
  expect(at).toEqual([
    ['retry', 0],
    ['retry', 120],
    ['fifo', 300],
    ['later', 600],
  ]);
});
