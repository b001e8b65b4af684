// The emulators, as the local plane has them, in a process of their own each: `tables` is DynamoDB (dynalite), `queues` is
// SQS and S3 (fauxqs) and EventBridge. Their processor time is told apart from that of what is measured.
import { randomUUID } from 'node:crypto';
import { ledgerIndexes } from '#core/catalogue/stores.ts';
import { startAwsApi } from '#local/aws-api.ts';
import { fakeCredentials } from '#local/aws-clients.ts';
import { createEventBuses } from '#local/events.ts';
import { startQueues } from '#local/queues.ts';
import { startTables } from '#local/tables.ts';
import { answerWith } from './child.ts';

const answers = {
  /** Starts DynamoDB with an empty ledger and control table; resolves with its address. */
  async tables(region: string): Promise<string> {
    const tables = await startTables();
    const named = [
      { logicalId: 'Runs', name: 'runs', definition: ledger() },
      { logicalId: 'Control', name: 'control', definition: control },
    ];
    await tables.create(named, { region, credentials: fakeCredentials(), maxAttempts: 1 });
    return tables.url;
  },
  /** Starts SQS, S3 and EventBridge with these queues, a bucket and a bus; resolves with their addresses. */
  async queues({ region, names }: { region: string; names: string[] }): Promise<{ queues: string; events: string }> {
    const queues = await startQueues({ region, emit: () => undefined });
    queues.create({ queues: names.map(specAt(queues.url, region)), buckets: [bucket], deadLetterArns: [] });
    const api = await startAwsApi(undefined, () => undefined);
    const buses = createEventBuses({
      buses: [{ name: 'lifecycle', arn: arnOf('events', region, 'event-bus/lifecycle') }],
      nowMs: () => Date.now(),
      newId: () => randomUUID(),
      emit: () => undefined,
    });
    api.serve({ buses, schedules: () => [] });
    return { queues: queues.url, events: api.url };
  },
  /** Processor time of this process since it began, milliseconds. */
  async cpuMs(): Promise<number> {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};
export type StoreAnswers = typeof answers;

const arnOf = (service: string, region: string, resource: string): string =>
  `arn:aws:${service}:${region}:000000000000:${resource}`;
const bucket = { logicalId: 'Bucket', name: 'bucket' };

/** Of dead-letter queues nothing is expected here: a run that fails fails the benchmark. */
const specAt = (endpoint: string, region: string) => (name: string) => {
  const attributes: Record<string, string> = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {};
  const url = `${endpoint}/000000000000/${name}`;
  return { logicalId: name, name, url, arn: arnOf('sqs', region, name), attributes };
};

const key = (name: string, range?: string) => [
  { AttributeName: name, KeyType: 'HASH' },
  ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' }]),
];
const control = { KeySchema: key('name'), AttributeDefinitions: [{ AttributeName: 'name', AttributeType: 'S' }] };

/** `workload_runs` with all its indexes: what a write costs depends on them. */
function ledger() {
  const types = new Map([['id', 'S']]);
  for (const { partitionKey, sortKey, sortType } of Object.values(ledgerIndexes)) {
    types.set(partitionKey, 'S').set(sortKey, sortType === 'number' ? 'N' : 'S');
  }
  return {
    KeySchema: key('id'),
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    GlobalSecondaryIndexes: Object.entries(ledgerIndexes).map(([IndexName, { partitionKey, sortKey }]) => ({
      IndexName,
      KeySchema: key(partitionKey, sortKey),
      Projection: { ProjectionType: 'KEYS_ONLY' },
    })),
  };
}

answerWith(answers);
