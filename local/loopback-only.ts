import { Socket } from 'node:net';
import { isLoopbackHost } from '#local/loopback.ts';

/**
 * Nothing that runs here may reach past this machine: neither AWS nor the address that hands out a host's credentials.
 * Every TCP and TLS connection of Node, whatever client makes it, passes through this one method.
 */
export function refuseTheOutside(): void {
  const connect = Object.getOwnPropertyDescriptor(Socket.prototype, 'connect')?.value as (...args: unknown[]) => Socket;
  const guarded = function (this: Socket, ...args: unknown[]): Socket {
    const host = hostOf(args);
    if (host === undefined || isLoopbackHost(host)) return connect.apply(this, args);
    const message = `The local plane refused a connection to ${host}: only this machine is reachable (ALPHASWARM_LOCAL=1).`;
    process.nextTick(() => this.destroy(Object.assign(new Error(message), { code: 'ERR_NOT_LOOPBACK' })));
    return this;
  };
  Object.defineProperty(Socket.prototype, 'connect', { value: guarded, writable: true, configurable: true });
}

/** The host of the arguments of `Socket.connect`, in all its forms; undefined for a path, and for no host (localhost). */
function hostOf(args: unknown[]): string | undefined {
  // Node's own callers pass an array that they have normalised.
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as unknown[];
  if (typeof first === 'object' && first !== null) return (first as { host?: string }).host;
  return typeof second === 'string' ? second : undefined;
}
