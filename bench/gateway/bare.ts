// What the gateway is measured beside: a function that writes a row and sends a message, and nothing else. The same SDK
// with the same settings, table, queue and HTTP API; no identity, no schema, no audit, no switch, no share, no key.
// `POST /bare/empty` does not even that: what an answer costs that does nothing.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda';
import { randomUUID } from 'node:crypto';
import { queueUrlVariable } from '#core/catalogue/entry-environment.ts';

const { env } = process;
// As runtime/services.ts has them.
const settings = {
  region: env['AWS_REGION'] ?? '',
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
};
const documents = DynamoDBDocumentClient.from(
  new DynamoDBClient({ ...settings, endpoint: env['AWS_ENDPOINT_URL_DYNAMODB'] ?? '' }),
);
const sqs = new SQSClient({
  ...settings,
  endpoint: env['AWS_ENDPOINT_URL_SQS'] ?? '',
  useQueueUrlAsEndpoint: false,
});

/** `row` and `message` are those of a run that the gateway had started: as many attributes and bytes as its own. */
interface Asked {
  readonly row: Record<string, unknown>;
  readonly message: string;
}

export async function handler({ rawPath, body = '{}' }: APIGatewayProxyEventV2): Promise<APIGatewayProxyResultV2> {
  const id = randomUUID();
  if (rawPath.endsWith('/empty')) return answer(id);
  const { row, message } = JSON.parse(body) as Asked;
  const put = { TableName: env['LEDGER_TABLE'], Item: { ...row, id }, ConditionExpression: 'attribute_not_exists(id)' };
  await documents.send(new PutCommand(put));
  const QueueUrl = env[queueUrlVariable('ingestion')];
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: message, MessageGroupId: 'local' }));
  return answer(id);
}

const answer = (id: string): APIGatewayProxyResultV2 => ({
  statusCode: 202,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ run: { id } }),
});
