import * as z from 'zod';
import { limits } from './catalogue/limits.ts';
import { isQueueName, type QueueName } from './catalogue/queues.ts';
import { isScheduleKey, type ScheduleKey } from './catalogue/schedules.ts';
import { isTaskName, taskContract, type TaskName } from './catalogue/tasks.ts';
import { Failure } from './errors.ts';

/** The version that this code writes. It reads this one and, from 2 on, the one before. */
export const envelopeVersion = 1;

const short = z.string().min(1).max(64);
const traceparent = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/, 'is not a W3C traceparent');
const pointerSchema = z.strictObject({
  v: z.literal(envelopeVersion),
  run: z.uuid(),
  generation: z.int().min(1),
  send: z.int().min(1),
  tenant: short,
  cell: short,
  queue: short,
  task: short,
  traceparent,
  hops: z.int().min(0),
});
const tickSchema = z.strictObject({
  v: z.literal(envelopeVersion),
  schedule: short,
  slot: z.iso.datetime({ offset: false }),
});

/** A message about a run: which row, and which of its sends this is. The row is the truth. */
export interface Pointer {
  readonly v: typeof envelopeVersion;
  readonly run: string;
  readonly generation: number;
  readonly send: number;
  readonly tenant: string;
  readonly cell: string;
  readonly queue: QueueName;
  readonly task: TaskName;
  readonly traceparent: string;
  readonly hops: number;
}

/** A message from the scheduler: a schedule's slot has come. */
export interface Tick {
  readonly v: typeof envelopeVersion;
  readonly schedule: ScheduleKey;
  readonly slotMs: number;
}

export type Message =
  | { readonly kind: 'pointer'; readonly pointer: Pointer }
  | { readonly kind: 'tick'; readonly tick: Tick };

/**
 * Reads the body of a queue message that arrived on `queue`.
 *
 * @throws Failure MESSAGE_MALFORMED, MESSAGE_VERSION_NEWER (retried: a newer release wrote it), TASK_UNKNOWN,
 *   SCHEDULE_UNKNOWN, HOPS_EXCEEDED, TICK_MISPLACED.
 */
export function parseMessage(body: string, queue: QueueName): Message {
  const value = parseJson(body);
  checkVersion(value);
  return 'schedule' in value
    ? { kind: 'tick', tick: parseTick(value, queue) }
    : { kind: 'pointer', pointer: parsePointer(value, queue) };
}

/** The body of a pointer, as it is sent. */
export const pointerBody = (pointer: Pointer): string => JSON.stringify(pointer);

function parseJson(body: string): Record<string, unknown> {
  const bytes = new TextEncoder().encode(body).length;
  if (bytes > limits.messageBytes) {
    throw malformed(`it is ${bytes} bytes long, more than the ${limits.messageBytes} that a pointer or tick can have`);
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw malformed(`it is not JSON: ${JSON.stringify(body.slice(0, 80))}`, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('it is JSON, but not an object');
  return value as Record<string, unknown>;
}

function checkVersion(value: Record<string, unknown>): void {
  const version = value['v'];
  if (version === envelopeVersion) return;
  if (typeof version === 'number' && Number.isInteger(version) && version > envelopeVersion) {
    throw new Failure(
      'MESSAGE_VERSION_NEWER',
      `the message has version ${version}, newer than the ${envelopeVersion} known here: it is handed back for a newer release`,
    );
  }
  throw malformed(`its version is ${JSON.stringify(version)}; this release reads ${envelopeVersion}`);
}

function parsePointer(value: Record<string, unknown>, queue: QueueName): Pointer {
  const { task, queue: named, ...rest } = parseWith(pointerSchema, value);
  if (!isTaskName(task))
    throw new Failure(
      'TASK_UNKNOWN',
      `the message names the task ${JSON.stringify(task)}, which the catalogue does not have`,
    );
  if (!isQueueName(named) || named !== queue || taskContract(task).queue !== queue) {
    throw malformed(`it arrived on the queue ${queue}, but names ${JSON.stringify(named)} and the task ${task}`);
  }
  if (rest.hops > limits.maximumHops) {
    throw new Failure(
      'HOPS_EXCEEDED',
      `the message has ${rest.hops} hops, more than the ${limits.maximumHops} allowed: runs that start each other in a loop?`,
    );
  }
  return { ...rest, task, queue: named };
}

function parseTick(value: Record<string, unknown>, queue: QueueName): Tick {
  const { schedule, slot } = parseWith(tickSchema, value);
  if (queue !== 'system')
    throw new Failure(
      'TICK_MISPLACED',
      `a tick of ${JSON.stringify(schedule)} arrived on the queue ${queue}; ticks belong on system`,
    );
  if (!isScheduleKey(schedule)) {
    throw new Failure(
      'SCHEDULE_UNKNOWN',
      `a tick names the schedule ${JSON.stringify(schedule)}, which the catalogue does not have: was a schedule left behind?`,
    );
  }
  return { v: envelopeVersion, schedule, slotMs: Date.parse(slot) };
}

function parseWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw malformed(describeIssues(parsed.error));
}

/** An issue may quote all of its input, three hundred unknown keys for instance. */
const longestIssue = 200;

/** The first few issues of a schema, in words: `payload.rows: expected number, received string`. */
export function describeIssues(error: z.ZodError, limit = 4): string {
  const words = error.issues
    .slice(0, limit)
    .map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`.slice(0, longestIssue));
  const more = error.issues.length - words.length;
  return words.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function malformed(reason: string, cause?: unknown): Failure {
  return new Failure('MESSAGE_MALFORMED', `the message is not one of ours: ${reason}`, { cause });
}
