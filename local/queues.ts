// SQS and S3 in this process, by fauxqs. Its own `startFauxqs` listens on every interface, so the app it is made of is
// started here on 127.0.0.1; and its stores are handed in, because they are what tells about dead letters and depths
// without polling. The package types them but does not export the classes, hence the import by path (the version is pinned).
//
// What fauxqs 2.4.1 does not do: retention (nothing expires), queue policies, message groups on standard queues, more than
// one message of a FIFO group in one receive, StartMessageMoveTask.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildApp, type BuildAppOptions } from 'fauxqs';
import { PlaneError } from '#local/errors.ts';
import { LOOPBACK, listenError } from '#local/loopback.ts';
import type { Emit } from '#local/plane-event.ts';
import type { BucketSpec, QueueSpec } from '#local/resources.ts';

/** S3 takes at most 5 GiB in one PUT; whatever comes stays in this process's memory. */
const LARGEST_PUT_BYTES = 5 * 1024 ** 3;

type Stores = NonNullable<BuildAppOptions['stores']>;
type SqsQueue = ReturnType<Stores['sqsStore']['createQueue']>;
type Spy = NonNullable<Stores['sqsStore']['spy']>;
type SpyMessage = Parameters<Spy['addMessage']>[0];

export interface QueueDepth {
  /** Can be received now. */
  visible: number;
  delayed: number;
  /** Received and not deleted, for as long as the visibility timeout runs. */
  inFlight: number;
}

export interface Queues {
  url: string;
  create(contents: QueuesContents): void;
  depth(queueName: string): QueueDepth;
  /** Receipt handles of the messages in flight, whose visibility has not run out. */
  inFlightHandles(queueName: string): string[];
  /** When the next hidden or delayed message of a queue can be received, in wall time; undefined when there is none. */
  nextReturnMs(queueName: string): number | undefined;
  /** Lets `byMs` pass for every hidden or delayed message: the plane's clock has jumped. */
  pass(byMs: number): void;
  stop(): Promise<void>;
}

interface QueuesContents {
  queues: QueueSpec[];
  buckets: BucketSpec[];
  /** ARNs of the queues where whatever arrives is a dead letter. */
  deadLetterArns: string[];
}

interface QueuesOptions {
  port?: number | undefined;
  region: string;
  emit: Emit;
}

/** Starts SQS and S3 on 127.0.0.1. Throws PORT_TAKEN. */
export async function startQueues({ port = 0, region, emit }: QueuesOptions): Promise<Queues> {
  const stores = await createStores();
  // Without a host of its own, fauxqs builds queue URLs from the Host header: http://127.0.0.1:PORT/000000000000/NAME.
  stores.sqsStore.host = '';
  const app = buildApp({ logger: false, defaultRegion: region, stores });
  // fauxqs refuses bodies beyond 11 MiB, and not in S3's words. Its parsers of exact types, SQS's among them, stay first.
  app.addContentTypeParser(/^./, { parseAs: 'buffer', bodyLimit: LARGEST_PUT_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  const onlyForTheLiving = livingOf(app);
  try {
    await app.listen({ port, host: LOOPBACK });
  } catch (error) {
    throw listenError(error, { what: 'SQS and S3', port });
  }
  const address = app.server.address();
  const url = `http://${LOOPBACK}:${typeof address === 'object' && address ? address.port : port}`;
  const deadLetterQueues = new Set<string>();
  stores.sqsStore.spy = deadLetterSpy(deadLetterQueues, emit);
  return {
    url,
    create({ queues, buckets, deadLetterArns }) {
      for (const queue of queues) {
        onlyForTheLiving(stores.sqsStore.createQueue(queue.name, queue.url, queue.arn, queue.attributes));
        if (deadLetterArns.includes(queue.arn)) deadLetterQueues.add(queue.name);
      }
      for (const bucket of buckets) stores.s3Store.createBucket(bucket.name);
    },
    depth(name) {
      const { ready, delayed, inflight } = inspect(stores, name);
      return { visible: ready.length, delayed: delayed.length, inFlight: inflight.length };
    },
    inFlightHandles: (name) => inspect(stores, name).inflight.map((entry) => entry.receiptHandle),
    nextReturnMs(name) {
      const { delayed, inflight } = inspect(stores, name);
      const returns = [
        ...inflight.map((entry) => entry.visibilityDeadline),
        ...delayed.map(({ delayUntil = 0 }) => delayUntil),
      ];
      return returns.length > 0 ? Math.min(...returns) : undefined;
    },
    pass(byMs) {
      for (const queue of stores.sqsStore.allQueues()) {
        for (const entry of queue.inflightMessages.values()) entry.visibilityDeadline -= byMs;
        for (const message of queue.inspectMessages().delayed) message.delayUntil = (message.delayUntil ?? 0) - byMs;
      }
    },
    stop: () => app.close(),
  };
}

/** fauxqs does not see that who waits for a message has gone, and would hide the next one from everybody for its sake. */
function livingOf(app: ReturnType<typeof buildApp>): (queue: SqsQueue) => void {
  const asking = new AsyncLocalStorage<IncomingMessage>();
  app.addHook('onRequest', (request, _reply, done) => asking.run(request.raw, done));
  return (queue) => {
    const dequeue = queue.dequeue.bind(queue);
    queue.dequeue = (...options) => (asking.getStore()?.socket.destroyed ? [] : dequeue(...options));
  };
}

/** What is ready, delayed and in flight, after the timers that are due have been honoured. */
function inspect({ sqsStore }: Stores, name: string) {
  const queue = sqsStore.getQueueByName(name);
  if (!queue)
    throw new PlaneError(
      'UNKNOWN_NAME',
      `There is no queue ${name} on this plane. Take a name from plane.resources.queues.`,
    );
  queue.processTimers();
  return queue.inspectMessages();
}

/** Hears of every message that enters a queue; those that enter a dead-letter queue become events. */
function deadLetterSpy(deadLetterQueues: Set<string>, emit: Emit): Spy {
  const addMessage = (message: SpyMessage): void => {
    if (message.service !== 'sqs' || message.status !== 'published' || !deadLetterQueues.has(message.queueName)) return;
    emit({ type: 'dead-letter', queue: message.queueName, messageId: message.messageId, body: message.body });
  };
  // fauxqs only ever calls addMessage on a spy.
  return { addMessage } as Spy;
}

async function createStores(): Promise<Stores> {
  const manifest = findPackageJSON('fauxqs', import.meta.url);
  if (!manifest) throw new PlaneError('START_FAILED', 'The package fauxqs is not installed. Run `npm run setup`.');
  const load = (path: string): Promise<Record<string, new () => never>> =>
    import(pathToFileURL(join(dirname(manifest), 'dist', path)).href);
  const [sqs, sns, s3] = await Promise.all([load('sqs/sqsStore.js'), load('sns/snsStore.js'), load('s3/s3Store.js')]);
  const make = (Store: (new () => never) | undefined): never => {
    if (Store) return new Store();
    throw new PlaneError(
      'START_FAILED',
      'fauxqs has another inside than version 2.4.1. Install the locked version with `npm ci`.',
    );
  };
  return { sqsStore: make(sqs['SqsStore']), snsStore: make(sns['SnsStore']), s3Store: make(s3['S3Store']) };
}
