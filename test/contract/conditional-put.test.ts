import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { blankRow } from '#core/enqueue.ts';
import { changeRun } from '#core/run.ts';
import { memoryIds } from '#memory/ids.ts';
import { runtimeControl } from '#runtime/control.ts';
import { documentClient } from '#runtime/documents.ts';
import { runtimeLedger } from '#runtime/ledger.ts';
import { dynamodb } from '#test/contract/support/aws.ts';

const { fresh, url, client } = await dynamodb();

/** A client whose way to the tables loses the answer to the next PutItem, after it was carried out. */
async function losingAnswers() {
  const lose = { next: 0 };
  const server = createServer((request, response) => void forward(request, response));
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
    const answer = await fetch(url, { method: 'POST', headers, body: Buffer.concat(chunks) });
    const body = Buffer.from(await answer.arrayBuffer());
    if (lose.next > 0 && String(request.headers['x-amz-target']).endsWith('PutItem')) {
      lose.next -= 1;
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const slow = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'CONTRACT', secretAccessKey: 'contract' },
    endpoint: `http://127.0.0.1:${port}`,
    maxAttempts: 2,
  });
  onTestFinished(() => {
    slow.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { documents: documentClient(slow), lose };
}

const row = (seed: number) =>
  blankRow(
    { cell: 'test', ids: memoryIds(seed) },
    {
      id: memoryIds(seed).named('run'),
      task: 'ingest.pull',
      tenant: 'acme',
      actor: { kind: 'human', id: 'ada' },
      nowMs: 0,
    },
  );

describe('a write whose answer is lost', () => {
  it('is known as written: a row is created, and replaced, once', async () => {
    const { documents, lose } = await losingAnswers();
    const ledger = runtimeLedger({ client: documents, table: await fresh('runs'), shards: 1 });
    const one = row(1);
    lose.next = 1;
    expect(await ledger.create(one)).toBe('created');
    const next = changeRun(one, { state: 'running', fence: 1 });
    lose.next = 1;
    expect(await ledger.replace(one, next)).toBe('replaced');
    expect(lose.next).toBe(0);
    expect(await ledger.read(one.id)).toEqual(next);
  });

  it("is not mistaken for somebody else's", async () => {
    const { documents, lose } = await losingAnswers();
    const table = await fresh('runs');
    const ledger = runtimeLedger({ client: documents, table, shards: 1 });
    const one = row(2);
    await ledger.create(one);
    lose.next = 1;
    expect(await ledger.create(one)).toBe('exists');
    const control = runtimeControl(documents, await fresh('control'));
    lose.next = 1;
    expect(await control.write('kill-switch', { v: 1 }, 0)).toBe('written');
    lose.next = 1;
    expect(await control.write('kill-switch', { v: 2 }, 0)).toBe('conflict');
    expect(await control.read('kill-switch')).toEqual({ rev: 1, value: { v: 1 } });
  });
});

it('rows and records are read consistently: a fresh halt, or a fresh claim, is never missed', async () => {
  const asked: unknown[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      if (context.commandName === 'GetItemCommand' || context.commandName === 'GetCommand') asked.push(args.input);
      return next(args);
    },
    { step: 'initialize' },
  );
  await runtimeLedger({ client, table: await fresh('runs'), shards: 1 }).read(row(3).id);
  await runtimeControl(client, await fresh('control')).read('kill-switch');
  expect(asked).toHaveLength(2);
  for (const input of asked) expect(input).toMatchObject({ ConsistentRead: true });
});
