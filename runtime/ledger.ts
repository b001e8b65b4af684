import { crc32 } from 'node:zlib';
import {
  BatchGetCommand,
  GetCommand,
  QueryCommand,
  type DynamoDBDocumentClient,
  type PutCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { limits } from '#core/catalogue/limits.ts';
import { ledgerIndexes, type LedgerIndex } from '#core/catalogue/stores.ts';
import { Failure } from '#core/errors.ts';
import type { Ledger, OpenQuery, RunHit, RunListing, RunPageQuery } from '#core/ports.ts';
import { checkTransition, openState, type Run } from '#core/run.ts';
import { conditionalPut, writeMark } from './conditional-put.ts';

interface LedgerOptions {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
  /** Partitions an index key is spread over: a time-ordered key of one queue is a hot partition. */
  readonly shards: number;
}

/**
 * `workload_runs`: one item a run, written whole and conditional on the revision it was computed from. Its indexes hold
 * keys only: `open` (queue, state and shard; by checkAfterMs), and by queue, actor and tenant (day and shard; by creation).
 */
export function runtimeLedger({ client, table, shards }: LedgerOptions): Ledger {
  const shardNumbers = Array.from({ length: shards }, (_, shard) => shard);
  const put = (run: Run, condition: Pick<PutCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'>) =>
    conditionalPut(client, 'id', { TableName: table, Item: toItem(run, shards), ...condition });
  return {
    async read(id) {
      const found = await client.send(new GetCommand({ TableName: table, Key: { id }, ConsistentRead: true }));
      return found.Item ? fromItem(found.Item) : undefined;
    },
    async readMany(ids) {
      const found = new Map<string, Run>();
      for (let from = 0; from < ids.length; from += keysARequest) {
        for (const run of await readBatch({ client, table }, ids.slice(from, from + keysARequest)))
          found.set(run.id, run);
      }
      return ids.flatMap((id) => found.get(id) ?? []);
    },
    async create(run) {
      return (await put(run, { ConditionExpression: 'attribute_not_exists(id)' })) ? 'created' : 'exists';
    },
    async replace(previous, next) {
      checkTransition(previous, next);
      const written = await put(next, {
        ConditionExpression: 'rev = :rev',
        ExpressionAttributeValues: { ':rev': next.rev - 1 },
      });
      return written ? 'replaced' : 'conflict';
    },
    async open(query) {
      const found = await Promise.all(shardNumbers.map((shard) => queryOpen({ client, table, shards }, query, shard)));
      return merge(found.flat(), query.limit);
    },
    async list(listing) {
      const found = await Promise.all(shardNumbers.map((shard) => queryDay({ client, table, shards }, listing, shard)));
      return merge(found.flat(), Number.POSITIVE_INFINITY);
    },
    async page(query) {
      const found = await Promise.all(shardNumbers.map((shard) => queryPage({ client, table, shards }, query, shard)));
      return found
        .flat()
        .toSorted((one, other) => (one.at > other.at ? -1 : 1))
        .slice(0, query.limit);
    },
  };
}

/** DynamoDB reads no more in one request, and of these only as many as fit into its answer: the rest is asked for again. */
const keysARequest = 100;
const mostRequests = 20;

async function readBatch(
  { client, table }: Pick<LedgerOptions, 'client' | 'table'>,
  ids: readonly string[],
): Promise<Run[]> {
  const runs: Run[] = [];
  let keys: Record<string, unknown>[] = [...new Set(ids)].map((id) => ({ id }));
  for (let requests = 0; keys.length > 0; requests += 1) {
    if (requests === mostRequests) {
      throw new Failure(
        'DEPENDENCY_UNAVAILABLE',
        `the ledger left ${keys.length} of ${ids.length} rows unread ${mostRequests} times: it is throttled; try again`,
      );
    }
    const answer = await client.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }),
    );
    for (const item of answer.Responses?.[table] ?? []) runs.push(fromItem(item));
    keys = answer.UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return runs;
}

interface Keyed {
  readonly id: string;
  readonly order: number | string;
}

async function queryOpen({ client, table }: LedgerOptions, query: OpenQuery, shard: number): Promise<Keyed[]> {
  const found = await client.send(
    new QueryCommand({
      TableName: table,
      IndexName: 'open',
      KeyConditionExpression: `${ledgerIndexes.open.partitionKey} = :key AND ${ledgerIndexes.open.sortKey} BETWEEN :after AND :due`,
      ExpressionAttributeValues: {
        ':key': `${query.queue}#${query.state}#${shard}`,
        ':due': query.dueMs,
        ':after': (query.afterMs ?? -1) + 1,
      },
      Limit: query.limit,
    }),
  );
  return (found.Items ?? []).map((item) => ({ id: String(item['id']), order: Number(item['checkAfterMs']) }));
}

const dayIndexes = { queue: 'by_queue', actor: 'by_actor', tenant: 'by_tenant' } as const satisfies Record<
  RunListing['by'],
  LedgerIndex
>;

async function queryDay({ client, table }: LedgerOptions, listing: RunListing, shard: number): Promise<Keyed[]> {
  const index = dayIndexes[listing.by];
  const rows: Keyed[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: index,
        KeyConditionExpression: '#key = :key',
        ExpressionAttributeNames: { '#key': ledgerIndexes[index].partitionKey },
        ExpressionAttributeValues: { ':key': `${listing.key}#${listing.day}#${shard}` },
        ExclusiveStartKey: start,
      }),
    );
    for (const item of page.Items ?? []) rows.push({ id: String(item['id']), order: String(item['createdKey']) });
    start = page.LastEvaluatedKey;
  } while (start);
  return rows;
}

/** From the newest on, until there are enough; one request is, unless rows are far larger than ours should be. */
async function queryPage({ client, table }: LedgerOptions, query: RunPageQuery, shard: number): Promise<RunHit[]> {
  const index = dayIndexes[query.by];
  const { partitionKey, sortKey } = ledgerIndexes[index];
  const { before, limit } = query;
  const hits: RunHit[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: index,
        KeyConditionExpression: `${partitionKey} = :key${before === undefined ? '' : ` AND ${sortKey} < :before`}`,
        ExpressionAttributeValues: {
          ':key': `${query.key}#${query.day}#${shard}`,
          ...(before === undefined ? {} : { ':before': before }),
        },
        ScanIndexForward: false,
        Limit: limit - hits.length,
        ExclusiveStartKey: start,
      }),
    );
    for (const item of page.Items ?? []) hits.push({ id: String(item['id']), at: String(item[sortKey]) });
    start = page.LastEvaluatedKey;
  } while (start && hits.length < limit);
  return hits;
}

const merge = (rows: readonly Keyed[], limit: number): string[] =>
  rows
    .toSorted((one, other) => (one.order < other.order ? -1 : one.order > other.order ? 1 : 0))
    .slice(0, limit)
    .map((row) => row.id);

/** The row, and the attributes that only its indexes need. Absent index keys keep it out of that index. */
function toItem(run: Run, shards: number): Record<string, unknown> {
  const shard = crc32(run.id) % shards;
  const day = new Date(run.createdMs).toISOString().slice(0, 10);
  const open = openState(run);
  return {
    ...run,
    ...(open ? { openKey: `${run.queue}#${open}#${shard}` } : {}),
    queueDay: `${run.queue}#${day}#${shard}`,
    actorDay: `${run.actor.id}#${day}#${shard}`,
    tenantDay: `${run.tenant}#${day}#${shard}`,
    createdKey: `${String(run.createdMs).padStart(15, '0')}#${run.id}`,
    expiresAt: Math.ceil(run.createdMs / 1000) + limits.runRetention,
  };
}

function fromItem(item: Record<string, unknown>): Run {
  const {
    openKey: _open,
    queueDay: _queue,
    actorDay: _actor,
    tenantDay: _tenant,
    createdKey: _created,
    expiresAt: _expires,
    [writeMark]: _mark,
    ...run
  } = item;
  // Written by this module alone, through the types: the one border that needs no schema is the one to ourselves.
  return run as unknown as Run;
}
