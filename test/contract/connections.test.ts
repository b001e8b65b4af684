import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { memoryConnections } from '#memory/connections.ts';
import { runtimeConnections } from '#runtime/connections.ts';
import { connectionOf, connectionsContract } from '#test/contract/connections.contract.ts';
import { dynamodb } from '#test/contract/support/aws.ts';

const { client, fresh } = await dynamodb();

connectionsContract('in memory', async () => memoryConnections());
connectionsContract('DynamoDB', async () => runtimeConnections(client, await fresh('connections')));

it('a row goes two hours after its WebSocket was opened, when API Gateway has closed it', async () => {
  const table = await fresh('connections');
  await runtimeConnections(client, table).write(connectionOf());
  const { Item: item } = await client.send(new GetCommand({ TableName: table, Key: { id: 'Lz3_fd-A=' } }));
  expect(item?.['expiresAt']).toBe(1_767_614_400 + 7200);
});
