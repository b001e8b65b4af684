// Who waits for a message and goes gets none: an executor that is killed in a long poll takes nothing along.
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { plane, sqsClient } from '#test/local/fixtures/plane.ts';

test('a message that comes after a long poll was given up is there for the next one', async () => {
  const running = await plane({ resources: { Work: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'work' } } } });
  const goer = sqsClient(running.endpoints.sqs);
  const leaving = new AbortController();
  const command = new ReceiveMessageCommand({ QueueUrl: running.queueUrl('Work'), WaitTimeSeconds: 20 });
  const waiting = goer.send(command, { abortSignal: leaving.signal });
  waiting.catch(() => undefined);
  await sleep(200);
  leaving.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await sleep(200);
  await running.send('Work', 'still here');
  await sleep(200);
  expect((await running.receive('Work')).map(({ Body }) => Body)).toEqual(['still here']);
});
