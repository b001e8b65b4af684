// One open connection of the WebSocket API: what it may send, how long it lives, and what is waiting for it. A client that
// does not take what it is sent is cut off: nothing is kept for it for ever.
import type { RawData, WebSocket } from 'ws';
import type { Caller } from '#local/web-socket-event.ts';

export interface SocketLimits {
  /** Without a message in either direction. */
  idleMs: number;
  lifeMs: number;
  /** Either way. */
  messageBytes: number;
  /** What may wait for a client that reads slowly. */
  bufferedBytes: number;
}

/** Of AWS, but for the last, which is not documented. */
export const SOCKET_LIMITS: SocketLimits = {
  idleMs: 10 * 60_000,
  lifeMs: 2 * 3600_000,
  messageBytes: 128 * 1024,
  bufferedBytes: 1024 * 1024,
};

export interface Ending {
  code: number;
  reason: string;
}

export interface Connection {
  readonly caller: Caller;
  /** When a message last went either way, by the plane's clock. */
  lastActiveAtMs(): number;
  /** False when it cannot be delivered: then the connection is at its end. */
  send(text: string): boolean;
  close(ending: Ending): void;
  /** Ends it without a word. */
  terminate(): void;
}

interface ConnectionOptions {
  socket: WebSocket;
  caller: Caller;
  limits: SocketLimits;
  nowMs: () => number;
  onMessage(text: string): void;
  /** Once, when nothing can be sent any more, long before the other side has agreed. */
  onGone(): void;
  /** Once, when it is over. */
  onEnd(ending: Ending): void;
}

const goingAway: Ending = { code: 1001, reason: 'Going away' };

export function openConnection(options: ConnectionOptions): Connection {
  return new OpenConnection(options);
}

class OpenConnection implements Connection {
  readonly caller: Caller;
  readonly #options: ConnectionOptions;
  readonly #idle: NodeJS.Timeout;
  readonly #life: NodeJS.Timeout;
  #lastActiveAtMs: number;
  #gone = false;
  /** How this side ended it. */
  #ended: Ending | undefined;

  constructor(options: ConnectionOptions) {
    const { socket, caller, limits, nowMs } = options;
    this.#options = options;
    this.caller = caller;
    this.#lastActiveAtMs = nowMs();
    this.#idle = setTimeout(() => this.close(goingAway), limits.idleMs).unref();
    this.#life = setTimeout(() => this.close(goingAway), limits.lifeMs).unref();
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('error', () => this.#leave());
    socket.once('close', (code, reason) => this.#end({ code, reason: reason.toString() }));
  }

  lastActiveAtMs(): number {
    return this.#lastActiveAtMs;
  }

  send(text: string): boolean {
    const { socket, limits } = this.#options;
    if (this.#gone || socket.readyState !== socket.OPEN) return false;
    if (socket.bufferedAmount + Buffer.byteLength(text) > limits.bufferedBytes) {
      this.terminate();
      return false;
    }
    this.#touch();
    // An error of the socket is told by its own events.
    socket.send(text, () => {});
    return true;
  }

  close(ending: Ending): void {
    if (this.#gone) return;
    this.#ended = ending;
    this.#leave();
    this.#options.socket.close(ending.code, ending.reason);
  }

  terminate(): void {
    this.#leave();
    this.#options.socket.terminate();
  }

  #take(data: RawData, isBinary: boolean): void {
    if (this.#gone) return;
    // API Gateway takes no binary frames.
    if (isBinary) return this.close({ code: 1003, reason: 'Unsupported data' });
    this.#touch();
    this.#options.onMessage((data as Buffer).toString());
  }

  #touch(): void {
    this.#lastActiveAtMs = this.#options.nowMs();
    this.#idle.refresh();
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#life);
    this.#options.onGone();
  }

  #end(ending: Ending): void {
    this.#leave();
    this.#options.onEnd(this.#ended ?? ending);
  }
}
