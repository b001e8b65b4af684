/**
 * Messages of a WebSocket: `subscribe` and `unsubscribe`.
 *
 * To subscribe is to write down behind which frame the connection stands, and to wake the relay: it sends what there was,
 * and later what comes. So nothing is read here that could come to the client in another order than the rest. The
 * answers are posted as everything else is; `subscribed` goes out before the position stands, so before any frame.
 */
import * as z from 'zod';
import { limits } from '#core/catalogue/limits.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { routes } from '#core/catalogue/routes.ts';
import { untilWritten } from '#core/conflict.ts';
import { dropConnection } from '#core/connections.ts';
import { positionIn } from '#core/follow.ts';
import { comparePositions, positionText } from '#core/frame-order.ts';
import type { Connection } from '#core/ports.ts';
import { terminalFrame } from '#core/progress.ts';
import { isTerminal } from '#core/run.ts';
import { sendWake } from '#core/wake.ts';
import { authorise } from '#gateway/identity/authorise.ts';
import { parsed } from '#gateway/parse.ts';
import { Problem, problemOf } from '#gateway/problem.ts';
import { visibleRun } from '#gateway/rights.ts';
import type { SocketPorts } from './ports.ts';

const runId = z.string().max(64);
const subscribeSchema = z.strictObject({
  action: z.literal('subscribe'),
  run_id: runId,
  /** The last frame that the client has: `FENCE.SEQ`, or `SEQ` of the newest claim. */
  after: z.string().max(40).optional(),
});
const unsubscribeSchema = z.strictObject({ action: z.literal('unsubscribe'), run_id: runId });
const messageSchema = z.discriminatedUnion('action', [subscribeSchema, unsubscribeSchema]);
type Message = z.output<typeof messageSchema>;

/** Takes one message; what is wrong with it is said to its sender. Throws only when not even that is possible. */
export async function receive(
  ports: SocketPorts,
  { connection, body }: { connection: string; body: string },
): Promise<void> {
  const row = await ports.connections.read(connection);
  if (!row) return ports.sockets.close(connection);
  if (row.tokenExpiresAtMs <= ports.realNowMs()) return expire(ports, connection);
  let run: string | undefined;
  try {
    await count(ports, connection);
    const message = messageOf(body);
    run = message.run_id;
    if (message.action === 'subscribe') await subscribe(ports, row, message);
    else await unsubscribe(ports, row, message.run_id);
  } catch (thrown) {
    await refuse(ports, thrown, { connection, run });
  }
}

async function expire(ports: SocketPorts, connection: string): Promise<void> {
  await say(ports, connection, {
    type: 'error',
    code: 'UNAUTHENTICATED',
    detail: 'The token has expired: connect again, with a new one',
  });
  await dropConnection(ports, connection, { why: 'its token has expired', close: true });
}

/** @throws Problem RATE_LIMITED */
async function count({ rate }: SocketPorts, connection: string): Promise<void> {
  const { waitMs } = await rate.take(`socket/${connection}`, limits.socketMessages);
  if (waitMs <= 0) return;
  throw new Problem(
    'RATE_LIMITED',
    `a connection may send ${limits.socketMessages.perSecond} messages a second: wait ${waitMs} ms`,
  );
}

/** @throws Problem REQUEST_INVALID */
function messageOf(body: string): Message {
  if (body.length > limits.socketMessageLength) {
    throw new Problem('REQUEST_INVALID', `the message is longer than ${limits.socketMessageLength} characters`);
  }
  try {
    return parsed(messageSchema, JSON.parse(body), 'body');
  } catch (cause) {
    const why = cause instanceof Problem ? cause.message : 'it is not JSON';
    const example = '{"action":"subscribe","run_id":"..."}';
    throw new Problem('REQUEST_INVALID', `the message is not understood: ${why}; send ${example}, or unsubscribe`);
  }
}

async function subscribe(
  ports: SocketPorts,
  row: Connection,
  { run_id, after }: z.output<typeof subscribeSchema>,
): Promise<void> {
  authorise(row, routes.followRun);
  const run = await visibleRun(ports, row, run_id);
  const position = positionIn(run, after);
  const ended = isTerminal(run.state) && comparePositions(position, terminalFrame(run)) >= 0;
  if (!ended) await note(ports, row.id, (runs) => [...runs, run_id]);
  const told = await say(ports, row.id, {
    type: 'subscribed',
    run_id,
    after: positionText(position),
    state: run.state,
    // Whoever has the last frame is told that it was the last.
    ...(ended ? { ended } : {}),
    expires_at: new Date(row.tokenExpiresAtMs).toISOString(),
  });
  if (ended || told === 'gone') return;
  const fresh = ports.ids.runId();
  await ports.subscriptions.set(run_id, { connection: row.id, position, expiresAtMs: row.tokenExpiresAtMs, fresh });
  await sendWake(ports.queues, run_id, { cause: `subscribed-${fresh}` });
}

async function unsubscribe(ports: SocketPorts, { id }: Connection, run: string): Promise<void> {
  await ports.subscriptions.remove(run, id);
  await note(ports, id, (runs) => runs.filter((one) => one !== run));
  await say(ports, id, { type: 'unsubscribed', run_id: run });
}

/** Writes on the connection's row what it watches: whoever cleans up looks there. @throws Problem RATE_LIMITED */
async function note(
  { connections }: SocketPorts,
  id: string,
  change: (runs: readonly string[]) => readonly string[],
): Promise<void> {
  await untilWritten(`connection ${id}`, async () => {
    const row = await connections.read(id);
    const subscriptions = [...new Set(change(row?.subscriptions ?? []))];
    if (!row || subscriptions.join() === row.subscriptions.join()) return 'as it is';
    if (subscriptions.length > limits.subscriptionsAConnection) throw tooMany();
    const written = await connections.write({ ...row, rev: row.rev + 1, subscriptions });
    return written === 'written' ? written : undefined;
  });
}
const tooMany = (): Problem =>
  new Problem(
    'RATE_LIMITED',
    `a connection may watch ${limits.subscriptionsAConnection} runs: unsubscribe from one, or open another`,
  );

async function refuse(
  ports: SocketPorts,
  thrown: unknown,
  { connection, run }: { connection: string; run: string | undefined },
): Promise<void> {
  const { code, detail, status } = problemOf(thrown, '').body;
  if (status >= 500) ports.log.warn(logLines.requestFailed, { path: '$default', connection, code, detail });
  await say(ports, connection, { type: 'error', code, detail, ...(run === undefined ? {} : { run_id: run }) });
}

/** Whoever does not take an answer is dropped as one who takes no frames. */
async function say(ports: SocketPorts, connection: string, message: object): Promise<'sent' | 'gone'> {
  const posted = await ports.sockets.post(connection, JSON.stringify(message));
  if (posted === 'sent') return posted;
  await dropConnection(ports, connection, { why: `it is ${posted}`, close: posted === 'slow' });
  return 'gone';
}
