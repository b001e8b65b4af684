import { DeleteCommand, GetCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { limits } from '#core/catalogue/limits.ts';
import { toMs } from '#core/duration.ts';
import type { Connection, Connections } from '#core/ports.ts';
import { conditionalPut, writeMark } from './conditional-put.ts';

/** The table `connections`: one item a WebSocket. */
export function runtimeConnections(client: DynamoDBDocumentClient, table: string): Connections {
  return {
    async read(id) {
      const found = await client.send(new GetCommand({ TableName: table, Key: { id }, ConsistentRead: true }));
      return connectionOf(found.Item);
    },
    async write(connection) {
      const expiresAt = Math.ceil((connection.openedMs + toMs(limits.longestConnection)) / 1000);
      const condition =
        connection.rev === 1
          ? { ConditionExpression: 'attribute_not_exists(rev)' }
          : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': connection.rev - 1 } };
      const item = { ...connection, expiresAt };
      return (await conditionalPut(client, 'id', { TableName: table, Item: item, ...condition }))
        ? 'written'
        : 'conflict';
    },
    async remove(id) {
      const gone = await client.send(new DeleteCommand({ TableName: table, Key: { id }, ReturnValues: 'ALL_OLD' }));
      return connectionOf(gone.Attributes);
    },
  };
}

function connectionOf(item: Record<string, unknown> | undefined): Connection | undefined {
  if (!item) return undefined;
  const { expiresAt: _expiresAt, [writeMark]: _mark, ...connection } = item;
  return connection as unknown as Connection;
}
