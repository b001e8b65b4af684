import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { startTables } from '#local/tables.ts';

test('tables stop in the middle of requests whose senders were killed, and nothing is thrown', async () => {
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.on('uncaughtException', note);
  for (let round = 0; round < 25; round += 1) {
    const tables = await startTables();
    const settings = { region: 'us-east-1', credentials: { accessKeyId: 't', secretAccessKey: 't' }, maxAttempts: 1 };
    const definition = {
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    };
    await tables.create([{ logicalId: 'T', name: 'rows', definition }], settings);
    const client = new DynamoDBClient({ ...settings, endpoint: tables.url });
    const get = new GetItemCommand({ TableName: 'rows', Key: { id: { S: 'a' } } });
    await client.send(get);
    const senders = new AbortController();
    const asked = Array.from({ length: 40 }, () =>
      // Each ends in an abort of its own, which is nobody's to hear.
      client.send(get, { abortSignal: senders.signal }).catch(() => undefined),
    );
    // Later in each round, so that one of them meets a request between its arrival and its answer.
    for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    senders.abort();
    await tables.stop();
    client.destroy();
    await Promise.all(asked);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  process.off('uncaughtException', note);
  expect(thrown).toEqual([]);
});
