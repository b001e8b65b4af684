// DynamoDB in this process, by dynalite, in memory. It has no transactions, no TTL calls, no PartiQL, and gives no item
// with a failed condition; the ledger needs none of these. Every table is on demand whatever the template bills.
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlaneError, messageOf } from '#local/errors.ts';
import { LOOPBACK, listenOnLoopback } from '#local/loopback.ts';
import type { TableSpec } from '#local/resources.ts';
import type { ClientSettings } from '#local/aws-clients.ts';

export interface Tables {
  url: string;
  create(tables: TableSpec[], settings: ClientSettings): Promise<void>;
  stop(): Promise<void>;
}

/** Whoever goes on asking for this long after a stop is cut off. */
const ANSWER_LIMIT_MS = 2_000;

/** Starts DynamoDB on 127.0.0.1. Throws PORT_TAKEN. */
export async function startTables(wantedPort?: number): Promise<Tables> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  // dynalite throws on a broken request, which would end the plane when a function is killed while it sends one.
  server.on('request', (request) => {
    request.removeAllListeners('error');
    request.on('error', () => {});
  });
  const answers = answersOf(server);
  const port = await listenOnLoopback(server, { what: 'DynamoDB', port: wantedPort });
  const url = `http://${LOOPBACK}:${port}`;
  return {
    url,
    async create(tables, settings) {
      const client = new DynamoDBClient({ ...settings, endpoint: url });
      for (const table of tables) await createTable(client, table);
      client.destroy();
    },
    async stop() {
      await answers.given();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/**
 * dynalite throws, and so ends the process, when its store is closed under a request. A request whose sender was killed
 * is still worked on although its connection is gone, so the server cannot tell: each is counted until it is answered.
 */
function answersOf(server: Server): { given(): Promise<void> } {
  const owed = new Set<ServerResponse>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    owed.add(response);
    const end = response.end.bind(response) as (...values: unknown[]) => ServerResponse;
    response.end = (...values: unknown[]) => {
      owed.delete(response);
      return end(...values);
    };
    // Of a request that was cut off before its end dynalite does nothing.
    request.once('close', () => {
      if (!request.complete) owed.delete(response);
    });
  });
  return {
    async given() {
      const endMs = Date.now() + ANSWER_LIMIT_MS;
      while (owed.size > 0 && Date.now() < endMs) await sleep(1);
    },
  };
}

async function createTable(client: DynamoDBClient, table: TableSpec): Promise<void> {
  const input = { ...table.definition, TableName: table.name, BillingMode: 'PAY_PER_REQUEST' };
  try {
    await client.send(new CreateTableCommand(input as CreateTableCommandInput));
    // A table that is still being made refuses its first rows.
    while (!(await isActive(client, table.name))) await sleep(2);
  } catch (error) {
    throw new PlaneError(
      'START_FAILED',
      `The table ${table.name} was refused: ${messageOf(error)}. Correct it in lib/.`,
      {
        cause: error,
      },
    );
  }
}

async function isActive(client: DynamoDBClient, name: string): Promise<boolean> {
  const { Table: made } = await client.send(new DescribeTableCommand({ TableName: name }));
  return made?.TableStatus === 'ACTIVE';
}
