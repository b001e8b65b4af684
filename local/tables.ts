// DynamoDB in this process, by dynalite, in memory. It has no transactions, no TTL calls, no PartiQL, and gives no item
// with a failed condition; the ledger needs none of these. Every table is on demand whatever the template bills.
import { CreateTableCommand, DynamoDBClient, type CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { PlaneError, messageOf } from '#local/errors.ts';
import { LOOPBACK, listenOnLoopback } from '#local/loopback.ts';
import type { TableSpec } from '#local/resources.ts';
import type { ClientSettings } from '#local/aws-clients.ts';

export interface Tables {
  url: string;
  create(tables: TableSpec[], settings: ClientSettings): Promise<void>;
  stop(): Promise<void>;
}

/** Starts DynamoDB on 127.0.0.1. Throws PORT_TAKEN. */
export async function startTables(wantedPort?: number): Promise<Tables> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  // dynalite throws on a broken request, which would end the plane when a function is killed while it sends one.
  server.on('request', (request) => {
    request.removeAllListeners('error');
    request.on('error', () => {});
  });
  const port = await listenOnLoopback(server, { what: 'DynamoDB', port: wantedPort });
  const url = `http://${LOOPBACK}:${port}`;
  return {
    url,
    async create(tables, settings) {
      const client = new DynamoDBClient({ ...settings, endpoint: url });
      for (const table of tables) await createTable(client, table);
      client.destroy();
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function createTable(client: DynamoDBClient, table: TableSpec): Promise<void> {
  const input = { ...table.definition, TableName: table.name, BillingMode: 'PAY_PER_REQUEST' };
  try {
    await client.send(new CreateTableCommand(input as CreateTableCommandInput));
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
