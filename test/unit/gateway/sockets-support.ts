// The door of the WebSockets on twins: events as API Gateway sends them, and whoever the tokens `anna`, `olga` ... name.
import type { Run } from '#core/run.ts';
import type { Caller } from '#gateway/caller.ts';
import { badToken } from '#gateway/identity/challenge.ts';
import { Problem } from '#gateway/problem.ts';
import { socketDoor, type SocketAnswer } from '#gateway/sockets/door.ts';
import { memoryRate } from '#memory/gateway.ts';
import { memoryPlane } from '#memory/plane.ts';
import { run, type SocketSaid } from '#test/unit/core/relay-support.ts';
import { runRow } from '#test/unit/core/support.ts';

const hourMs = 3_600_000;

export function socketWorld() {
  const plane = memoryPlane();
  const person = (id: string, tenant: string, roles: Caller['roles']): Caller => ({
    actor: { kind: 'human', id },
    tenant,
    roles,
    issuer: 'entra',
    expiresAtMs: plane.clock.nowMs() + hourMs,
  });
  const people: Record<string, Caller> = {
    anna: person('anna', 'acme', ['viewer']),
    olga: person('olga', 'acme', ['operator']),
    zoe: person('zoe', 'other', ['viewer', 'researcher', 'operator', 'service']),
    nobody: person('nobody', 'acme', []),
  };
  const identity = {
    async caller(authorization: string | undefined): Promise<Caller> {
      const name = authorization?.replace(/^Bearer /, '') ?? '';
      if (name === 'away') throw new Problem('IDENTITY_UNAVAILABLE', 'the issuer is away');
      const caller = people[name];
      if (caller) return caller;
      throw badToken('The token is no good: obtain another');
    },
  };
  const rate = memoryRate(plane.clock);
  const ports = { ...plane, identity, rate };
  const door = socketDoor(ports);
  const context = (eventType: string, connectionId: string) => ({
    requestContext: { eventType, connectionId, routeKey: '$x', identity: { sourceIp: '192.0.2.1' } },
    isBase64Encoded: false,
  });
  const world = {
    plane,
    ports,
    people,
    rate,
    door,
    /** $connect; the socket is open from then on if the answer is 200. */
    async connect(
      connection: string,
      { protocols, ticket }: { protocols?: string[]; ticket?: string } = {},
    ): Promise<SocketAnswer> {
      const answer = await door({
        ...context('CONNECT', connection),
        ...(protocols ? { multiValueHeaders: { 'Sec-WebSocket-Protocol': protocols } } : {}),
        ...(ticket === undefined ? {} : { queryStringParameters: { ticket } }),
      });
      if (answer.statusCode === 200) plane.sockets.open(connection);
      return answer;
    },
    as: (name: string, connection = name) =>
      world.connect(connection, { protocols: [`alphaswarm.v1, bearer.${name}`] }),
    send: (connection: string, message: unknown) =>
      door({
        ...context('MESSAGE', connection),
        body: typeof message === 'string' ? message : JSON.stringify(message),
      }),
    subscribe: (connection: string, over: object = {}) =>
      world.send(connection, { action: 'subscribe', run_id: run, ...over }),
    async leave(connection: string) {
      plane.sockets.lose(connection);
      return door(context('DISCONNECT', connection));
    },
    said: (connection: string) =>
      plane.sockets.posted(connection).map((text) => JSON.parse(text) as SocketSaid & Record<string, unknown>),
    place: (over: Partial<Run> = {}) =>
      plane.ledger.create(runRow({ id: run, state: 'running', fence: 1, ...over }, plane)),
  };
  return world;
}
