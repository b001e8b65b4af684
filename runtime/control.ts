import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Control } from '#core/ports.ts';

/** The `control` table: one item a name, with a revision that every write is conditional on. */
export function runtimeControl(client: DynamoDBDocumentClient, table: string): Control {
  return {
    async read(name) {
      const { Item: item } = await client.send(
        new GetCommand({ TableName: table, Key: { name }, ConsistentRead: true }),
      );
      return item ? { rev: Number(item['rev']), value: item['value'] as unknown } : undefined;
    },
    async write(name, value, expectedRev) {
      const condition =
        expectedRev === 0
          ? { ConditionExpression: 'attribute_not_exists(rev)' }
          : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': expectedRev } };
      try {
        await client.send(
          new PutCommand({ TableName: table, Item: { name, rev: expectedRev + 1, value }, ...condition }),
        );
        return 'written';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'conflict';
        throw error;
      }
    },
  };
}
