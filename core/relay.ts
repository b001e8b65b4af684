/**
 * The relay: from the stream of a run to the WebSockets of those who watch it.
 *
 *   subscribe  ->  position in `ws:subs:{run}`  ->  wake  ->  relay: positions, frames, post, advance
 *   publish    ->  stream  ->  is there a `ws:subs:{run}`?  ->  wake  ->  the same
 *
 * Guarantees. History and live frames go the same way, from the stream and by one relay a run, so they cannot overtake
 * each other. A connection is posted what lies beyond its position, in order, and its position is moved on after each
 * post: a relay that dies in between posts that message again, and whoever watches drops by `core/frame-order.ts` what he
 * has seen. What the stream has lost is said (`gap`), never passed over. The last frame comes even if the stream lost it,
 * from the row.
 *
 * Traps. Whoever subscribes anew while he is being served has changed his subscription, and the relay, which notices by
 * the position that it cannot move on, leaves the rest to the wake of that new subscription. The row is read before the
 * stream: a run that was over then had put all its frames into the stream.
 */
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { dropConnection, endSubscription } from './connections.ts';
import { toMs } from './duration.ts';
import { toFailure } from './errors.ts';
import { comparePositions, positionText, withTerminal, type Position } from './frame-order.ts';
import { lastOf, messagesBeyond, type SocketMessage } from './frame-messages.ts';
import { allSettled } from './lanes.ts';
import type { Live, Plane } from './plane.ts';
import type { Subscription } from './ports.ts';
import { terminalFrame, type Frame } from './progress.ts';
import { isTerminal } from './run.ts';

export type RelayPorts = Pick<Plane, 'ledger' | 'progress' | 'clock' | 'log' | 'metrics' | 'queues'> & Live;

/** One wake's work on one run. */
interface Relaying {
  readonly ports: RelayPorts;
  readonly run: string;
  /** The terminal frame as the row has it, where the row was looked at and the run is over. */
  readonly terminal: Frame | undefined;
  /** When the next wake is to go on, by the monotonic clock. */
  readonly untilMs: number;
}

/**
 * Serves everybody who watches the run; `ended`: its row is to be looked at. Resolves with `more` when time was up before all had everything.
 *
 * @throws what went wrong with one of them, after all others were served.
 */
export async function relayRun(
  ports: RelayPorts,
  run: string,
  { ended }: { ended: boolean },
): Promise<'done' | 'more'> {
  const watching = await ports.subscriptions.positions(run);
  if (watching.length === 0) return 'done';
  const row = ended || watching.some(({ fresh }) => fresh !== undefined) ? await ports.ledger.read(run) : undefined;
  const relaying: Relaying = {
    ports,
    run,
    terminal: row && isTerminal(row.state) ? terminalFrame(row) : undefined,
    untilMs: ports.clock.monotonicMs() + toMs(limits.relayWithin),
  };
  const nowMs = ports.realNowMs();
  const expired = watching.filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
  const groups = Map.groupBy(
    watching.filter(({ expiresAtMs }) => expiresAtMs > nowMs),
    ({ position }) => positionText(position),
  );
  const served = await Promise.allSettled([
    ...expired.map((one) => dropConnection(ports, one.connection, { run, why: 'its token has expired', close: true })),
    ...[...groups.values()].map((group) => serveGroup(relaying, group)),
  ]);
  return outcomeOf(relaying, served);
}

function outcomeOf({ ports, run }: Relaying, served: readonly PromiseSettledResult<unknown>[]): 'done' | 'more' {
  const failed = served.find((one) => one.status === 'rejected');
  if (!failed) return served.some((one) => one.status === 'fulfilled' && one.value === 'more') ? 'more' : 'done';
  ports.log.warn(logLines.relayFailed, { run, reason: toFailure(failed.reason).message });
  throw failed.reason;
}

/** Those who stand at the same position: what lies beyond it is read and written out once for all of them. */
async function serveGroup(relaying: Relaying, group: readonly Subscription[]): Promise<'done' | 'more'> {
  const { ports, run, terminal } = relaying;
  let members = group;
  for (;;) {
    const after = members[0]!.position;
    const frames = await ports.progress.read(run, { after, limit: limits.relayPage });
    const isPage = frames.length >= limits.relayPage;
    const there = isPage ? frames : withTerminal(frames, terminal);
    const messages = messagesBeyond(run, after, there);
    const served = await allSettled(members.map((one) => serve(relaying, one, messages)));
    members = served.filter((one) => typeof one === 'object');
    const ends = isOver(lastOf(messages), after, terminal);
    if (ends) await allSettled(members.map((one) => endSubscription(ports, run, one)));
    if (served.includes('late')) return 'more';
    if (ends || !isPage || members.length === 0) return 'done';
    if (ports.clock.monotonicMs() >= relaying.untilMs) return 'more';
  }
}

/** Whether there is nothing more to come: the last frame has been posted, now or before. */
const isOver = (last: Frame | undefined, after: Position, terminal: Frame | undefined): boolean =>
  last ? isTerminal(last.state) : terminal !== undefined && comparePositions(after, terminal) >= 0;

/** Posts the messages in order; resolves with the subscription as it then stands. */
async function serve(
  relaying: Relaying,
  subscription: Subscription,
  messages: readonly SocketMessage[],
): Promise<Subscription | 'gone' | 'late'> {
  const { ports, run, untilMs } = relaying;
  let now: Subscription | undefined = subscription;
  for (const [at, message] of messages.entries()) {
    // Not before the first: however slow all is, each wake gets somebody further.
    if (at > 0 && ports.clock.monotonicMs() >= untilMs) return 'late';
    const posted = await ports.sockets.post(now.connection, message.text);
    if (posted !== 'sent') {
      const why = posted === 'gone' ? 'it is gone' : 'it did not take a message in time';
      await dropConnection(ports, now.connection, { run, why, close: posted === 'slow' });
      return 'gone';
    }
    now = await ports.subscriptions.advance(run, now, message.position);
    if (!now) return 'gone';
  }
  if (now.fresh === undefined) return now;
  return (await ports.subscriptions.advance(run, now, now.position)) ?? 'gone';
}
