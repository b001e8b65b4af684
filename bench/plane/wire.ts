// What goes over the wire, counted where it is sent: Node tells of each HTTP request (a retry is one more), ioredis of each
// command. Nothing of ours is wrapped or replaced. Telling costs time of its own, so counting runs are not timing runs.
import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

export interface Traffic {
  /** How often each operation was sent, `DynamoDB.PutItem` or `Redis.get`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Time during which at least one answer was outstanding, milliseconds. */
  readonly waitedMs: number;
}
export interface Wire {
  /** What there was since the last call, or since the start. */
  take(): Traffic;
  stop(): void;
}

/** Commands that are sent in one write with the one before them: of a frame's XADD, EXPIRE, PUBLISH one round trip. */
const pipelined = new Set(['Redis.expire', 'Redis.publish']);
/** The round trips among `counts`. */
export const roundTrips = (counts: Traffic['counts']): number =>
  Object.entries(counts).reduce((sum, [operation, count]) => (pipelined.has(operation) ? sum : sum + count), 0);

/** Listens until it is stopped. */
export function watchWire(): Wire {
  const tally = newTally();
  const listeners: [string, ChannelListener][] = [
    [
      'http.client.request.start',
      (message) => tally.sent(operationOf((message as { request: ClientRequest }).request)),
    ],
    // Told when the head of the answer is there; the bodies are small and come with it.
    ['http.client.response.finish', () => tally.answered()],
    ['http.client.request.error', () => tally.answered()],
    ['tracing:ioredis:command:start', (message) => tally.sent(`Redis.${(message as { command: string }).command}`)],
    ['tracing:ioredis:command:asyncEnd', () => tally.answered()],
  ];
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return {
    take: () => tally.take(),
    stop() {
      for (const [channel, listener] of listeners) unsubscribe(channel, listener);
    },
  };
}

function newTally() {
  let counts: Record<string, number> = {};
  let outstanding = 0;
  let waitedMs = 0;
  let sinceMs = 0;
  return {
    sent(operation: string): void {
      counts[operation] = (counts[operation] ?? 0) + 1;
      if (outstanding === 0) sinceMs = performance.now();
      outstanding += 1;
    },
    answered(): void {
      outstanding -= 1;
      if (outstanding === 0) waitedMs += performance.now() - sinceMs;
    },
    take(): Traffic {
      const taken = { counts, waitedMs };
      counts = {};
      waitedMs = 0;
      return taken;
    },
  };
}

const services: Readonly<Record<string, string>> = {
  DynamoDB_20120810: 'DynamoDB',
  AmazonSQS: 'SQS',
  AWSEvents: 'EventBridge',
};

/** AWS's JSON protocols name the operation in a header; what has none is S3, by its verb. */
function operationOf(request: ClientRequest): string {
  const target = request.getHeader('x-amz-target');
  if (typeof target !== 'string') return `S3.${request.method}`;
  const [service = '', operation = ''] = target.split('.');
  return `${services[service] ?? service}.${operation}`;
}
