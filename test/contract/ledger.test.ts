import { crc32 } from 'node:zlib';
import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { limits } from '#core/catalogue/limits.ts';
import { blankRow } from '#core/enqueue.ts';
import { memoryIds } from '#memory/ids.ts';
import { memoryLedger } from '#memory/ledger.ts';
import { runtimeLedger } from '#runtime/ledger.ts';
import { ledgerContract } from '#test/contract/ledger.contract.ts';
import { dynamodb } from '#test/contract/support/aws.ts';

const { client, fresh } = await dynamodb();
const onTable = async (shards: number) => {
  const table = await fresh('runs');
  return { table, ledger: runtimeLedger({ client, table, shards }) };
};

ledgerContract('in memory', async () => memoryLedger());
ledgerContract('DynamoDB, 1 shard', async () => (await onTable(1)).ledger);
ledgerContract('DynamoDB, 4 shards', async () => (await onTable(4)).ledger);

describe('the rows in DynamoDB', () => {
  const ids = memoryIds(3);
  const row = (size = 0) => ({
    ...blankRow(
      { cell: 'test', ids },
      {
        id: ids.named(String(ids.random())),
        task: 'ingest.pull',
        tenant: 'acme',
        actor: { kind: 'human', id: 'ada' },
        nowMs: Date.UTC(2026, 0, 5, 12),
      },
    ),
    ...(size ? { cursor: 'x'.repeat(size) } : {}),
  });

  it('expire as the catalogue says, in the seconds that DynamoDB wants', async () => {
    const { table, ledger } = await onTable(4);
    const one = row();
    await ledger.create(one);
    const { Item: item } = await client.send(new GetCommand({ TableName: table, Key: { id: one.id } }));
    expect(item?.['expiresAt']).toBe(one.createdMs / 1000 + limits.runRetention);
    expect(limits.runRetention).toBe(35 * 86_400);
  });

  it('spread over the shards by crc32 of the run id', async () => {
    const { table, ledger } = await onTable(4);
    const all = Array.from({ length: 24 }, () => row());
    await Promise.all(all.map((one) => ledger.create(one)));
    const shardsUsed = new Set(all.map((one) => crc32(one.id) % 4));
    expect(shardsUsed.size).toBe(4);
    for (const shard of shardsUsed) {
      const { Items: items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'open',
          KeyConditionExpression: 'openKey = :key',
          ExpressionAttributeValues: { ':key': `ingestion#queued#${shard}` },
        }),
      );
      expect(items.map((item) => String(item['id'])).toSorted()).toEqual(
        all.flatMap(({ id }) => (crc32(id) % 4 === shard ? [id] : [])).toSorted(),
      );
    }
  });

  it('are listed over all pages of the index, which end at a megabyte', async () => {
    const { ledger } = await onTable(1);
    // dynalite counts whole items towards its pages, so 60 rows of 40 KB are three of them.
    const all = Array.from({ length: 60 }, () => row(40_000));
    await Promise.all(all.map((one) => ledger.create(one)));
    expect(await ledger.page({ by: 'tenant', key: 'acme', day: '2026-01-05', limit: 55 })).toHaveLength(55);
    expect((await ledger.list({ by: 'queue', key: 'ingestion', day: '2026-01-05' })).toSorted()).toEqual(
      all.map(({ id }) => id).toSorted(),
    );
  });
});
