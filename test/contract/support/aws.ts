import { randomUUID } from 'node:crypto';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll } from 'vitest';
import { dlqUrlVariable, queueUrlVariable } from '#core/catalogue/entry-environment.ts';
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { auditIndexes, ledgerIndexes } from '#core/catalogue/stores.ts';
import { startAwsApi } from '#local/aws-api.ts';
import { createEventBuses } from '#local/events.ts';
import { startQueues } from '#local/queues.ts';
import { startTables } from '#local/tables.ts';
import { documentClient } from '#runtime/documents.ts';

const settings = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'CONTRACT', secretAccessKey: 'contract' },
  maxAttempts: 1,
};

type Name = { AttributeName: string };
const keySchema = (hash: string, range?: string): (Name & { KeyType: string })[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' }]),
];

/** The tables as lib/ makes them of the same catalogue. */
function definitions() {
  const attributes = new Map([['id', 'S']]);
  for (const { partitionKey, sortKey, sortType } of Object.values(ledgerIndexes)) {
    attributes.set(partitionKey, 'S').set(sortKey, sortType === 'number' ? 'N' : 'S');
  }
  return {
    runs: {
      KeySchema: keySchema('id'),
      AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      GlobalSecondaryIndexes: Object.entries(ledgerIndexes).map(([IndexName, { partitionKey, sortKey }]) => ({
        IndexName,
        KeySchema: keySchema(partitionKey, sortKey),
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
    },
    connections: {
      KeySchema: keySchema('id'),
      AttributeDefinitions: [
        { AttributeName: 'id', AttributeType: 'S' },
        { AttributeName: 'expiryMinute', AttributeType: 'S' },
        { AttributeName: 'tokenExpiresAtMs', AttributeType: 'N' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by_expiry',
          KeySchema: keySchema('expiryMinute', 'tokenExpiresAtMs'),
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    },
    control: {
      KeySchema: keySchema('name'),
      AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }],
    },
    audit: {
      KeySchema: keySchema('chain', 'seq'),
      AttributeDefinitions: [
        { AttributeName: 'seq', AttributeType: 'N' },
        ...['chain', 'openedHour', 'writer', 'subject', 'at', 'tenantDay'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
      ],
      GlobalSecondaryIndexes: Object.entries(auditIndexes).map(([IndexName, index]) => ({
        IndexName,
        KeySchema: keySchema(index.partitionKey, index.sortKey),
        Projection: { ProjectionType: index.projection === 'all' ? 'ALL' : 'KEYS_ONLY' },
      })),
    },
  };
}

/** DynamoDB on loopback, and fresh tables as often as they are asked for; ends with the test file. */
export async function dynamodb() {
  const tables = await startTables();
  const client = new DynamoDBClient({ ...settings, endpoint: tables.url });
  const documents = documentClient(client);
  afterAll(async () => {
    client.destroy();
    await tables.stop();
  });
  const fresh = async (kind: keyof ReturnType<typeof definitions>): Promise<string> => {
    const name = `${kind}-${randomUUID()}`;
    await tables.create([{ logicalId: kind, name, definition: definitions()[kind] }], settings);
    return name;
  };
  return { client: documents, fresh, url: tables.url };
}

/** SQS and S3 on loopback; ends with the test file. */
export async function sqsAndS3() {
  const servers = await startQueues({ region: settings.region, emit: () => undefined });
  const sqs = new SQSClient({ ...settings, endpoint: servers.url, useQueueUrlAsEndpoint: false });
  const s3 = new S3Client({ ...settings, endpoint: servers.url, forcePathStyle: true });
  afterAll(async () => {
    sqs.destroy();
    s3.destroy();
    await servers.stop();
  });
  return {
    sqs,
    s3,
    url: servers.url,
    bucket: (): string => {
      const name = `bucket-${randomUUID()}`;
      servers.create({ queues: [], buckets: [{ logicalId: 'Bucket', name }], deadLetterArns: [] });
      return name;
    },
    /** The queue and its dead letters, empty. */
    queue(queue: QueueName) {
      const make = (suffix: string): string => {
        const fifo = queueRow(queue).kind === 'fifo';
        const name = `${queue}-${randomUUID()}${suffix}${fifo ? '.fifo' : ''}`;
        const url = `${servers.url}/000000000000/${name}`;
        const arn = `arn:aws:sqs:${settings.region}:000000000000:${name}`;
        const attributes: Record<string, string> = fifo ? { FifoQueue: 'true' } : {};
        servers.create({ queues: [{ logicalId: name, name, url, arn, attributes }], buckets: [], deadLetterArns: [] });
        return url;
      };
      return { queue: make(''), deadLetters: make('-dlq') };
    },
    variables: (queue: QueueName, urls: { queue: string; deadLetters: string }) => ({
      [queueUrlVariable(queue)]: urls.queue,
      [dlqUrlVariable(queue)]: urls.deadLetters,
    }),
  };
}

/** An event bus named `lifecycle` behind the AWS front of the local plane; ends with the test file. */
export async function eventBus() {
  const api = await startAwsApi(undefined, () => undefined);
  const buses = createEventBuses({
    buses: [{ name: 'lifecycle', arn: 'arn:aws:events:us-east-1:000000000000:event-bus/lifecycle' }],
    nowMs: () => Date.now(),
    newId: () => randomUUID(),
    emit: () => undefined,
  });
  api.serve({ buses, schedules: () => [] });
  const client = new EventBridgeClient({ ...settings, endpoint: api.url });
  afterAll(async () => {
    client.destroy();
    await api.stop();
  });
  return { client, buses, url: api.url };
}
