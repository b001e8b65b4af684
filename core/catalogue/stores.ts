/** Top-level prefixes of the bucket. Those of the pipeline belong to every consumer, the others to users of a port. */
export const prefixes = {
  payloads: { of: 'pipeline', access: ['read', 'write'] },
  artifacts: { of: 'pipeline', access: ['read', 'write'] },
  inbox: { of: 'artefacts', access: ['read'] },
  status: { of: 'status', access: ['read', 'write'] },
} as const;
export type Prefix = keyof typeof prefixes;

/** A key in the bucket: a prefix of the table, and what follows. */
export const storeKey = (prefix: Prefix, ...parts: readonly (string | number)[]): string =>
  [prefix, ...parts].join('/');

/**
 * Indexes of `workload_runs`, keys only: whoever acts on a hit reads the row again, consistently. Each partition key
 * ends in `#<shard>`, because a time-ordered key of one queue is a hot partition, and a throttled index throttles the
 * table.
 */
export const ledgerIndexes = {
  open: { partitionKey: 'openKey', sortKey: 'checkAfterMs', sortType: 'number' },
  by_queue: { partitionKey: 'queueDay', sortKey: 'createdKey', sortType: 'string' },
  by_actor: { partitionKey: 'actorDay', sortKey: 'createdKey', sortType: 'string' },
  by_tenant: { partitionKey: 'tenantDay', sortKey: 'createdKey', sortType: 'string' },
} as const;
export type LedgerIndex = keyof typeof ledgerIndexes;

/**
 * Indexes of `audit_events`. `by_hour` holds the first row of each chain alone, so it names the writers of an hour. The
 * others hold whole rows, newest first: a page is one query, and nobody changes a row.
 */
export const auditIndexes = {
  by_hour: { partitionKey: 'openedHour', sortKey: 'writer', projection: 'keys' },
  by_subject: { partitionKey: 'subject', sortKey: 'at', projection: 'all' },
  by_tenant: { partitionKey: 'tenantDay', sortKey: 'at', projection: 'all' },
} as const;
/** Partitions a tenant's day is spread over, as the ledger's days are. It may grow, and never shrink: days are read by it. */
export const auditShards = 8;

/** Index of `connections`: those whose token expires in a minute, so that whoever ends them reads two minutes and no table. */
export const connectionIndex = {
  name: 'by_expiry',
  partitionKey: 'expiryMinute',
  sortKey: 'tokenExpiresAtMs',
} as const;
/** So long after its end an expired connection is looked for; beyond that API Gateway ends it. */
export const expiryLooksBack = 5;
