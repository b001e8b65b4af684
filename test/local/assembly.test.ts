import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { readAssembly } from '#local/assembly.ts';
import { readResources } from '#local/plane-resources.ts';
import { createResolver, refuseUnknownTypes } from '#local/resolver.ts';
import {
  lambda,
  mapping,
  role,
  schedule,
  temporaryFolder,
  writeAssembly,
  type FixtureResource,
} from '#test/local/fixtures/assembly.ts';

const ADDRESSES = { region: 'eu-west-1', sqsUrl: 'http://127.0.0.1:9324', redisHost: '127.0.0.1', redisPort: 6390 };

/** What one function sees for a variable of the template. */
function variable(
  value: unknown,
  template: Record<string, unknown> = {},
  more: Record<string, FixtureResource> = {},
): string | undefined {
  const dir = writeAssembly({
    resources: {
      Role: role,
      Fn: lambda({ Environment: { Variables: { V: value } } }),
      Queue: { Type: 'AWS::SQS::Queue' },
      ...more,
    },
    code: { Fn: '' },
    template,
  });
  return readResources(readAssembly(dir), ADDRESSES).functions[0]?.variables['V'];
}

test.each([
  [{ Ref: 'AWS::Region' }, 'eu-west-1'],
  [{ Ref: 'AWS::AccountId' }, '000000000000'],
  [{ Ref: 'AWS::Partition' }, 'aws'],
  [{ Ref: 'AWS::URLSuffix' }, 'amazonaws.com'],
  [{ Ref: 'AWS::StackName' }, 'Dev'],
  [{ Ref: 'Queue' }, 'http://127.0.0.1:9324/000000000000/Dev-Queue'],
  [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:eu-west-1:000000000000:Dev-Queue'],
  [{ 'Fn::GetAtt': 'Queue.QueueName' }, 'Dev-Queue'],
  [{ 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }, 'b']] }, 'a-eu-west-1-b'],
  [{ 'Fn::Sub': '${AWS::Region}/${Queue.QueueName}/${!literal}' }, 'eu-west-1/Dev-Queue/${literal}'],
  [
    { 'Fn::Sub': ['${A}-${Queue}', { A: { Ref: 'AWS::Partition' } }] },
    'aws-http://127.0.0.1:9324/000000000000/Dev-Queue',
  ],
  [{ 'Fn::Select': ['5', { 'Fn::Split': [':', { 'Fn::GetAtt': ['Queue', 'Arn'] }] }] }, 'Dev-Queue'],
  [{ 'Fn::If': ['IsIreland', 'yes', 'no'] }, 'yes'],
  [{ 'Fn::If': ['IsElsewhere', 'yes', 'no'] }, 'no'],
  [{ 'Fn::If': ['Both', 'yes', 'no'] }, 'no'],
  [{ 'Fn::If': ['Either', 'yes', 'no'] }, 'yes'],
  [{ 'Fn::If': ['IsElsewhere', 'yes', { Ref: 'AWS::NoValue' }] }, undefined],
  [{ Ref: 'Size' }, 'small'],
  [42, '42'],
])('resolves %j to %j', (value, expected) => {
  const template = {
    Parameters: { Size: { Type: 'String', Default: 'small' } },
    Conditions: {
      IsIreland: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'eu-west-1'] },
      IsElsewhere: { 'Fn::Not': [{ Condition: 'IsIreland' }] },
      Both: { 'Fn::And': [{ Condition: 'IsIreland' }, { Condition: 'IsElsewhere' }] },
      Either: { 'Fn::Or': [{ Condition: 'IsElsewhere' }, { Condition: 'IsIreland' }] },
    },
  };
  expect(variable(value, template)).toBe(expected);
});

test.each([
  [{ 'Fn::FindInMap': ['a', 'b', 'c'] }, 'the function Fn::FindInMap is not understood'],
  [{ Ref: 'Nobody' }, 'Ref Nobody is not understood'],
  [{ 'Fn::GetAtt': ['Nobody', 'Arn'] }, 'Fn::GetAtt of Nobody'],
  [{ 'Fn::GetAtt': ['Queue', 'Colour'] }, 'attribute Colour of Queue (AWS::SQS::Queue) is not known'],
  [{ 'Fn::GetAtt': ['Subnet', 'CidrBlock'] }, 'attribute CidrBlock of Subnet (AWS::EC2::Subnet) is not known'],
  [{ Ref: 'BootstrapVersion' }, 'the parameter BootstrapVersion without a plain default'],
  [{ 'Fn::If': ['Missing', 1, 2] }, 'the condition Missing, which is not declared'],
  [{ 'Fn::Select': [3, ['only']] }, 'Fn::Select with index 3 outside its list'],
  [{ 'Fn::Join': 'x' }, 'Fn::Join of "x", where a list belongs'],
  [{ 'Fn::ImportValue': 'Other:Thing' }, 'imports Other:Thing, which no stack of'],
  ['{{resolve:ssm:/secret}}', 'the dynamic reference {{resolve:ssm:/secret}}'],
])('refuses %j by name and place', (value, message) => {
  const template = { Parameters: { BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/x' } } };
  const subnet = { Subnet: { Type: 'AWS::EC2::Subnet' } };
  expect(() => variable(value, template, subnet)).toThrow(message);
  expect(() => variable(value, template, subnet)).toThrow(/Fn\.Environment|imports/);
});

test('a value that another stack exports is found', () => {
  const dir = writeAssembly({
    resources: {
      Role: role,
      Fn: lambda({ Environment: { Variables: { V: { 'Fn::ImportValue': 'Data:QueueArn' } } } }),
    },
    code: { Fn: '' },
  });
  const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, unknown>;
  };
  manifest.artifacts['Data'] = {
    type: 'aws:cloudformation:stack',
    properties: { templateFile: 'Data.template.json', stackName: 'data-dev' },
  };
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
  const Outputs = { Out: { Value: { 'Fn::GetAtt': ['Q', 'Arn'] }, Export: { Name: 'Data:QueueArn' } } };
  writeFileSync(
    join(dir, 'Data.template.json'),
    JSON.stringify({ Resources: { Q: { Type: 'AWS::SQS::Queue' } }, Outputs }),
  );
  const resources = readResources(readAssembly(dir), ADDRESSES);
  expect(resources.functions[0]?.variables).toEqual({ V: 'arn:aws:sqs:eu-west-1:000000000000:data-dev-Q' });
});

test('resources get their names, and mappings and schedules their ends', () => {
  const dir = writeAssembly({
    resources: {
      Role: role,
      Letters: { Type: 'AWS::SQS::Queue' },
      Work: { Type: 'AWS::SQS::Queue', Properties: { FifoQueue: true } },
      Store: { Type: 'AWS::S3::Bucket' },
      Fn: lambda({ FunctionName: { 'Fn::Sub': 'fn-${AWS::Region}' }, Timeout: 20, MemorySize: 512 }),
      Mapping: mapping('Work', 'Fn', {
        BatchSize: 5,
        MaximumBatchingWindowInSeconds: 2,
        ScalingConfig: { MaximumConcurrency: 4 },
      }),
      Group: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: '1m' } },
      Beat: schedule(
        'Letters',
        { Name: 'beat', GroupName: { Ref: 'Group' }, State: 'DISABLED', ScheduleExpressionTimezone: 'Europe/Berlin' },
        {
          RetryPolicy: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 60 },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Letters', 'Arn'] } },
        },
      ),
      Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'lifecycle' } },
    },
    code: { Fn: 'export const handler = 1;' },
  });
  const { queues, buckets, functions, mappings, schedules, buses } = readResources(readAssembly(dir), ADDRESSES);
  expect(queues.map(({ name }) => name)).toEqual(['Dev-Letters', 'Dev-Work.fifo']);
  expect(buckets).toEqual([{ logicalId: 'Store', name: 'dev-store' }]);
  expect(functions).toMatchObject([
    { name: 'fn-eu-west-1', timeoutMs: 20_000, memoryMb: 512, logGroup: '/aws/lambda/fn-eu-west-1' },
  ]);
  expect(readFileSync(join(functions[0]?.codeDir ?? '', 'index.mjs'), 'utf8')).toBe('export const handler = 1;');
  expect(mappings).toEqual([
    {
      logicalId: 'Mapping',
      queueArn: 'arn:aws:sqs:eu-west-1:000000000000:Dev-Work.fifo',
      functionName: 'fn-eu-west-1',
      enabled: true,
      batchSize: 5,
      batchingWindowMs: 2_000,
      maximumConcurrency: 4,
      reportsItemFailures: true,
    },
  ]);
  expect(schedules).toMatchObject([
    {
      name: 'beat',
      group: '1m',
      arn: 'arn:aws:scheduler:eu-west-1:000000000000:schedule/1m/beat',
      timeZone: 'Europe/Berlin',
      enabled: false,
      target: { maximumRetryAttempts: 2, maximumEventAgeMs: 60_000, deadLetterQueue: { name: 'Dev-Letters' } },
    },
  ]);
  expect(buses).toEqual([{ name: 'lifecycle', arn: 'arn:aws:events:eu-west-1:000000000000:event-bus/lifecycle' }]);
});

test('types without a local meaning are passed over, any other unknown type is refused by name', () => {
  const types = [
    'AWS::IAM::Policy',
    'AWS::CDK::Metadata',
    'AWS::SQS::QueuePolicy',
    'AWS::EC2::VPC',
    'AWS::CloudWatch::Alarm',
  ];
  const harmless = Object.fromEntries(types.map((Type, index) => [`R${index}`, { Type }]));
  expect(() => refuseUnknownTypes(readAssembly(writeAssembly({ resources: harmless })))).not.toThrow();
  const dir = writeAssembly({ resources: { Machine: { Type: 'AWS::StepFunctions::StateMachine' } } });
  expect(() => refuseUnknownTypes(readAssembly(dir))).toThrow(
    /resource Machine is of type AWS::StepFunctions::StateMachine, which the local plane does not know/,
  );
});

test.each<[string, Record<string, FixtureResource>, string]>([
  [
    'a property',
    { Q: { Type: 'AWS::SQS::Queue', Properties: { Colour: 1 } } },
    'Q (AWS::SQS::Queue) has the property Colour',
  ],
  [
    'a stream',
    { T: { Type: 'AWS::DynamoDB::Table', Properties: { StreamSpecification: {} } } },
    'the property StreamSpecification',
  ],
  ['a runtime', { Role: role, F: lambda({ Runtime: 'python3.13' }) }, 'Runtime: Invalid input: expected "nodejs24.x"'],
  [
    'a filter',
    { Role: role, F: lambda(), Q: { Type: 'AWS::SQS::Queue' }, M: mapping('Q', 'F', { FilterCriteria: {} }) },
    'the property FilterCriteria',
  ],
  [
    'a target',
    { Role: role, F: lambda(), S: schedule('F') },
    'The schedule Dev-S sends to arn:aws:lambda:eu-west-1:000000000000:function:Dev-F',
  ],
  [
    'a code key',
    { Role: role, F: lambda({ Code: { S3Key: 'abc.zip' } }) },
    'The code of Dev-F (S3 key abc.zip) cannot be found in',
  ],
])('%s that the plane cannot honour is refused by name', (_what, resources, message) => {
  const code = Object.fromEntries(
    Object.entries(resources).flatMap(([id, { Type, Properties }]) =>
      Type === 'AWS::Lambda::Function' && !Properties?.['Code'] ? [[id, '']] : [],
    ),
  );
  const dir = writeAssembly({ resources, code });
  expect(() => readResources(readAssembly(dir), ADDRESSES)).toThrow(message);
});

test("the CDK's own custom resource providers are not run", () => {
  const dir = writeAssembly({
    resources: {
      Provider: { Type: 'AWS::Lambda::Function', Properties: { Handler: 'index.handler', Runtime: 'nodejs22.x' } },
      Emptied: {
        Type: 'Custom::S3AutoDeleteObjects',
        Properties: { ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] }, BucketName: 'b' },
      },
    },
  });
  expect(readResources(readAssembly(dir), ADDRESSES).functions).toEqual([]);
});

test('code follows the assets file, not the name of its folder', () => {
  const dir = writeAssembly({ resources: { Role: role, F: lambda() }, code: { F: 'export const handler = 2;' } });
  const assets = JSON.parse(readFileSync(join(dir, 'Dev.assets.json'), 'utf8')) as {
    files: Record<string, { source: { path: string } }>;
  };
  mkdirSync(join(dir, 'elsewhere'));
  for (const file of Object.values(assets.files)) file.source.path = 'elsewhere';
  writeFileSync(join(dir, 'Dev.assets.json'), JSON.stringify(assets));
  expect(readResources(readAssembly(dir), ADDRESSES).functions[0]?.codeDir).toBe(join(dir, 'elsewhere'));
});

test('the one stage of an app with stages is entered', () => {
  const inner = writeAssembly({ resources: { Q: { Type: 'AWS::SQS::Queue' } } });
  const outer = temporaryFolder();
  const stage = { type: 'cdk:cloud-assembly', properties: { directoryName: relative(outer, inner) } };
  writeFileSync(join(outer, 'manifest.json'), JSON.stringify({ version: '53', artifacts: { stage } }));
  expect(readAssembly(outer).stacks.map(({ name }) => name)).toEqual(['Dev']);
  writeFileSync(join(outer, 'manifest.json'), JSON.stringify({ version: '53', artifacts: { a: stage, b: stage } }));
  expect(() => readAssembly(outer)).toThrow('holds 2 stages');
});

test.each<[string, (dir: string) => void, RegExp]>([
  ['no folder', (dir) => rmSync(dir, { recursive: true }), /manifest\.json does not exist\. Run `npx cdk synth`/],
  [
    'no template',
    (dir) => rmSync(join(dir, 'Dev.template.json')),
    /Dev\.template\.json does not exist\. Run `npx cdk synth`/,
  ],
  [
    'half a template',
    (dir) => writeFileSync(join(dir, 'Dev.template.json'), '{"Resources": {'),
    /Dev\.template\.json is not valid JSON .*cdk synth/,
  ],
  [
    'another JSON',
    (dir) => writeFileSync(join(dir, 'manifest.json'), '[]'),
    /manifest\.json has not the shape of a cloud assembly .*cdk synth/,
  ],
  [
    'no stack',
    (dir) => writeFileSync(join(dir, 'manifest.json'), '{"artifacts": {}}'),
    /holds no stack\. Run `npx cdk synth`/,
  ],
  [
    'a template that is a folder',
    (dir) => (rmSync(join(dir, 'Dev.template.json')), mkdirSync(join(dir, 'Dev.template.json'))),
    /cannot be read \(EISDIR/,
  ],
])('an assembly with %s is refused with the file and what to do', (_what, spoil, message) => {
  const dir = writeAssembly({ resources: { Q: { Type: 'AWS::SQS::Queue' } } });
  spoil(dir);
  expect(() => readAssembly(dir)).toThrow(message);
});

test('one resolver gives the same answer for a name however it is asked', () => {
  const assembly = readAssembly(
    writeAssembly({
      resources: {
        Q: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::Join': ['', ['q-', { Ref: 'AWS::Region' }]] } } },
      },
    }),
  );
  const resolver = createResolver(assembly, ADDRESSES);
  const [queue] = resolver.ofType('AWS::SQS::Queue');
  if (!queue) throw new Error('no queue');
  expect(resolver.physicalName(queue)).toBe('q-eu-west-1');
  expect(resolver.attribute(queue, 'Ref').endsWith('/q-eu-west-1')).toBe(true);
});
