// The two issuers of the local plane: real OpenID providers on loopback, one shaped like Entra, one like Auth0. Nothing is
// written anywhere; keys are made at the start, so no token of an earlier run is worth anything.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { messageOf } from '#local/errors.ts';
import { listenOnLoopback, LOOPBACK } from '#local/loopback.ts';
import type { Emit } from '#local/plane-event.ts';
import { interact } from './interaction.ts';
import { createProvider, newState } from './provider.ts';
import { shapes, type Shape } from './shapes.ts';

export type IssuerName = Shape['name'];
export interface LocalIssuer {
  readonly name: IssuerName;
  /** What stands in `iss`. */
  readonly url: string;
}
export interface LocalIdentity {
  readonly issuers: readonly LocalIssuer[];
  /** What the variable IDENTITY is to hold. */
  readonly config: string;
  /** New tokens are signed by a new key. The old one stays in the key set, unless it is to be forgotten. */
  rotate(issuer: IssuerName, options?: { forget?: boolean }): Promise<void>;
  /** Stops one issuer alone, as if it were down. */
  stopIssuer(issuer: IssuerName): Promise<void>;
  stop(): Promise<void>;
}
export interface IdentityStart {
  /** Any free ones where absent or 0. */
  ports?: Partial<Record<IssuerName, number>>;
  emit?: Emit;
}

/** Starts both issuers on 127.0.0.1. Throws PORT_TAKEN. */
export async function startIdentity({ ports = {}, emit = () => {} }: IdentityStart = {}): Promise<LocalIdentity> {
  const settled = await Promise.allSettled(shapes.map((shape) => startIssuer(shape, ports[shape.name], emit)));
  const running = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  const stop = async (): Promise<void> => void (await Promise.all(running.map((issuer) => issuer.stop())));
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const byName = (name: IssuerName): RunningIssuer => running.find((issuer) => issuer.name === name)!;
  return {
    issuers: running.map(({ name, url }) => ({ name, url })),
    config: JSON.stringify(running.map(({ configuration }) => configuration)),
    rotate: (name, options) => byName(name).rotate(options),
    stopIssuer: (name) => byName(name).stop(),
    stop,
  };
}

interface RunningIssuer extends LocalIssuer {
  readonly configuration: Readonly<Record<string, unknown>>;
  rotate(options?: { forget?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

async function startIssuer(shape: Shape, port: number | undefined, emit: Emit): Promise<RunningIssuer> {
  const { name } = shape;
  const where = `local issuer ${name}`;
  const state = newState();
  let keys = [await newKey(shape)];
  let answer: Answer = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => {
    Promise.resolve(answer(request, response)).catch((error: unknown) => {
      emit({ type: 'error', where, message: messageOf(error) });
      response.destroy();
    });
  });
  const listening = await listenOnLoopback(server, { what: `The ${where}`, port });
  const url = `http://${LOOPBACK}:${listening}`;
  const serve = (): void => {
    const provider = createProvider({ url, shape, keys, state });
    provider.on('server_error', (_ctx, error) => emit({ type: 'error', where, message: messageOf(error) }));
    // What a client did wrong it is told; Koa would write it to the console too.
    provider.silent = true;
    const callback = provider.callback();
    answer = onlyFor([`${LOOPBACK}:${listening}`, `localhost:${listening}`], (request, response) =>
      request.url?.startsWith('/interaction/')
        ? interact({ provider, shape, state }, { request, response })
        : callback(request, response),
    );
  };
  serve();
  return {
    name,
    url,
    configuration: { name, issuer: url, jwksUri: `${url}/jwks`, ...shape.configuration },
    rotate: async ({ forget = false } = {}) => {
      keys = [await newKey(shape), ...(forget ? [] : keys)];
      serve();
    },
    stop: () => stopServer(server),
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A page of the Web whose name was made to point here would carry its own name: it gets no token. */
const onlyFor =
  (hosts: readonly string[], answer: Answer): Answer =>
  (request, response) =>
    hosts.includes(request.headers.host ?? '')
      ? answer(request, response)
      : void response.writeHead(421, { 'content-type': 'text/plain' }).end('This address is not of this machine.\n');

async function newKey({ algorithm }: Shape): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = randomBytes(9).toString('base64url');
  return { ...(await exportJWK(privateKey)), use: 'sig', alg: algorithm, kid };
}

const stopServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
