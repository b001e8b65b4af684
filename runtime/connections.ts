import { DeleteCommand, GetCommand, QueryCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { limits } from '#core/catalogue/limits.ts';
import { connectionIndex, expiryLooksBack } from '#core/catalogue/stores.ts';
import { toMs } from '#core/duration.ts';
import type { Connection, Connections } from '#core/ports.ts';
import { conditionalPut, writeMark } from './conditional-put.ts';

const { partitionKey, sortKey } = connectionIndex;
const minuteOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 16);

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
      const item = { ...connection, expiresAt, [partitionKey]: minuteOf(connection.tokenExpiresAtMs) };
      return (await conditionalPut(client, 'id', { TableName: table, Item: item, ...condition }))
        ? 'written'
        : 'conflict';
    },
    async expired(nowMs, limit) {
      const minutes = Array.from({ length: expiryLooksBack + 1 }, (_, ago) => minuteOf(nowMs - ago * 60_000));
      const found = await Promise.all(
        minutes.map((minute) =>
          client.send(
            new QueryCommand({
              TableName: table,
              IndexName: connectionIndex.name,
              KeyConditionExpression: `${partitionKey} = :minute AND ${sortKey} <= :now`,
              ExpressionAttributeValues: { ':minute': minute, ':now': nowMs },
              Limit: limit,
            }),
          ),
        ),
      );
      return found.flatMap(({ Items: items = [] }) => items.map(({ id }) => String(id))).slice(0, limit);
    },
    async remove(id) {
      const gone = await client.send(new DeleteCommand({ TableName: table, Key: { id }, ReturnValues: 'ALL_OLD' }));
      return connectionOf(gone.Attributes);
    },
  };
}

function connectionOf(item: Record<string, unknown> | undefined): Connection | undefined {
  if (!item) return undefined;
  const { expiresAt: _expiresAt, [partitionKey]: _minute, [writeMark]: _mark, ...connection } = item;
  return connection as unknown as Connection;
}
