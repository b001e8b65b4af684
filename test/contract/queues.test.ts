import { setTimeout as sleep } from 'node:timers/promises';
import { ReceiveMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { Failure } from '#core/errors.ts';
import { memoryClock } from '#memory/clock.ts';
import { memoryQueues } from '#memory/queues.ts';
import { runtimeQueues } from '#runtime/queues.ts';
import { queuesContract, type QueuesUnderTest } from '#test/contract/queues.contract.ts';
import { sqsAndS3 } from '#test/contract/support/aws.ts';

const servers = await sqsAndS3();
const { sqs } = servers;

queuesContract('in memory', async (): Promise<QueuesUnderTest> => {
  const clock = memoryClock();
  const queues = memoryQueues(clock);
  return {
    queues,
    receive: async (queue) => queues.receive(queue, 10),
    letters: async (queue) => [...queues.letters(queue)],
    passSeconds: (seconds) => clock.advance(seconds * 1000),
  };
});

const receiveFrom = async (client: SQSClient, url: string): Promise<Message[]> => {
  const answer = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  );
  return answer.Messages ?? [];
};
const urls = () => ({
  ingestion: servers.queue('ingestion'),
  system: servers.queue('system'),
  paper: servers.queue('paper'),
});

queuesContract('SQS', async (): Promise<QueuesUnderTest> => {
  const known = urls();
  const urlOf = (queue: string) => known[queue as keyof typeof known];
  return {
    queues: runtimeQueues(sqs, known),
    receive: async (queue) =>
      (await receiveFrom(sqs, urlOf(queue).queue)).map((message) => ({
        id: message.MessageId ?? '',
        body: message.Body ?? '',
        receipt: message.ReceiptHandle ?? '',
        receives: Number(message.Attributes?.ApproximateReceiveCount),
      })),
    letters: async (queue) =>
      (await receiveFrom(sqs, urlOf(queue).deadLetters)).map(({ Body, MessageAttributes }) => ({
        body: Body ?? '',
        code: MessageAttributes?.['code']?.StringValue ?? '',
        reason: MessageAttributes?.['reason']?.StringValue ?? '',
      })),
    passSeconds: (seconds) => sleep(seconds * 1000),
  };
});

describe('queues on SQS', () => {
  it('drops a repeated send of a FIFO queue, and delivers a group in order', async () => {
    const known = urls();
    const queues = runtimeQueues(sqs, known);
    for (const number of [1, 2, 2, 3, 1])
      await queues.send('paper', { body: `tick ${number}`, group: 's1', deduplicationId: `run-1-${number}` });
    await queues.send('paper', { body: 'other', group: 's2', deduplicationId: 'run-2-1' });
    expect(await queues.depth('paper', 'queue')).toMatchObject({ waiting: 4 });
    const received = await receiveFrom(sqs, known.paper.queue);
    const ofGroup = (group: string) =>
      received.filter((one) => one.Attributes?.MessageGroupId === group).map(({ Body }) => Body);
    expect(['tick 1', 'tick 2', 'tick 3'].slice(0, ofGroup('s1').length)).toEqual(ofGroup('s1'));
    expect(ofGroup('s2')).toEqual(['other']);
  });

  it('puts dead letters of a FIFO queue into a FIFO queue, once', async () => {
    const known = urls();
    const queues = runtimeQueues(sqs, known);
    const letter = { body: 'x', code: 'RUN_UNKNOWN', reason: 'r', group: 'rejected', deduplicationId: 'm1' };
    await queues.deadLetter('paper', letter);
    await queues.deadLetter('paper', letter);
    expect(await queues.depth('paper', 'dead-letters')).toMatchObject({ waiting: 1 });
  });

  // On a standard queue the group is sent as well (SQS then shares fairly); fauxqs forgets it there.
  it.each([
    ['Müller & Söhne GmbH', 'M%C3%BCller%20&%20S%C3%B6hne%20GmbH'],
    ['system:beat', 'system:beat'],
    ['ü'.repeat(100), '%C3%BC'.repeat(22).slice(0, 128)],
    ['', '-'],
  ])('makes a group of the tenant %j that SQS takes', async (tenant, group) => {
    const known = urls();
    await runtimeQueues(sqs, known).send('paper', { body: 'x', group: tenant, deduplicationId: 'a' });
    expect((await receiveFrom(sqs, known.paper.queue))[0]?.Attributes?.MessageGroupId).toBe(group);
  });

  it.each([
    ['an unknown key "\u0000\u0007"', 'an unknown key "\ufffd\ufffd"'],
    ['half a pair \ud83d here', 'half a pair \ufffd here'],
    ['\ufffe\uffff', '\ufffd\ufffd'],
    [`${'x'.repeat(499)}🛑`, `${'x'.repeat(499)}\ufffd`],
    ['two\nlines\t🛑', 'two\nlines\t🛑'],
    ['', '-'],
  ])('keeps a dead letter whatever its reason holds: %j', async (reason, kept) => {
    const known = urls();
    const letter = { body: 'x', code: 'MESSAGE_MALFORMED', group: 'rejected', deduplicationId: 'm1' };
    await runtimeQueues(sqs, known).deadLetter('ingestion', { ...letter, reason });
    const [found] = await receiveFrom(sqs, known.ingestion.deadLetters);
    expect(found?.MessageAttributes?.['reason']?.StringValue).toBe(kept);
  });

  it('hides a message for twelve hours at most, which is all that SQS grants', async () => {
    const known = urls();
    const queues = runtimeQueues(sqs, known);
    await queues.send('ingestion', { body: 'x', group: 'acme', deduplicationId: 'a' });
    const [message] = await receiveFrom(sqs, known.ingestion.queue);
    await queues.delay('ingestion', message?.ReceiptHandle ?? '', 1_000_000);
    expect(await queues.depth('ingestion', 'queue')).toEqual({ waiting: 0, inFlight: 1, delayed: 0 });
  });

  it('refuses a queue that the catalogue gives this function no address of', async () => {
    const queues = runtimeQueues(sqs, { ingestion: servers.queue('ingestion') });
    const misses = (error: unknown) => error instanceof Failure && error.code === 'CONFIGURATION_INVALID';
    await expect(queues.send('system', { body: 'x', group: 'a', deduplicationId: 'a' })).rejects.toSatisfy(misses);
    await expect(async () => queues.depth('backtest', 'dead-letters')).rejects.toSatisfy(misses);
  });
});
