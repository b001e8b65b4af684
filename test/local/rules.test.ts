import { readAssembly } from '#local/assembly.ts';
import { readResources } from '#local/plane-resources.ts';
import { bodyOf, envelopeOf, matches } from '#local/rules.ts';
import { expect, test } from 'vitest';
import { writeAssembly } from '#test/local/fixtures/assembly.ts';
import { fleet, fleetPlane, waiting } from '#test/local/fixtures/ecs.ts';
import { until } from '#test/local/fixtures/plane.ts';

const addresses = { region: 'us-east-1', sqsUrl: 'http://127.0.0.1:1', redisHost: '127.0.0.1', redisPort: 1 };
const event = envelopeOf(
  { id: '1', source: 'aws.ecs', detailType: 'T', detail: { group: 'a', reason: 'he said "no"' }, atMs: 0 },
  'us-east-1',
);

/** The rules of the fleet's fixture after a change. */
function rulesWith(change: (rule: Record<string, unknown>) => void) {
  const resources = fleet();
  change(resources['Stopped']?.Properties ?? {});
  return readResources(readAssembly(writeAssembly({ resources, images: { Task: {} } })), addresses).rules;
}

const target = (rule: Record<string, unknown>) => (rule['Targets'] as Record<string, unknown>[])[0] ?? {};
const retemplated = (template: string) => (rule: Record<string, unknown>) =>
  (target(rule)['InputTransformer'] = { InputPathsMap: { x: '$.detail.reason' }, InputTemplate: template });

test.each<[boolean, Parameters<typeof matches>[0]]>([
  [true, { source: ['aws.ecs', 'other'] }],
  [true, { source: ['aws.ecs'], detail: { group: ['a'] } }],
  [false, { source: ['aws.ecs'], detail: { group: ['b'] } }],
  [false, { detail: { absent: ['a'] } }],
  [false, { detail: { group: { deeper: ['a'] } } }],
  [true, { account: ['000000000000'], 'detail-type': ['T'] }],
])('a pattern matches exactly: %s for %j', (expected, pattern) => {
  expect(matches(pattern, event)).toBe(expected);
});

test('variables become JSON strings, whether the template quotes them or not', () => {
  for (const template of ['{"a":<x>,"b":1}', '{"a":"<x>","b":1}']) {
    const [rule] = rulesWith(retemplated(template));
    const [made] = rule?.targets ?? [];
    expect(made && JSON.parse(bodyOf(made, event))).toEqual({ a: 'he said "no"', b: 1 });
  }
});

test.each<[string, (rule: Record<string, unknown>) => void]>([
  ['prefix', (rule) => (rule['EventPattern'] = { source: [{ prefix: 'aws.' }] })],
  ['\\$or', (rule) => (rule['EventPattern'] = { $or: [{ source: ['a'] }] })],
  ['a list belongs', (rule) => (rule['EventPattern'] = { source: 'aws.ecs' })],
  ['ScheduleExpression', (rule) => (rule['ScheduleExpression'] = 'rate(1 minute)')],
  ['no queue of it', (rule) => (target(rule)['Arn'] = 'arn:aws:lambda:us-east-1:000000000000:function:f')],
  ['InputPath', (rule) => (target(rule)['InputPath'] = '$.detail')],
  ['<x> in the midst of a text', retemplated('{"a":"it is <x>"}')],
])('a rule with what is not understood is refused at the start: %s', (named, change) => {
  expect(() => rulesWith(change)).toThrow(new RegExp(named));
});

test('what the target does not take goes to the dead letters of the rule, whole', async () => {
  const running = await fleetPlane({ source: waiting });
  const [rule] = running.resources.rules;
  const [first] = rule?.targets ?? [];
  if (first) first.queue = { ...first.queue, url: `${first.queue.url}-gone` };
  const [task = ''] = await running.run();
  await running.stopTask(task);
  await until('it has come', () => running.queueDepths()['letters']?.visible === 1);
  const [letter] = await running.receive('Letters');
  expect(JSON.parse(letter?.Body ?? '')).toMatchObject({ source: 'aws.ecs', detail: { taskArn: task } });
  expect(running.told('dead-letter')).toMatchObject([{ queue: 'letters' }]);
  expect(running.told('error')[0]?.where).toBe('rule backtest-stopped');
});
