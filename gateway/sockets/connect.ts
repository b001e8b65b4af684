import { limits } from '#core/catalogue/limits.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { routes } from '#core/catalogue/routes.ts';
import type { Caller } from '#gateway/caller.ts';
import { authorise } from '#gateway/identity/authorise.ts';
import { noToken } from '#gateway/identity/challenge.ts';
import { Problem, problemOf } from '#gateway/problem.ts';
import type { SocketPorts } from './ports.ts';
import { takeTicket } from './tickets.ts';

/** Somebody asks for a WebSocket. */
export interface Handshake {
  readonly connection: string;
  /** The subprotocols that are offered. A browser can send a token in no other way than as one of them. */
  readonly protocols: readonly string[];
  readonly ticket?: string | undefined;
  /** The address that it comes from. */
  readonly from: string;
}
/** With 200 the connection stands, under that subprotocol if one was offered that is spoken here. */
export interface Admission {
  readonly status: number;
  readonly protocol?: string;
}

/** The version of the messages. */
const socketProtocol = 'alphaswarm.v1';
const bearer = 'bearer.';

type Ports = Pick<SocketPorts, 'connections' | 'control' | 'identity' | 'log' | 'rate' | 'realNowMs'>;

/** Lets in whoever has a token or a ticket, and a role to follow runs in; writes down whose connection it is. */
export async function connect(ports: Ports, handshake: Handshake): Promise<Admission> {
  try {
    const { actor, tenant, roles, expiresAtMs } = await callerOf(ports, handshake);
    authorise({ roles }, routes.followRun);
    await count(ports, `${tenant}/${actor.id}`);
    await ports.connections.write({
      id: handshake.connection,
      rev: 1,
      tenant,
      actor,
      roles,
      openedMs: ports.realNowMs(),
      tokenExpiresAtMs: expiresAtMs,
      subscriptions: [],
    });
    // The token is offered as one, too, and must never be sent back.
    return { status: 200, ...(handshake.protocols.includes(socketProtocol) ? { protocol: socketProtocol } : {}) };
  } catch (thrown) {
    const { status, code, detail: why } = problemOf(thrown, '').body;
    const line = status >= 500 ? logLines.requestFailed : logLines.tokenRefused;
    ports.log.info(line, { code, why, from: handshake.from, path: '$connect' });
    return { status };
  }
}

/** Where it cannot be counted (Redis is away) nobody could watch either. @throws Problem RATE_LIMITED */
async function count({ rate }: Ports, caller: string): Promise<void> {
  const { waitMs } = await rate.take(`connects/${caller}`, limits.socketConnects);
  if (waitMs > 0)
    throw new Problem('RATE_LIMITED', `a caller may open ${limits.socketConnects.perSecond} WebSockets a second`);
}

/** @throws Problem UNAUTHENTICATED, ROLE_INSUFFICIENT, IDENTITY_UNAVAILABLE */
async function callerOf(ports: Ports, { protocols, ticket, from }: Handshake): Promise<Caller> {
  const offered = protocols.find((one) => one.startsWith(bearer));
  if (offered !== undefined) return ports.identity.caller(`Bearer ${offered.slice(bearer.length)}`, from);
  if (ticket !== undefined) return takeTicket(ports, ticket);
  throw noToken('There is no token: offer the subprotocol bearer.TOKEN, or a ticket of POST /tickets');
}
