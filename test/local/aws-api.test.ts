import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, onTestFinished, test } from 'vitest';
import { role, schedule } from '#test/local/fixtures/assembly.ts';
import { plane, type TestPlane } from '#test/local/fixtures/plane.ts';

const resources = {
  Role: role,
  Q: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'system' } },
  Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'lifecycle' } },
  Group: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: '1m' } },
  Beat: schedule('Q', { Name: 'beat', GroupName: { Ref: 'Group' }, StartDate: '2026-11-20T12:00:00Z' }),
  Off: schedule('Q', {
    Name: 'off',
    State: 'DISABLED',
    FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 },
  }),
};

function eventBridge(running: TestPlane): EventBridgeClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new EventBridgeClient({ region: 'us-east-1', endpoint: running.endpoints.aws, credentials });
  onTestFinished(() => client.destroy());
  return client;
}

/** A call signed as far as the front looks: it reads the service from the credential scope. */
async function signed(
  running: TestPlane,
  [service, path]: [service: string, path: string],
  init: RequestInit = {},
): Promise<{ status: number; code: string | null; body: unknown }> {
  const authorization = `AWS4-HMAC-SHA256 Credential=K/20261121/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await fetch(`${running.endpoints.aws}${path}`, {
    ...init,
    headers: { authorization, ...(init.headers as Record<string, string>) },
  });
  return { status: response.status, code: response.headers.get('x-amzn-errortype'), body: await response.json() };
}

test('events put on a bus of the template are recorded in order and told; others are refused one by one', async () => {
  const running = await plane({ resources }, { clock: 'driven', startAtMs: Date.parse('2026-11-20T12:00:30Z') });
  const entry = { EventBusName: 'lifecycle', Source: 'alphaswarm', DetailType: 'RunStarted', Detail: '{"run":"r1"}' };
  const command = new PutEventsCommand({
    Entries: [
      entry,
      { ...entry, EventBusName: 'nowhere' },
      { ...entry, Detail: 'not json' },
      {
        ...entry,
        EventBusName: 'arn:aws:events:us-east-1:000000000000:event-bus/lifecycle',
        DetailType: 'RunSucceeded',
      },
      { ...entry, Source: '' },
      { Source: 'x', DetailType: 'y', Detail: '{}' },
    ],
  });
  const { FailedEntryCount, Entries } = await eventBridge(running).send(command);
  expect(FailedEntryCount).toBe(3);
  expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    undefined,
    'ResourceNotFoundException',
    'MalformedDetail',
    undefined,
    'InvalidArgument',
    undefined,
  ]);
  expect(running.events().map(({ bus, detailType, detail }) => [bus, detailType, detail])).toEqual([
    ['lifecycle', 'RunStarted', { run: 'r1' }],
    ['lifecycle', 'RunSucceeded', { run: 'r1' }],
    ['default', 'y', {}],
  ]);
  expect(running.events()[0]?.id).toBe(Entries?.[0]?.EventId);
  expect(running.told('bus-event')).toHaveLength(3);
});

test('schedules are listed and read as Scheduler gives them', async () => {
  const running = await plane({ resources });
  const names = async (query: string): Promise<unknown> => {
    const { body } = await signed(running, ['scheduler', `/schedules${query}`]);
    return (body as { Schedules: { Name: string }[] }).Schedules.map(({ Name }) => Name);
  };
  expect(await names('')).toEqual(['beat', 'off']);
  expect(await names('?ScheduleGroup=1m')).toEqual(['beat']);
  expect(await names('?NamePrefix=of')).toEqual(['off']);
  expect(await names('?State=ENABLED')).toEqual(['beat']);
  expect((await signed(running, ['scheduler', '/schedules/beat?groupName=1m'])).body).toEqual({
    Arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/1m/beat',
    GroupName: '1m',
    Name: 'beat',
    ScheduleExpression: 'cron(* * * * ? *)',
    ScheduleExpressionTimezone: 'UTC',
    State: 'ENABLED',
    FlexibleTimeWindow: { Mode: 'OFF' },
    StartDate: Date.parse('2026-11-20T12:00:00Z') / 1000,
    Target: {
      Arn: 'arn:aws:sqs:us-east-1:000000000000:system',
      RoleArn: 'arn:aws:iam::000000000000:role/Dev-Role',
      Input: '{"slot":"<aws.scheduler.scheduled-time>"}',
      RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 },
    },
  });
  const { body: off } = await signed(running, ['scheduler', '/schedules/off']);
  expect(off).toMatchObject({ State: 'DISABLED', FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 5 } });
  expect(await signed(running, ['scheduler', '/schedules/beat'])).toMatchObject({
    status: 404,
    code: 'ResourceNotFoundException',
  });
});

test.each<[string, string, RequestInit, string]>([
  [
    'ecs',
    '/',
    { method: 'POST', headers: { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.CreateService' }, body: '{}' },
    'ecs: AmazonEC2ContainerServiceV20141113.CreateService',
  ],
  [
    'kms',
    '/',
    { method: 'POST', headers: { 'x-amz-target': 'TrentService.Encrypt' }, body: '{}' },
    'kms: TrentService.Encrypt',
  ],
  ['scheduler', '/schedules/beat', { method: 'PUT', body: '{}' }, 'scheduler: PUT /schedules/beat'],
  [
    'events',
    '/',
    { method: 'POST', headers: { 'x-amz-target': 'AWSEvents.PutRule' }, body: '{}' },
    'events: AWSEvents.PutRule',
  ],
])('a call that is not part of the plane is refused by name (%s %s)', async (...row) => {
  const [service, path, init, name] = row;
  const running = await plane({ resources });
  const reply = await signed(running, [service, path], init);
  expect(reply).toMatchObject({ status: 400, code: 'NotPartOfLocalPlane', body: { __type: 'NotPartOfLocalPlane' } });
  expect((reply.body as { message: string }).message).toContain(
    `${name} is not part of the local plane. Nothing was sent to AWS.`,
  );
});

test('the refusal reaches an SDK client as its error, once', async () => {
  const { ListRulesCommand } = await import('@aws-sdk/client-eventbridge');
  const running = await plane({ resources });
  await expect(eventBridge(running).send(new ListRulesCommand({}))).rejects.toMatchObject({
    name: 'NotPartOfLocalPlane',
    message: expect.stringContaining('events: AWSEvents.ListRules is not part of the local plane'),
    $metadata: { attempts: 1 },
  });
});

test('a body that is no JSON does not harm the plane', async () => {
  const running = await plane({ resources });
  const broken = { method: 'POST', headers: { 'x-amz-target': 'AWSEvents.PutEvents' }, body: '{' };
  expect(await signed(running, ['events', '/'], broken)).toMatchObject({ status: 400, code: 'SerializationException' });
  expect(
    (
      await eventBridge(running).send(
        new PutEventsCommand({ Entries: [{ Source: 's', DetailType: 'd', Detail: '{}' }] }),
      )
    ).FailedEntryCount,
  ).toBe(0);
});
