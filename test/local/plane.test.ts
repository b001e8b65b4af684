import { DynamoDBClient, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startPlane } from '#local/plane.ts';
import { lambda, mapping, role, temporaryFolder, writeAssembly } from '#test/local/fixtures/assembly.ts';
import { plane } from '#test/local/fixtures/plane.ts';

const queue = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dev-default' } };
const settings = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, maxAttempts: 1 };

test('a message sent to a queue reaches the function of its mapping as AWS would hand it over', async () => {
  const running = await plane({
    resources: {
      Role: role,
      Queue: queue,
      Worker: lambda({ FunctionName: 'worker' }),
      Mapping: mapping('Queue', 'Worker'),
    },
    code: { Worker: 'export const handler = async (event) => console.log(JSON.stringify(event));' },
  });
  await running.send('Queue', 'hello', {
    MessageAttributes: {
      kind: { DataType: 'String', StringValue: 'greeting' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2]) },
    },
  });
  await running.idle();
  const { Records } = JSON.parse(running.lines()[0] ?? '{}') as { Records: object[] };
  expect(Records).toEqual([
    {
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      receiptHandle: expect.any(String),
      body: 'hello',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      },
      messageAttributes: {
        kind: { stringValue: 'greeting', stringListValues: [], binaryListValues: [], dataType: 'String' },
        raw: { binaryValue: 'AQI=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
      },
      md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
      md5OfBody: '5d41402abc4b2a76b9719d911017c592',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:dev-default',
      awsRegion: 'us-east-1',
    },
  ]);
  expect(await running.receive('Queue')).toEqual([]);
  expect(running.queueDepths()).toEqual({ 'dev-default': { visible: 0, delayed: 0, inFlight: 0 } });
});

test('a function sees its template, its Lambda and its loopback AWS, and nothing of the process that runs the plane', async () => {
  process.env['AWS_PROFILE'] = 'somebody';
  process.env['AWS_SESSION_TOKEN'] = 'secret';
  onTestFinished(() => {
    delete process.env['AWS_PROFILE'];
    delete process.env['AWS_SESSION_TOKEN'];
  });
  const running = await plane({
    resources: {
      Role: role,
      Queue: queue,
      Cache: { Type: 'AWS::ElastiCache::ServerlessCache', Properties: { ServerlessCacheName: 'c', Engine: 'valkey' } },
      Table: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
        },
      },
      Worker: lambda({
        FunctionName: 'worker',
        MemorySize: 512,
        LoggingConfig: { LogGroup: { Ref: 'Log' }, LogFormat: 'JSON' },
        Environment: {
          Variables: {
            QUEUE_URL: { Ref: 'Queue' },
            TABLE: { Ref: 'Table' },
            REDIS: {
              'Fn::Join': [
                '',
                [
                  'redis://',
                  { 'Fn::GetAtt': ['Cache', 'Endpoint.Address'] },
                  ':',
                  { 'Fn::GetAtt': ['Cache', 'Endpoint.Port'] },
                ],
              ],
            },
          },
        },
      }),
      Log: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/alphaswarm/dev/worker' } },
    },
    code: {
      Worker:
        'export const handler = async (event, context) => ({ variables: process.env, context, left: context.getRemainingTimeInMillis() });',
    },
  });
  const { result, requestId } = await running.lambdas.invoke('worker', {});
  const { variables, context, left } = result as { variables: Record<string, string>; context: object; left: number };
  const { endpoints } = running;
  expect(variables).toEqual(running.environment('worker'));
  expect(variables).toEqual({
    QUEUE_URL: `${endpoints.sqs}/000000000000/dev-default`,
    TABLE: 'Dev-Table',
    REDIS: endpoints.redis,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_LAMBDA_FUNCTION_NAME: 'worker',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: '/alphaswarm/dev/worker',
    AWS_LAMBDA_LOG_STREAM_NAME: expect.any(String),
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    _HANDLER: 'index.handler',
    LAMBDA_TASK_ROOT: expect.stringContaining('asset.'),
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    PATH: process.env['PATH'],
    AWS_ACCESS_KEY_ID: expect.stringMatching(/^LOCAL[0-9A-F]{15}$/),
    AWS_SECRET_ACCESS_KEY: expect.any(String),
    AWS_ENDPOINT_URL: endpoints.aws,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.aws,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    ALPHASWARM_LOCAL: '1',
    ALPHASWARM_CLOCK_FILE: expect.stringContaining('clock-offset-ms'),
    SECRETS_FILE: expect.stringContaining('secrets.json'),
  });
  expect(context).toEqual({
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'worker',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:worker',
    memoryLimitInMB: '512',
    logGroupName: '/alphaswarm/dev/worker',
    logStreamName: expect.any(String),
  });
  expect(left).toBeGreaterThan(4_000);
  expect(left).toBeLessThanOrEqual(5_000);
});

test('queues have the attributes of the template', async () => {
  const running = await plane({
    resources: {
      Letters: { Type: 'AWS::SQS::Queue', Properties: { MessageRetentionPeriod: 1_209_600 } },
      Work: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          QueueName: 'work.fifo',
          FifoQueue: true,
          ContentBasedDeduplication: true,
          DeduplicationScope: 'messageGroup',
          FifoThroughputLimit: 'perMessageGroupId',
          VisibilityTimeout: 30,
          DelaySeconds: 2,
          RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Letters', 'Arn'] }, maxReceiveCount: 1000 },
        },
      },
    },
  });
  expect(running.queueUrl('Work')).toBe(`${running.endpoints.sqs}/000000000000/work.fifo`);
  expect(await running.attributes('Work')).toMatchObject({
    QueueArn: 'arn:aws:sqs:us-east-1:000000000000:work.fifo',
    FifoQueue: 'true',
    ContentBasedDeduplication: 'true',
    FifoThroughputLimit: 'perMessageGroupId',
    VisibilityTimeout: '30',
    DelaySeconds: '2',
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:Dev-Letters',
      maxReceiveCount: 1000,
    }),
  });
  expect(await running.attributes('Letters')).toMatchObject({ MessageRetentionPeriod: '1209600' });
});

test('tables have their keys and indexes, and keep conditions', async () => {
  const running = await plane({
    resources: {
      Runs: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          TableName: 'dev-runs',
          KeySchema: [{ AttributeName: 'run_id', KeyType: 'HASH' }],
          AttributeDefinitions: ['run_id', 'open', 'check_after'].map((name) => ({
            AttributeName: name,
            AttributeType: 'S',
          })),
          GlobalSecondaryIndexes: [
            {
              IndexName: 'open',
              KeySchema: [
                { AttributeName: 'open', KeyType: 'HASH' },
                { AttributeName: 'check_after', KeyType: 'RANGE' },
              ],
              Projection: { ProjectionType: 'KEYS_ONLY' },
            },
          ],
          BillingMode: 'PAY_PER_REQUEST',
          TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          SSESpecification: { SSEEnabled: true },
          DeletionProtectionEnabled: false,
        },
        DeletionPolicy: 'Delete',
      },
    },
  });
  const client = new DynamoDBClient({ ...settings, endpoint: running.endpoints.dynamodb });
  onTestFinished(() => client.destroy());
  const row = { run_id: { S: 'r1' }, open: { S: 'system#queued#0' }, check_after: { S: '2026' }, size: { N: '1' } };
  await client.send(new PutItemCommand({ TableName: 'dev-runs', Item: row }));
  const again = new UpdateItemCommand({
    TableName: 'dev-runs',
    Key: { run_id: { S: 'r1' } },
    UpdateExpression: 'SET fence = :f',
    ConditionExpression: 'attribute_not_exists(run_id)',
    ExpressionAttributeValues: { ':f': { N: '1' } },
  });
  await expect(client.send(again)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  const query = new QueryCommand({
    TableName: 'dev-runs',
    IndexName: 'open',
    KeyConditionExpression: '#o = :o',
    ExpressionAttributeNames: { '#o': 'open' },
    ExpressionAttributeValues: { ':o': { S: 'system#queued#0' } },
  });
  const { run_id, open, check_after } = row;
  expect((await client.send(query)).Items).toEqual([{ run_id, open, check_after }]);
});

test('the bucket takes and gives objects', async () => {
  const running = await plane({
    resources: {
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketEncryption: {}, LifecycleConfiguration: { Rules: [] } } },
    },
  });
  const [{ name } = { name: '' }] = running.resources.buckets;
  const s3 = new S3Client({ ...settings, endpoint: running.endpoints.s3 });
  onTestFinished(() => s3.destroy());
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'artifacts/a b.json', Body: '{"ok":true}' }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: 'artifacts/a b.json' }));
  expect(await Body?.transformToString()).toBe('{"ok":true}');
});

test.skipIf(process.env['REDIS_URL'])('Valkey runs with the persistence of the original', async () => {
  const running = await plane({ resources: { Queue: queue } });
  const redis = new Redis(running.endpoints.redis);
  onTestFinished(() => redis.disconnect());
  const setting = async (key: string): Promise<unknown> => (await redis.config('GET', key))[1];
  expect(await setting('maxmemory-policy')).toBe('noeviction');
  expect(await setting('appendonly')).toBe('yes');
  expect(await setting('appendfsync')).toBe('everysec');
  expect(await setting('save')).toBe('300 1');
  expect(await setting('bind')).toBe('127.0.0.1');
});

test('the plane is ready within seconds, and the first event names every endpoint', async () => {
  const startedMs = Date.now();
  const running = await plane({ resources: { Queue: queue } });
  expect(Date.now() - startedMs).toBeLessThan(5_000);
  expect(running.seen[0]).toMatchObject({ type: 'ready', endpoints: running.endpoints, queues: ['dev-default'] });
  for (const url of Object.values(running.endpoints).flat()) expect(new URL(url).hostname).toBe('127.0.0.1');
});

test('a name that the plane does not have is refused with those it has', async () => {
  const running = await plane({
    resources: { Role: role, Queue: queue, Worker: lambda({ FunctionName: 'worker' }) },
    code: { Worker: '' },
  });
  await expect(running.lambdas.invoke('wroker', {})).rejects.toThrow(
    'no function wroker on this plane. Known functions: worker',
  );
  expect(() => running.environment('wroker')).toThrow('Known functions: worker');
  expect(() => running.scheduler.deliver('beat', 0)).toThrow('no schedule beat on this plane. Known schedules: none');
});

test('a listener that throws does not stop the plane', async () => {
  const warned = once(process, 'warning');
  const running = await startPlane({
    assemblyDir: writeAssembly({
      resources: { Role: role, Worker: lambda({ FunctionName: 'worker' }) },
      code: { Worker: 'export const handler = async () => 7;' },
    }),
    dataDir: join(temporaryFolder(), 'plane'),
    clock: 'wall',
    onEvent: ({ type }) => {
      if (type === 'ready') throw new Error('listener');
    },
  });
  onTestFinished(() => running.stop());
  expect((await running.lambdas.invoke('worker', {})).result).toBe(7);
  expect(String(await warned)).toContain('onEvent threw at an event of type ready: listener');
});
