import * as z from 'zod';
import { connect } from './connect.ts';
import { disconnect } from './disconnect.ts';
import type { SocketPorts } from './ports.ts';
import { receive } from './subscribe.ts';

/** What API Gateway says of a WebSocket, as far as it matters here. */
const eventSchema = z.object({
  requestContext: z.object({
    eventType: z.enum(['CONNECT', 'MESSAGE', 'DISCONNECT']),
    connectionId: z.string().min(1).max(128),
    identity: z.object({ sourceIp: z.string().max(64).optional() }).optional(),
  }),
  multiValueHeaders: z.record(z.string(), z.array(z.string())).nullish(),
  queryStringParameters: z.record(z.string(), z.string().optional()).nullish(),
  body: z.string().nullish(),
});
type SocketEvent = z.output<typeof eventSchema>;

/** As API Gateway wants it. */
export interface SocketAnswer {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const protocolHeader = 'sec-websocket-protocol';

/** The door of the WebSockets: $connect, $disconnect, and every message. */
export const socketDoor =
  (ports: SocketPorts) =>
  async (given: unknown): Promise<SocketAnswer> => {
    const event = eventSchema.parse(given);
    const { eventType, connectionId: connection } = event.requestContext;
    switch (eventType) {
      case 'CONNECT':
        return opened(ports, event);
      case 'MESSAGE':
        await receive(ports, { connection, body: event.body ?? '' });
        return { statusCode: 200 };
      case 'DISCONNECT':
        await disconnect(ports, connection);
        return { statusCode: 200 };
    }
  };

async function opened(ports: SocketPorts, event: SocketEvent): Promise<SocketAnswer> {
  const { connectionId, identity } = event.requestContext;
  const { status, protocol } = await connect(ports, {
    connection: connectionId,
    protocols: protocolsOf(event),
    ticket: event.queryStringParameters?.['ticket'],
    from: identity?.sourceIp ?? 'unknown',
  });
  return { statusCode: status, ...(protocol === undefined ? {} : { headers: { 'Sec-WebSocket-Protocol': protocol } }) };
}

/** Names of headers come as the client wrote them, and a header may come more than once. */
const protocolsOf = ({ multiValueHeaders }: SocketEvent): string[] =>
  Object.entries(multiValueHeaders ?? {})
    .filter(([name]) => name.toLowerCase() === protocolHeader)
    .flatMap(([, values]) => values)
    .flatMap((value) => value.split(','))
    .map((one) => one.trim());
