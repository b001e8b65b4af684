import { expect, test } from 'vitest';
import { failedMessageIds } from '#local/sqs-event.ts';
import { lambda, mapping, role, type FixtureResource } from '#test/local/fixtures/assembly.ts';
import { plane, until } from '#test/local/fixtures/plane.ts';

const letters: FixtureResource = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'letters' } };

function work(properties: Record<string, unknown> = {}): FixtureResource {
  return { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'work', VisibilityTimeout: 1, ...properties } };
}

const redrive = (maxReceiveCount: number) => ({
  deadLetterTargetArn: { 'Fn::GetAtt': ['Letters', 'Arn'] },
  maxReceiveCount,
});

/** Says of each record its body and how often it was received; fails what its body says. */
const REPORTING = `
  export const handler = async ({ Records }) => {
    console.log(JSON.stringify(Records.map((r) => r.body + '#' + r.attributes.ApproximateReceiveCount)));
    if (Records.some((r) => r.body === 'throw')) throw new Error('all of it');
    if (Records.some((r) => r.body === 'die')) process.exit(3);
    return { batchItemFailures: Records.filter((r) => r.body.startsWith('bad')).map((r) => ({ itemIdentifier: r.messageId })) };
  };`;

test('of a batch only the items that failed come back, and after maxReceiveCount they are dead letters', async () => {
  const running = await plane({
    resources: {
      Role: role,
      Letters: letters,
      Work: work({ VisibilityTimeout: 4, RedrivePolicy: redrive(2) }),
      Worker: lambda(),
      Mapping: mapping('Work', 'Worker', { BatchSize: 10, MaximumBatchingWindowInSeconds: 1 }),
    },
    code: { Worker: REPORTING },
  });
  for (const body of ['good', 'bad', 'fine']) await running.send('Work', body);
  await running.idle();
  const batches = running.lines().map((line) => (JSON.parse(line) as string[]).toSorted());
  expect(batches).toEqual([['bad#1', 'fine#1', 'good#1'], ['bad#2']]);
  expect((await running.receive('Letters')).map(({ Body }) => Body)).toEqual(['bad']);
  expect(running.told('dead-letter')).toMatchObject([{ queue: 'letters', body: 'bad' }]);
});

test.each(['throw', 'die'])('when the function ends in %s, its whole batch comes back', async (fate) => {
  const running = await plane({
    resources: {
      Role: role,
      Letters: letters,
      Work: work({ VisibilityTimeout: 3, RedrivePolicy: redrive(1) }),
      Worker: lambda(),
      Mapping: mapping('Work', 'Worker', { MaximumBatchingWindowInSeconds: 1 }),
    },
    code: { Worker: REPORTING },
  });
  for (const body of ['innocent', fate]) await running.send('Work', body);
  await running.idle();
  expect(
    running
      .told('dead-letter')
      .map(({ body }) => body)
      .toSorted(),
  ).toEqual(['innocent', fate].toSorted());
});

test('an environment killed in mid-run gives its message back after the visibility timeout, to a new environment', async () => {
  const running = await plane({
    resources: {
      Role: role,
      Work: work(),
      Worker: lambda({ FunctionName: 'worker' }),
      Mapping: mapping('Work', 'Worker'),
    },
    code: {
      Worker: `import { setTimeout } from 'node:timers/promises';
        export const handler = async ({ Records: [record] }) => {
          console.log(process.pid + ' ' + record.attributes.ApproximateReceiveCount);
          if (record.attributes.ApproximateReceiveCount === '1') await setTimeout(60_000);
        };`,
    },
  });
  await running.send('Work', 'x');
  await until('the first attempt runs', () => running.lines().length === 1);
  running.lambdas.killInFlight('worker');
  await running.idle();
  const [[firstPid, ...first], [secondPid, ...second]] = running
    .lines()
    .filter((line) => /^\d+ \d$/.test(line))
    .map((line) => line.split(' ')) as [string[], string[]];
  expect([first, second]).toEqual([['1'], ['2']]);
  expect(firstPid).not.toBe(secondPid);
  expect(running.told('invocation-ended').map(({ outcome }) => outcome)).toEqual(['crash', 'success']);
});

test('a mapping whose function is stuck or failing holds up no other mapping', async () => {
  const slow = { ScalingConfig: { MaximumConcurrency: 2 }, BatchSize: 1 };
  const running = await plane({
    resources: {
      Role: role,
      Stuck: { Type: 'AWS::SQS::Queue' },
      Failing: work(),
      Quick: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'quick' } },
      StuckFn: lambda({ Timeout: 60 }),
      FailingFn: lambda(),
      QuickFn: lambda(),
      StuckMapping: mapping('Stuck', 'StuckFn', slow),
      FailingMapping: mapping('Failing', 'FailingFn', slow),
      QuickMapping: mapping('Quick', 'QuickFn'),
    },
    code: {
      StuckFn: `export const handler = () => new Promise((resolve) => setTimeout(resolve, 50_000));`,
      FailingFn: `export const handler = async () => { throw new Error('always'); };`,
      QuickFn: `export const handler = async ({ Records }) => { for (const r of Records) console.log(r.body); };`,
    },
  });
  for (let n = 0; n < 5; n += 1) await Promise.all([running.send('Stuck', `${n}`), running.send('Failing', `${n}`)]);
  await until('both others are under way', () => running.told('invocation-started').length >= 3);
  const startedMs = Date.now();
  for (let n = 0; n < 100; n += 1) await running.send('Quick', `quick ${n}`);
  await until(
    'all quick messages are done',
    () => running.lines().filter((line) => line.startsWith('quick')).length === 100,
  );
  // The stuck function would have held them up for 50 s, the failing one for ever.
  expect(Date.now() - startedMs).toBeLessThan(20_000);
  expect(running.queueDepths()['Dev-Stuck']?.inFlight).toBe(2);
});

test('a mapping runs no more invocations at once than its maximum concurrency', async () => {
  const running = await plane({
    resources: {
      Role: role,
      Work: work({ VisibilityTimeout: 30 }),
      Worker: lambda(),
      Mapping: mapping('Work', 'Worker', { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 3 } }),
    },
    code: { Worker: `export const handler = () => new Promise((resolve) => setTimeout(resolve, 100));` },
  });
  for (let n = 0; n < 12; n += 1) await running.send('Work', `${n}`);
  await running.idle();
  let atOnce = 0;
  let most = 0;
  for (const { type } of running.seen) {
    if (type === 'invocation-started') most = Math.max(most, (atOnce += 1));
    if (type === 'invocation-ended') atOnce -= 1;
  }
  expect(most).toBe(3);
  expect(running.told('invocation-ended')).toHaveLength(12);
});

test('messages of one FIFO group are handled in order and never at once, groups beside each other', async () => {
  const running = await plane({
    resources: {
      Role: role,
      Work: work({ QueueName: 'work.fifo', FifoQueue: true, VisibilityTimeout: 2 }),
      Worker: lambda(),
      Mapping: mapping('Work', 'Worker', { BatchSize: 5, ScalingConfig: { MaximumConcurrency: 4 } }),
    },
    code: {
      Worker: `
        let failed = false;
        export const handler = async ({ Records }) => {
          const batchItemFailures = [];
          for (const r of Records) {
            if (r.body === 'a1' && r.attributes.ApproximateReceiveCount === '1') batchItemFailures.push({ itemIdentifier: r.messageId });
            else console.log([r.body, r.attributes.MessageGroupId, r.attributes.SequenceNumber, r.attributes.MessageDeduplicationId].join());
            await new Promise((resolve) => setTimeout(resolve, 30));
          }
          return { batchItemFailures };
        };`,
    },
  });
  for (let n = 0; n < 4; n += 1) {
    for (const group of ['a', 'b']) {
      await running.send('Work', `${group}${n}`, { MessageGroupId: group, MessageDeduplicationId: `${group}${n}` });
    }
  }
  await running.send('Work', 'a0', { MessageGroupId: 'a', MessageDeduplicationId: 'a0' });
  await running.idle();
  const done = running.lines().map((line) => line.split(','));
  const ofGroup = (group: string): (string | undefined)[] =>
    done.filter((fields) => fields[1] === group).map((fields) => fields[0]);
  // a1 failed once, and nothing of its group overtook it; the second a0 was a duplicate.
  expect(ofGroup('a')).toEqual(['a0', 'a1', 'a2', 'a3']);
  expect(ofGroup('b')).toEqual(['b0', 'b1', 'b2', 'b3']);
  expect(done[0]?.[2]).toMatch(/^\d{20}$/);
  expect(done.every((fields) => fields[3] === fields[0])).toBe(true);
  // b did not wait for a's retry.
  expect(done.findIndex(([body]) => body === 'b3')).toBeLessThan(done.findIndex(([body]) => body === 'a1'));
});

test('a disabled mapping leaves its queue alone', async () => {
  const running = await plane({
    resources: { Role: role, Work: work(), Worker: lambda(), Mapping: mapping('Work', 'Worker', { Enabled: false }) },
    code: { Worker: REPORTING },
  });
  await running.send('Work', 'x');
  await running.idle();
  expect(running.queueDepths()['work']).toEqual({ visible: 1, delayed: 0, inFlight: 0 });
});

test('a response names the failed items, none of them, or is malformed and fails the whole batch', () => {
  const response = (...ids: unknown[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });
  const judge = (value: unknown) => failedMessageIds(value, ['1', '2']);
  for (const none of [null, undefined, {}, response(), { batchItemFailures: null }])
    expect(judge(none)).toEqual(new Set());
  expect(judge(response('2'))).toEqual(new Set(['2']));
  for (const malformed of [
    'text',
    response('3'),
    response(''),
    response(null),
    { batchItemFailures: 'x' },
    { batchItemFailures: [null] },
  ]) {
    expect(judge(malformed)).toBeUndefined();
  }
});
