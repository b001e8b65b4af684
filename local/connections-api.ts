// API Gateway's management API on the AWS front: `POST`, `GET` and `DELETE` of `/@connections/{id}`, with or without the
// path of a stage before it, as clients of the SDK with an `endpoint` of their own ask.
import { failure, type Call, type Reply } from '#local/aws-call.ts';
import type { Connection } from '#local/web-socket-connection.ts';

/** The connections that stand, by their ids. */
export type Connections = ReadonlyMap<string, Connection>;

/** As AWS has it for a message. */
const LARGEST_MESSAGE_BYTES = 128 * 1024;

/** Undefined for what is no call of it. */
export function askConnections({ method, url, bytes }: Call, connections: Connections): Reply | undefined {
  const [, escaped] = /^(?:\/[^/@]+)*\/@connections\/([^/]+)$/.exec(url.pathname) ?? [];
  if (escaped === undefined) return undefined;
  const id = decodeURIComponent(escaped);
  if (!/^[\w-]{15}=$/.test(id)) return failure(400, 'BadRequestException', `Invalid connectionId: ${id}`);
  const connection = connections.get(id);
  if (method === 'POST') return post(connection, bytes);
  if (!connection) return gone();
  if (method === 'GET') return { status: 200, body: described(connection) };
  if (method !== 'DELETE') return undefined;
  connection.close({ code: 1000, reason: '' });
  return { status: 204 };
}

function post(connection: Connection | undefined, bytes: Buffer): Reply {
  if (bytes.length > LARGEST_MESSAGE_BYTES)
    return failure(413, 'PayloadTooLargeException', `A message has at most ${LARGEST_MESSAGE_BYTES} bytes.`);
  return connection?.send(bytes.toString()) ? { status: 200 } : gone();
}

const gone = (): Reply => failure(410, 'GoneException', 'The connection is gone.');

const described = (connection: Connection) => ({
  connectedAt: new Date(connection.caller.connectedAtMs).toISOString(),
  identity: { sourceIp: connection.caller.sourceIp, userAgent: connection.caller.userAgent },
  lastActiveAt: new Date(connection.lastActiveAtMs()).toISOString(),
});
