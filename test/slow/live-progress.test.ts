// Ten thousand frames to fifty who come and go: real Valkey and SQS between them, the doors and the relay as they are.
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { relay } from '#core/consume-wakes.ts';
import { positionText } from '#core/frame-order.ts';
import type { Frame } from '#core/progress.ts';
import type { RelayPorts } from '#core/relay.ts';
import { socketDoor } from '#gateway/sockets/door.ts';
import { memoryRate } from '#memory/gateway.ts';
import { memoryPlane } from '#memory/plane.ts';
import { runtimeClock } from '#runtime/clock.ts';
import { runtimeProgress } from '#runtime/progress.ts';
import { runtimeQueues } from '#runtime/queues.ts';
import { runtimeSubscriptions } from '#runtime/subscriptions.ts';
import { frameOf } from '#test/contract/progress.contract.ts';
import { sqsAndS3 } from '#test/contract/support/aws.ts';
import { switchOn } from '#test/contract/support/redis.ts';
import { startValkey, type Valkey } from '#test/contract/support/valkey.ts';
import { run, watcher, type SocketSaid } from '#test/unit/core/relay-support.ts';
import { runRow } from '#test/unit/core/support.ts';

const frames = 10_000;
const watchers = 50;

const servers = await sqsAndS3();
let valkey: Valkey;
beforeAll(async () => void (valkey = await startValkey()));
afterAll(() => valkey.stop());

function world() {
  const { connection } = switchOn(valkey.port);
  const urls = { progress: servers.queue('progress') };
  const clock = runtimeClock();
  const queues = runtimeQueues(servers.sqs, urls);
  const subscriptions = runtimeSubscriptions(connection);
  const plane = memoryPlane();
  const ports = {
    ...plane,
    clock,
    queues,
    subscriptions,
    progress: runtimeProgress(connection, queues),
    rate: memoryRate(clock),
    realNowMs: Date.now,
    identity: {
      // Each watcher is somebody: one caller may not open so many WebSockets.
      caller: async (authorization = '') => ({
        actor: { kind: 'human' as const, id: authorization.replace('Bearer ', '') },
        tenant: 'acme',
        roles: ['viewer' as const],
        issuer: 'entra',
        expiresAtMs: Date.now() + 3_600_000,
      }),
    },
  };
  return { ports, plane, door: socketDoor(ports), url: urls.progress.queue };
}
type World = ReturnType<typeof world>;

/** One poller of the event source mapping; what comes back is made visible by the relay itself. */
async function poll(sqs: SQSClient, { ports, url }: { ports: RelayPorts; url: string }, over: AbortSignal) {
  while (!over.aborted) {
    const { Messages: messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 30 }),
    );
    const received = messages.map(({ MessageId: id = '', Body: body = '', ReceiptHandle: receipt = '' }) => ({
      id,
      body,
      receipt,
      receives: 1,
    }));
    const failed = await relay(ports, received);
    for (const { id, receipt } of received)
      if (!failed.includes(id)) await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receipt }));
  }
}

/** Servers and clients share one process here, and Redis has 250 ms to answer in: what is late is published again. */
async function published({ progress }: Pick<RelayPorts, 'progress'>, frame: Frame): Promise<void> {
  for (;;) {
    const [done] = await Promise.allSettled([progress.publish(frame)]);
    if (done.status === 'fulfilled') return;
  }
}

/** Watches to the end, and is cut off at random; whoever it tells of that, and whoever it does not. */
async function watch({ door, plane }: World, name: string) {
  const person = { ...watcher(), connections: 0, gaps: 0 };
  const isOver = () => person.seen.frames.at(-1)?.state === 'succeeded';
  const event = (eventType: string, connectionId: string, more: object = {}) =>
    door({ requestContext: { eventType, connectionId }, ...more });
  while (!isOver()) {
    person.connections += 1;
    const id = `${name}-${person.connections}`;
    await event('CONNECT', id, { multiValueHeaders: { 'Sec-WebSocket-Protocol': [`alphaswarm.v1, bearer.${name}`] } });
    plane.sockets.open(id, (text) => {
      const said = JSON.parse(text) as SocketSaid;
      if (said.type === 'gap') person.gaps += 1;
      person.hear(said);
    });
    const after = positionText(person.seen.at);
    await event('MESSAGE', id, { body: JSON.stringify({ action: 'subscribe', run_id: run, after }) });
    const untilMs = performance.now() + 200 + Math.random() * 3000;
    while (!isOver() && performance.now() < untilMs) await sleep(10);
    if (isOver()) break;
    plane.sockets.lose(id);
    if (Math.random() < 0.5) await Promise.allSettled([event('DISCONNECT', id)]);
    await sleep(Math.random() * 500);
  }
  return person;
}

it('every one saw a dense, ordered sequence', async () => {
  const made = world();
  const { ports, plane, url } = made;
  await plane.ledger.create(runRow({ id: run, state: 'running', fence: 1 }));
  const over = new AbortController();
  const pollers = [0, 1].map(() => poll(servers.sqs, { ports, url }, over.signal));
  const beganMs = performance.now();
  const watching = Array.from({ length: watchers }, (_, n) => watch(made, `watcher-${n}`));
  for (let seq = 1; seq < frames; seq += 1) await published(ports, frameOf(run, [1, seq], { done: seq }));
  const publishedMs = performance.now() - beganMs;
  await published(ports, frameOf(run, [1, frames], { state: 'succeeded' }));
  const people = await Promise.all(watching);
  const seconds = (performance.now() - beganMs) / 1000;
  over.abort();
  await Promise.all(pollers);
  const wanted = Array.from({ length: frames }, (_, n) => n + 1);
  for (const { seen, gaps } of people) {
    expect([seen.holes, gaps]).toEqual([0, 0]);
    expect(seen.frames.map(({ seq }) => seq)).toEqual(wanted);
  }
  const sum = (of: (one: (typeof people)[number]) => number) => people.reduce((total, one) => total + of(one), 0);
  const connections = sum((one) => one.connections);
  const doubles = sum(({ seen }) => seen.doubles);
  expect(connections).toBeGreaterThan(watchers * 2);
  process.stdout.write(
    `${frames} frames to ${watchers} watchers over ${connections} connections: ${seconds.toFixed(1)} s, published in ${(publishedMs / 1000).toFixed(1)} s, ${doubles} posted twice and dropped\n`,
  );
}, 280_000);
