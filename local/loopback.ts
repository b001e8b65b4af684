// Safe by construction: everything of the plane listens on 127.0.0.1 and everything it hands out is loopback. An address
// that is not is refused before anything connects to it, so a stray variable cannot send local work to a real account.
import { createServer, type Server } from 'node:net';
import { PlaneError, systemCodeOf } from '#local/errors.ts';

export const LOOPBACK = '127.0.0.1';

/** True for `localhost`, 127.0.0.0/8 and ::1, in the forms that a URL or a socket has them. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(bare);
}

/** Returns `url` when its host is loopback; throws NOT_LOOPBACK otherwise. `what` names where the value came from. */
export function requireLoopback(url: string, what: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && isLoopbackHost(parsed.hostname)) return url;
  // Never the URL itself, which may hold a password.
  const shown = parsed ? `${parsed.protocol}//${parsed.host}` : 'not a URL';
  throw new PlaneError(
    'NOT_LOOPBACK',
    `${what} is ${shown}, which is not on this machine: the local plane talks to 127.0.0.1 only. Unset it, or point it at a loopback address.`,
  );
}

interface ListenOptions {
  /** What will listen, for the message when the port is taken. */
  what: string;
  /** 0 or absent: any free port. */
  port?: number | undefined;
}

/** Makes `server` listen on 127.0.0.1; returns the port. Throws PORT_TAKEN. */
export function listenOnLoopback(server: Server, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, options));
    server.once('error', onError);
    server.listen({ port: options.port ?? 0, host: LOOPBACK, exclusive: true }, () => {
      server.off('error', onError);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

/** The readable form of a failed listen. */
export function listenError(error: unknown, options: ListenOptions): PlaneError {
  const code = systemCodeOf(error);
  if (code === 'EADDRINUSE') {
    return new PlaneError(
      'PORT_TAKEN',
      `${options.what} cannot listen on 127.0.0.1:${options.port}: the port is taken by another process. Stop that process, or ask for another port (0 takes any free one).`,
      { cause: error },
    );
  }
  return new PlaneError(
    'START_FAILED',
    `${options.what} cannot listen on 127.0.0.1:${options.port ?? 0} (${code ?? String(error)}). Ask for another port (0 takes any free one).`,
    { cause: error },
  );
}

/** A port that is free now, or `wanted` once it is known to be free. Throws PORT_TAKEN. */
export async function freePort(options: ListenOptions): Promise<number> {
  const probe = createServer();
  const port = await listenOnLoopback(probe, options);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
