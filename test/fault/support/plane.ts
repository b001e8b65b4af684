// The project's own template and bundles on a real plane, with an operator and eyes on what is stored.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { inject, onTestFinished } from 'vitest';
import type { Run } from '#core/run.ts';
import { operatorOf, type Operator } from '#local/operator.ts';
import { bucketOf, type PlaneOptions } from '#local/plane.ts';
import { planeOf, type TestPlane } from '#test/local/fixtures/plane.ts';

export interface FaultPlane extends TestPlane {
  operator: Operator;
  /** Every row of the ledger, read from the table itself. */
  rows(): Promise<Run[]>;
  /** Keys of the bucket below `prefix`. */
  keys(prefix: string): Promise<string[]>;
  /** Log lines of the functions with this constant message, parsed. */
  logged(message: string): LogLine[];
  functionOf(queue: string): string;
}
export interface LogLine {
  readonly message: string;
  readonly run?: string;
  readonly task?: string;
  readonly state?: string;
  readonly effect?: string;
  readonly outcome?: string;
  readonly fence?: number;
}

const NOON = Date.parse('2026-11-20T12:00:00Z');
export const minuteMs = 60_000;
/** Half a minute past noon: slots of the minutes before are late, but not stale. */
export const driven = { clock: 'driven', startAtMs: NOON + 30_000 } as const;
export const noonMs = NOON;

/** Starts the plane that would be deployed, with a Valkey of its own; all ends with the test. */
export async function faultPlane(options: Partial<PlaneOptions> = {}): Promise<FaultPlane> {
  // $REDIS_URL is left alone on purpose: these tests set the kill switch and stop the server.
  const variables = { ...process.env, REDIS_URL: undefined };
  const running = await planeOf(inject('assemblyDir'), { variables, ...options });
  const operator = operatorOf(running, 'fault-test');
  onTestFinished(() => operator.close());
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const region = 'us-east-1';
  const tables = new DynamoDBClient({ region, credentials, endpoint: running.endpoints.dynamodb });
  const s3 = new S3Client({ region, credentials, endpoint: running.endpoints.s3, forcePathStyle: true });
  onTestFinished(() => [tables, s3].forEach((client) => client.destroy()));
  return {
    ...running,
    operator,
    rows: () => scan(DynamoDBDocumentClient.from(tables), tableName(running)),
    keys: (prefix) => keysBelow(s3, bucketOf(running), prefix),
    logged: (message) => logged(running, message),
    functionOf(queue) {
      const found = running.resources.mappings.find(({ queueArn }) => queueArn.endsWith(`-${queue}`));
      if (found) return found.functionName;
      throw new Error(`no function consumes ${queue}`);
    },
  };
}

const tableName = (running: TestPlane): string =>
  running.resources.tables.find(({ name }) => name.endsWith('workload_runs'))?.name ?? '';

async function scan(client: DynamoDBDocumentClient, TableName: string): Promise<Run[]> {
  const found: Run[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey: from }));
    found.push(...((page.Items ?? []) as unknown as Run[]));
    from = page.LastEvaluatedKey;
  } while (from);
  return found;
}

async function keysBelow(s3: S3Client, Bucket: string, Prefix: string): Promise<string[]> {
  const { Contents = [], IsTruncated } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  if (IsTruncated) throw new Error(`more keys below ${Prefix} than one page holds`);
  return Contents.map(({ Key = '' }) => Key).toSorted();
}

function logged(running: TestPlane, message: string): LogLine[] {
  return running
    .lines()
    .filter((line) => line.includes(`"${message}"`))
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => line.message === message);
}
