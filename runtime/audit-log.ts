import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { canonicalJson, chainName, rowHash } from '#core/audit-chain.ts';
import { atKey, cursorKey, cursorOf, tenantDayKey, tenantDayKeys } from '#core/audit-keys.ts';
import { limits } from '#core/catalogue/limits.ts';
import { auditIndexes } from '#core/catalogue/stores.ts';
import type { AuditLog, AuditQuery, AuditRow } from '#core/ports.ts';
import { sha256 } from './hash.ts';

/**
 * `audit_events`: one item a row, by chain and sequence, put where none stands and never touched again. Indexes: the first
 * row of each chain by its hour, and every row by its subject and by its tenant's day.
 */
export function runtimeAuditLog(client: DynamoDBDocumentClient, table: string): AuditLog {
  return {
    async append(row) {
      const item = toItem(row);
      try {
        await client.send(
          new PutCommand({ TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(chain)' }),
        );
        return 'written';
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // Perhaps our own: should the answer to a write be lost, the SDK sends it again.
        const Key = { chain: item['chain'], seq: row.seq };
        const found = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
        return found.Item?.['hash'] === row.hash ? 'written' : 'exists';
      }
    },
    async writers(hour) {
      const { partitionKey } = auditIndexes.by_hour;
      const items = await queryAll(client, {
        TableName: table,
        IndexName: 'by_hour',
        KeyConditionExpression: `${partitionKey} = :hour`,
        ExpressionAttributeValues: { ':hour': hour },
      });
      return items.map((item) => String(item['writer']));
    },
    async chain(hour, writer) {
      const items = await queryAll(client, {
        TableName: table,
        KeyConditionExpression: 'chain = :chain',
        ExpressionAttributeValues: { ':chain': chainName({ hour, writer }) },
        ConsistentRead: true,
      });
      return items.map(fromItem);
    },
    page: (query) => readPage({ client, table }, query),
  };
}

type Input = Omit<ConstructorParameters<typeof QueryCommand>[0], 'Limit' | 'ExclusiveStartKey'>;

/** Every item, over as many answers as it takes; or the first `most` of them. */
async function queryAll(client: DynamoDBDocumentClient, input: Input, most?: number) {
  const items: Record<string, unknown>[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const left = most === undefined ? {} : { Limit: most - items.length };
    const answer = await client.send(new QueryCommand({ ...input, ...left, ExclusiveStartKey: start }));
    items.push(...(answer.Items ?? []));
    start = answer.LastEvaluatedKey;
  } while (start && (most === undefined || items.length < most));
  return items;
}

async function readPage({ client, table }: { client: DynamoDBDocumentClient; table: string }, query: AuditQuery) {
  const { of, limit } = query;
  const index = 'subject' in of ? 'by_subject' : 'by_tenant';
  const keys = 'subject' in of ? [of.subject] : tenantDayKeys(of);
  const below = cursorKey(query);
  const { partitionKey, sortKey } = auditIndexes[index];
  const found = await Promise.all(
    keys.map((key) =>
      queryAll(
        client,
        {
          TableName: table,
          IndexName: index,
          KeyConditionExpression: `${partitionKey} = :key${below === undefined ? '' : ` AND #at < :below`}`,
          ExpressionAttributeValues: { ':key': key, ...(below === undefined ? {} : { ':below': below }) },
          ...(below === undefined ? {} : { ExpressionAttributeNames: { '#at': sortKey } }),
          ScanIndexForward: false,
        },
        limit + 1,
      ),
    ),
  );
  const newest = found.flat().toSorted((one, other) => (String(one['at']) < String(other['at']) ? 1 : -1));
  const rows = newest.slice(0, limit).map(fromItem);
  const last = rows.at(-1);
  return { rows, ...(last && newest.length > limit ? { cursor: cursorOf(last) } : {}) };
}

/** The row, and the attributes that only keys and indexes need. */
function toItem(row: AuditRow): Record<string, unknown> {
  const { arguments: given, ...rest } = row;
  return {
    ...rest,
    chain: chainName(row),
    at: atKey(row),
    tenantDay: tenantDayKey(row),
    ...(row.seq === 1 ? { openedHour: row.hour } : {}),
    // As text: the table knows fewer numbers than JSON, and no depth beyond 32.
    ...(given === undefined ? {} : { arguments: canonicalJson(given) }),
    expiresAt: Math.ceil(row.atMs / 1000) + limits.auditRetention,
  };
}

/**
 * The row of an item. What stands in the item beyond what this module would write stays on the row, under `stored`: no
 * hash covers the keys of the indexes, and so one that was altered does not pass unseen.
 */
function fromItem(item: Record<string, unknown>): AuditRow {
  const { chain: _chain, at: _at, tenantDay: _day, openedHour: _hour, expiresAt: _expires, ...rest } = item;
  const row = { ...rest, ...parsedArguments(rest['arguments']) } as unknown as AuditRow;
  return isAsWritten(row, item) || wasElsewhere(row, item) ? row : ({ ...row, stored: item } as AuditRow);
}

/** An item that is as it was written at another place was moved, not altered: the hash bears witness of its place. */
function wasElsewhere(row: AuditRow, item: Record<string, unknown>): boolean {
  const seq = Number(String(item['at']).split('#').at(-1));
  const there = { ...row, seq };
  return seq !== row.seq && rowHash(sha256, there) === row.hash && isAsWritten(there, { ...item, seq });
}

function parsedArguments(text: unknown): { arguments?: unknown } {
  if (typeof text !== 'string') return {};
  try {
    return { arguments: JSON.parse(text) as unknown };
  } catch {
    return {};
  }
}

function isAsWritten(row: AuditRow, item: Record<string, unknown>): boolean {
  try {
    return canonicalJson(toItem(row)) === canonicalJson(item);
  } catch {
    // A time that is none, a hash that is no text.
    return false;
  }
}
