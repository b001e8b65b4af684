// The doors of a plane: HTTP API, WebSocket API, and the issuers of the tokens that both want. They listen before anything
// else, because functions are told their addresses, and are the same whatever stands behind the plane.
import type { ApiSpec } from '#local/api-resources.ts';
import type { Assembly } from '#local/assembly.ts';
import type { Backplane, Base } from '#local/backplane.ts';
import type { Connections } from '#local/connections-api.ts';
import { startHttpApi } from '#local/http-api.ts';
import type { LocalIdentity } from '#local/identity/start.ts';
import type { PlaneEndpoints } from '#local/plane-event.ts';
import type { PlaneOptions } from '#local/plane.ts';
import type { Addresses } from '#local/resource-types.ts';
import { startWebSocketApi } from '#local/web-socket-api.ts';

export interface Doors {
  endpoints: Pick<PlaneEndpoints, 'gateway' | 'sockets' | 'issuers'>;
  /** What the template reads of them. */
  addresses: Pick<Addresses, 'gatewayUrl' | 'socketsUrl' | 'parameters'>;
  connections: Connections;
  /** Absent where the template has no parameter `Identity`. */
  identity?: LocalIdentity;
  /** From now on the doors answer. */
  open(apis: readonly ApiSpec[], invoke: Backplane['invoke']): void;
  /** Requests and invocations of connections that are under way. */
  pending(): number;
  /** Lets nobody in and everybody go. Safe to call twice. */
  close(): Promise<void>;
}

type DoorsOptions = Pick<Base, 'options' | 'assembly' | 'clock' | 'emit' | 'undo'>;

/** Starts all of them on 127.0.0.1. Throws PORT_TAKEN; what was started stands in `undo`. */
export async function startDoors({ options, assembly, clock, emit, undo }: DoorsOptions): Promise<Doors> {
  const { ports = {}, socketLimits } = options;
  const common = { nowMs: clock.now, emit };
  const gateway = await startHttpApi({ ...common, port: ports.gateway });
  undo.push(() => gateway.stop());
  const sockets = await startWebSocketApi({ ...common, port: ports.sockets, limits: socketLimits });
  undo.push(() => sockets.stop());
  const identity = wantsIdentity(assembly) ? await startIssuers(ports.identity, emit) : undefined;
  undo.push(() => identity?.stop());
  return {
    endpoints: {
      gateway: gateway.url,
      sockets: sockets.url,
      issuers: identity?.issuers.map(({ url }) => url) ?? [],
    },
    addresses: {
      gatewayUrl: gateway.url,
      socketsUrl: sockets.url,
      ...(identity && { parameters: { Identity: identity.config } }),
    },
    connections: sockets.connections,
    ...(identity && { identity }),
    open(apis, invoke) {
      const of = (protocol: ApiSpec['protocol']) => apis.find((api) => api.protocol === protocol);
      gateway.open(of('HTTP'), invoke);
      sockets.open(of('WEBSOCKET'), invoke);
    },
    pending: () => gateway.pending() + sockets.pending(),
    close: async () => void (await Promise.all([gateway.stop(), sockets.stop()])),
  };
}

const wantsIdentity = ({ stacks }: Assembly): boolean =>
  stacks.some(({ parameters }) => Object.hasOwn(parameters, 'Identity'));

/** Imported by those alone who need it: a provider takes its time to load, and its keys theirs to be made. */
async function startIssuers(
  port: NonNullable<PlaneOptions['ports']>['identity'],
  emit: Base['emit'],
): Promise<LocalIdentity> {
  const { startIdentity } = await import('#local/identity/start.ts');
  return startIdentity({ ...(port && { ports: { entra: port, auth0: port + 1 } }), emit });
}
