import { expect, test } from 'vitest';
import type { Assembly, Resource, Stack } from '#local/assembly.ts';
import { readOutputs } from '#localstack/deploy.ts';
import { alwaysMissing, refuseUnknown, skipsOf } from '#localstack/profiles/holes.ts';
import { localstack } from '#localstack/profiles/localstack.ts';
import { fateOf } from '#localstack/profiles/profile.ts';

function assemblyOf(types: Record<string, string>): Assembly {
  const stack: Stack = {
    name: 'Emulator',
    templateFile: 'Emulator.template.json',
    resources: new Map(),
    conditions: {},
    parameters: {},
    exports: [],
  };
  for (const [logicalId, type] of Object.entries(types)) {
    const resource: Resource = { stack, logicalId, type, properties: {} };
    stack.resources.set(logicalId, resource);
  }
  return { dir: '', stacks: [stack], assetFolders: new Map(), imageFolders: new Map() };
}

test('what is skipped or never acts is listed with what fills the hole; what works is not', () => {
  const assembly = assemblyOf({
    Queue: 'AWS::SQS::Queue',
    Cluster: 'AWS::ECS::Cluster',
    Tick: 'AWS::Scheduler::Schedule',
  });
  expect(skipsOf(assembly, localstack)).toEqual([
    expect.objectContaining({ what: 'Cluster', type: 'AWS::ECS::Cluster', fate: 'skipped' }),
    expect.objectContaining({ what: 'Tick', type: 'AWS::Scheduler::Schedule', fate: 'idle' }),
  ]);
  for (const { why, filledBy } of skipsOf(assembly, localstack)) expect([why, filledBy]).not.toContain('');
});

test('a type that nobody has looked at stops the run before anything is deployed', () => {
  const unknown = assemblyOf({ Odd: 'AWS::Bedrock::Agent' });
  expect(() => skipsOf(unknown, localstack)).toThrow(
    'Emulator: resource Odd is of type AWS::Bedrock::Agent, which localstack/profiles/localstack.ts does not list',
  );
});

test('a type that the stage should have left out is refused, too', () => {
  const cache = assemblyOf({ Cache: 'AWS::ElastiCache::ServerlessCache' });
  expect(() => skipsOf(cache, localstack)).toThrow('which localstack 4.14.0 fails to make. Leave it out');
});

test('the longest name of the profile decides: a type before its service', () => {
  const profile = {
    ...localstack,
    resources: {
      'AWS::EC2::': { fate: 'skipped', filledBy: 'nothing' },
      'AWS::EC2::VPC': { fate: 'supported' },
    },
  } as const;
  expect(fateOf(profile, 'AWS::EC2::VPC')).toEqual({ fate: 'supported' });
  expect(fateOf(profile, 'AWS::EC2::Subnet')).toMatchObject({ fate: 'skipped' });
  expect(fateOf(profile, 'AWS::EC2Other::Thing')).toBeUndefined();
});

test('every hole of the profile names what fills it, or says that nothing does', () => {
  const fillers = [
    ...alwaysMissing(localstack).map(({ filledBy }) => filledBy),
    ...Object.values(localstack.resources).flatMap((fate) => (fate.fate === 'supported' ? [] : [fate.filledBy])),
  ];
  expect(fillers.length).toBeGreaterThan(5);
  for (const filler of fillers) expect(filler).toMatch(/^(nothing|local\/|a real|dynalite)/);
});

test('outputs are read as STACK.NAME', () => {
  expect(readOutputs('{"Emulator":{"Bucket":"alphaswarm"}}')).toEqual({ 'Emulator.Bucket': 'alphaswarm' });
});

test.each(['unknown', 'unknown:6379', 'arn:aws:ecs:us-east-1:000000000000:cluster/unknown'])(
  'an output that reads %s stops the run',
  (value) => {
    const planted = JSON.stringify({ Emulator: { Bucket: 'alphaswarm', Endpoint: value } });
    expect(() => readOutputs(planted)).toThrow(`The output Emulator.Endpoint reads "${value}"`);
  },
);

test('a name that only holds the word is not refused', () => {
  expect(() => refuseUnknown({ NAME: 'unknownish', OTHER: 'the-known' }, 'The output')).not.toThrow();
});
