import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { Sockets } from '#core/ports.ts';

/** Whoever takes longer is dropped: he holds up all who watch the same run. */
const postWithinMs = 2000;

type SocketsClient = Pick<ApiGatewayManagementApiClient, 'send'>;

/** A client for `endpoint`, the callback address of the WebSocket API. */
export const socketsClient = (endpoint: string, region: string): ApiGatewayManagementApiClient =>
  new ApiGatewayManagementApiClient({ endpoint, region, maxAttempts: 2 });

/** The WebSockets behind API Gateway. */
export function runtimeSockets(client: SocketsClient, withinMs: number = postWithinMs): Sockets {
  return {
    async post(connection, text) {
      // Over all tries: one signal for the request, not one for each.
      const abortSignal = AbortSignal.timeout(withinMs);
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId: connection, Data: text }), { abortSignal });
        return 'sent';
      } catch (error) {
        if (isGone(error)) return 'gone';
        if (abortSignal.aborted || nameOf(error) === 'LimitExceededException') return 'slow';
        throw error;
      }
    },
    async close(connection) {
      try {
        await client.send(new DeleteConnectionCommand({ ConnectionId: connection }), {
          abortSignal: AbortSignal.timeout(withinMs),
        });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
  };
}

/** 410, or an id that is none of API Gateway's: nobody will ever answer to it. */
const isGone = (error: unknown): boolean => ['GoneException', 'BadRequestException'].includes(nameOf(error));
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
