// A plane on which somebody watches runs: frames are published, wakes are taken as a FIFO queue gives them.
import { relay } from '#core/consume-wakes.ts';
import { isNext, after, positionOf, type Position } from '#core/frame-order.ts';
import type { Subscription } from '#core/ports.ts';
import type { Frame } from '#core/progress.ts';
import { sendWake } from '#core/wake.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { frameOf } from '#test/contract/progress.contract.ts';

export const run = '01966c2e-0000-7000-8000-00000000000a';
const hourMs = 3_600_000;

export type SocketSaid =
  | { readonly type: 'frames'; readonly run_id: string; readonly frames: Frame[] }
  | { readonly type: 'gap'; readonly run_id: string; readonly oldest: Position }
  | { readonly type: 'error' | 'subscribed' | 'unsubscribed'; readonly run_id?: string; readonly code?: string };
export const saidTo = (plane: MemoryPlane, connection: string): SocketSaid[] =>
  plane.sockets.posted(connection).map((text) => JSON.parse(text) as SocketSaid);

/** What was said, in short: `1.1 1.2 gap:1.5 1.5`. */
export const inShort = (said: readonly SocketSaid[]): string =>
  said
    .map((one) => {
      if (one.type === 'frames') return one.frames.map(({ fence, seq }) => `${fence}.${seq}`).join(' ');
      return one.type === 'gap' ? `gap:${one.oldest.fence}.${one.oldest.seq}` : one.type;
    })
    .join(' ');

/** Somebody who takes what is next, drops what he has seen, and notices a hole of which nobody said anything. */
export function watcher(from: Position = { fence: 0, seq: 0 }) {
  const seen = { at: from, frames: [] as Frame[], holes: 0, doubles: 0 };
  return {
    seen,
    hear(said: SocketSaid): void {
      if (said.type === 'gap') seen.at = { ...said.oldest, seq: said.oldest.seq - 1 };
      for (const frame of said.type === 'frames' ? said.frames : []) {
        if (!after(seen.at)(frame)) {
          seen.doubles += 1;
          continue;
        }
        if (!isNext(seen.at, frame) && frame.seq !== seen.at.seq + 1) seen.holes += 1;
        seen.at = positionOf(frame);
        seen.frames.push(frame);
      }
    },
  };
}

let counter = 0;
/** As the door of the WebSockets does it. */
export async function subscribe(
  plane: MemoryPlane,
  connection: string,
  {
    from = { fence: 0, seq: 0 },
    of = run,
    expiresInMs = hourMs,
  }: { from?: Position; of?: string; expiresInMs?: number } = {},
): Promise<Subscription> {
  counter += 1;
  const expiresAtMs = plane.clock.nowMs() + expiresInMs;
  const subscription = { connection, position: from, expiresAtMs, fresh: `fresh-${counter}` };
  const row = await plane.connections.read(connection);
  await plane.connections.write({
    id: connection,
    rev: (row?.rev ?? 0) + 1,
    tenant: 'acme',
    actor: { kind: 'human', id: 'anna' },
    roles: ['viewer'],
    openedMs: plane.clock.nowMs(),
    tokenExpiresAtMs: expiresAtMs,
    subscriptions: [...new Set([...(row?.subscriptions ?? []), of])],
  });
  await plane.subscriptions.set(of, subscription);
  await sendWake(plane.queues, of, { cause: `subscribed-${counter}` });
  return subscription;
}

/** A plane on which `connections` are open and watch the run from its beginning. */
export async function watched(...connections: string[]): Promise<MemoryPlane> {
  const plane = memoryPlane();
  for (const connection of connections) {
    plane.sockets.open(connection);
    await subscribe(plane, connection);
  }
  return plane;
}

/** Publishes `FENCE.SEQ`, or `FENCE.SEQ=STATE`. */
export async function publish(plane: MemoryPlane, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    const [at = '', state = 'running'] = text.split('=');
    const [fence = 0, seq = 0] = at.split('.').map(Number);
    await plane.progress.publish(frameOf(run, [fence, seq], { state: state as Frame['state'] }));
  }
}

/** Takes all wakes there are, one invocation after another; resolves with how many came back. */
export async function relayAll(plane: MemoryPlane, batch = 10): Promise<number> {
  let returned = 0;
  for (let wakes = plane.queues.receive('progress', batch); wakes.length > 0;) {
    const failed = await relay(plane, wakes);
    returned += failed.length;
    for (const wake of wakes) if (!failed.includes(wake.id)) plane.queues.acknowledge('progress', wake.receipt);
    wakes = plane.queues.receive('progress', batch);
  }
  return returned;
}
