import { GetCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Control } from '#core/ports.ts';
import { conditionalPut } from './conditional-put.ts';

/** The `control` table: one item a name, with a revision that every write is conditional on. */
export function runtimeControl(client: DynamoDBDocumentClient, table: string): Control {
  return {
    async read(name) {
      const { Item: item } = await client.send(
        new GetCommand({ TableName: table, Key: { name }, ConsistentRead: true }),
      );
      return item ? { rev: Number(item['rev']), value: item['value'] as unknown } : undefined;
    },
    async write(...[name, value, expectedRev, options]) {
      const condition =
        expectedRev === 0
          ? { ConditionExpression: 'attribute_not_exists(rev)' }
          : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': expectedRev } };
      const expiresAt = options && { expiresAt: Math.ceil(options.expiresAtMs / 1000) };
      const item = { name, rev: expectedRev + 1, value, ...expiresAt };
      return (await conditionalPut(client, 'name', { TableName: table, Item: item, ...condition }))
        ? 'written'
        : 'conflict';
    },
  };
}
