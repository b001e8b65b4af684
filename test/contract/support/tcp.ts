import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { listenOnLoopback } from '#local/loopback.ts';
import type { Certificate } from '#test/contract/support/certificate.ts';

export interface TcpServer {
  readonly port: number;
  /** Sockets that are open now. */
  readonly open: ReadonlySet<Socket>;
  /** Sockets that there ever were. */
  accepted(): number;
  stop(): Promise<void>;
}

/** A server on loopback that hands each socket to `serve`; it ends with the test. */
export async function tcpServer(serve: (socket: Socket) => void, tls?: Certificate): Promise<TcpServer> {
  const open = new Set<Socket>();
  let accepted = 0;
  const take = (socket: Socket) => {
    accepted += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    serve(socket);
  };
  const server: Server = tls ? createTlsServer({ key: tls.key, cert: tls.certificate }, take) : createServer(take);
  const port = await listenOnLoopback(server, { what: 'A server of the test' });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  onTestFinished(stop);
  return { port, open, accepted: () => accepted, stop };
}

export interface Proxy extends TcpServer {
  /** From now on answers are held back for `ms`. */
  delay(ms: number): void;
  /** From now on the connections that stand carry nothing any more, and nobody is told. */
  cut(): void;
}

/** Passes everything to and from a port of this machine. */
export async function proxyTo(port: number): Promise<Proxy> {
  const state = { delayMs: 0, cutAt: 0 };
  let count = 0;
  const server = await tcpServer((socket) => {
    count += 1;
    const number = count;
    const target = connect(port, '127.0.0.1');
    const isCut = () => number <= state.cutAt;
    target.on('error', () => socket.destroy());
    target.on('close', () => isCut() || socket.destroy());
    socket.on('close', () => target.destroy());
    socket.on('data', (data) => isCut() || target.write(data));
    target.on('data', (data) => {
      if (state.delayMs === 0) return isCut() || socket.write(data);
      setTimeout(() => socket.writable && !isCut() && socket.write(data), state.delayMs).unref();
      return undefined;
    });
  });
  return { ...server, delay: (ms) => void (state.delayMs = ms), cut: () => void (state.cutAt = count) };
}

export interface RespServer extends TcpServer {
  /** Every command that arrived, as it was sent. */
  readonly commands: string[][];
}

/** A server that speaks RESP and answers each command with the raw bytes that `reply` gives; nothing for undefined. */
export async function respServer(
  reply: (command: readonly string[]) => string | undefined,
  tls?: Certificate,
): Promise<RespServer> {
  const commands: string[][] = [];
  const server = await tcpServer((socket) => {
    let pending = '';
    socket.on('data', (data) => {
      pending += data.toString('latin1');
      for (let taken = takeCommand(pending); taken; taken = takeCommand(pending)) {
        pending = taken.rest;
        commands.push(taken.command);
        const answer = reply(taken.command);
        if (answer !== undefined) socket.write(answer);
      }
    });
  }, tls);
  return { ...server, commands };
}

/** `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`: an array of bulk strings, or undefined while it is not whole. */
function takeCommand(text: string): { command: string[]; rest: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (!head) return undefined;
  let at = head[0].length;
  const command: string[] = [];
  for (let left = Number(head[1]); left > 0; left -= 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (!size) return undefined;
    at += size[0].length;
    const end = at + Number(size[1]);
    if (text.length < end + 2) return undefined;
    command.push(text.slice(at, end));
    at = end + 2;
  }
  return { command, rest: text.slice(at) };
}

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
/** What a healthy Redis answers while a client connects; everything else is left to `rest`. */
export const connecting =
  (rest: (command: readonly string[]) => string | undefined, info = 'redis_version:8.1.0\r\nloading:0\r\n') =>
  (command: readonly string[]): string | undefined => {
    switch (command[0]?.toLowerCase()) {
      case 'hello':
        return `*2\r\n${bulk('server')}${bulk('redis')}`;
      case 'client':
        return '+OK\r\n';
      case 'info':
        return bulk(info);
      default:
        return rest(command);
    }
  };

/** Waits until `condition` holds, for at most `limitMs`. */
export async function until(condition: () => boolean, limitMs = 3000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`this did not come true within ${limitMs} ms: ${String(condition)}`);
    await sleep(5);
  }
}
