// Where frames come from: the WebSocket, or the long poll for those who cannot have one. Both give batches, oldest first.
import * as z from 'zod';
import { positionText, type Position } from '#core/frame-order.ts';
import type { Frame } from '#core/progress.ts';
import { frame } from '#gateway/schemas/run.ts';

export interface Batch {
  readonly frames: readonly Frame[];
  /** Said when frames before this one are gone for good. */
  readonly oldest?: Position;
}
/** Ends by throwing: a feed that simply returns was closed by the other side. */
export type Feed = (after: Position, signal: AbortSignal) => AsyncIterable<Batch>;

const count = z.int().nonnegative();
export const positionSchema = z.object({ fence: count, seq: count });
/** The schema's optional fields may hold `undefined`, a frame's may not; JSON holds neither. */
export const framesOf = (parsed: readonly z.output<typeof frame>[]): Frame[] => [...parsed] as Frame[];

const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('frames'), run_id: z.string(), frames: z.array(frame) }),
  z.object({ type: z.literal('gap'), run_id: z.string(), oldest: positionSchema }),
  z.object({ type: z.literal('error'), code: z.string(), detail: z.string() }),
  z.object({ type: z.literal('subscribed') }),
]);

/** What the socket said in the way of an error; the feed is over with it. */
export class FeedError extends Error {
  readonly code: string;
  constructor(code: string, detail: string) {
    super(detail);
    this.name = 'FeedError';
    this.code = code;
  }
}

interface SocketOptions {
  readonly url: string;
  readonly token: () => Promise<string>;
  readonly runId: string;
}

/** Names of the subprotocols: the version of the messages, and the token, which a browser could send in no other way. */
const protocolsOf = (token: string): string[] => ['alphaswarm.v1', `bearer.${token}`];

const openWithinMs = 10_000;

export const socketFeed = ({ url, token, runId }: SocketOptions): Feed =>
  async function* (after, signal) {
    const inbox = mailbox();
    const socket = new WebSocket(url, protocolsOf(await token()));
    const lateOpening = setTimeout(() => inbox.fail(new FeedError('LATE', 'the socket did not open')), openWithinMs);
    const close = () => socket.close();
    signal.addEventListener('abort', close, { once: true });
    socket.addEventListener('open', () => {
      clearTimeout(lateOpening);
      socket.send(JSON.stringify({ action: 'subscribe', run_id: runId, after: positionText(after) }));
    });
    socket.addEventListener('message', ({ data }) => inbox.put(String(data)));
    socket.addEventListener('error', () => inbox.fail(new FeedError('SOCKET', 'the socket failed')));
    socket.addEventListener('close', () => inbox.fail(new FeedError('CLOSED', 'the socket was closed')));
    try {
      for (;;) {
        const batch = batchOf(await inbox.next(), runId);
        if (batch) yield batch;
      }
    } finally {
      clearTimeout(lateOpening);
      signal.removeEventListener('abort', close);
      close();
    }
  };

/** Undefined for what is no news: an acknowledgement, another run's frames, a kind of message that is newer than this. */
function batchOf(text: string, runId: string): Batch | undefined {
  const message = messageSchema.safeParse(JSON.parse(text)).data;
  switch (message?.type) {
    case 'error':
      throw new FeedError(message.code, message.detail);
    case 'frames':
      return message.run_id === runId ? { frames: framesOf(message.frames) } : undefined;
    case 'gap':
      return message.run_id === runId ? { frames: [], oldest: message.oldest } : undefined;
    case 'subscribed':
    case undefined:
      return undefined;
  }
}

/** Texts in the order of their coming; a failure comes after what came before it. */
function mailbox() {
  const texts: string[] = [];
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  return {
    put(text: string) {
      texts.push(text);
      wake?.();
    },
    fail(error: Error) {
      failure ??= error;
      wake?.();
    },
    async next(): Promise<string> {
      for (;;) {
        const text = texts.shift();
        if (text !== undefined) return text;
        if (failure) throw failure;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
