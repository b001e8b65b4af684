import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, type DynamoDBDocumentClient, type PutCommandInput } from '@aws-sdk/lib-dynamodb';

/** Names the write that an item is from; whoever reads rows drops it. */
export const writeMark = 'writtenBy';

/**
 * Writes an item under a condition; resolves with whether it is written. Should the answer to a write be lost, the SDK
 * sends it again, and the condition then fails on our own item: so each write leaves a mark, by which it knows itself.
 */
export async function conditionalPut(
  client: DynamoDBDocumentClient,
  key: string,
  input: PutCommandInput,
): Promise<boolean> {
  const mark = randomUUID();
  try {
    await client.send(new PutCommand({ ...input, Item: { ...input.Item, [writeMark]: mark } }));
    return true;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if ((error.$metadata.attempts ?? 1) < 2) return false;
    const found = await client.send(
      new GetCommand({
        TableName: input.TableName,
        Key: { [key]: input.Item?.[key] as unknown },
        ConsistentRead: true,
      }),
    );
    return found.Item?.[writeMark] === mark;
  }
}
