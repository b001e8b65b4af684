// What the tests of the core share: rows, requests, deliveries, and a clock that is driven until a promise has settled.
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { taskContract, type TaskContract, type TaskName } from '#core/catalogue/tasks.ts';
import type { ClaimCircumstances } from '#core/claim.ts';
import { consume } from '#core/consume.ts';
import { toMs } from '#core/duration.ts';
import { blankRow, enqueue, sendPointer, type Enqueued, type EnqueueRequest } from '#core/enqueue.ts';
import { Failure } from '#core/errors.ts';
import { slotName } from '#core/ids.ts';
import { scheduleRow, type ScheduleKey, type ScheduleRow } from '#core/catalogue/schedules.ts';
import type { Actor, Run } from '#core/run.ts';
import type { AnyBodies, AnyBody } from '#core/task.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';

export const anna: Actor = { kind: 'human', id: 'user-anna' };
export const pullPayload = { connector: 'csv', dataset: 'sp500-daily', source: { key: 'inbox/sp500.csv' } } as const;
export const pullResult = {
  rowsIn: 10,
  rowsSilver: 9,
  rowsQuarantined: 1,
  duplicates: 0,
  gaps: 0,
  manifestKey: 'artifacts/m.json',
};
export const heartbeatResult = {
  state: 'clear',
  repair: 'none',
  epoch: 0,
  roundTripMs: 1,
  evictionPolicy: 'noeviction',
} as const;

/** A row as `enqueue` leaves it, changed to what a test needs. */
export function runRow(over: Partial<Run> = {}, plane: MemoryPlane = memoryPlane()): Run {
  const nowMs = plane.clock.nowMs();
  const row = blankRow(plane, { id: plane.ids.runId(), task: 'ingest.pull', tenant: 'acme', actor: anna, nowMs });
  return { ...row, payload: { inline: pullPayload }, ...over };
}

export const request = (over: Partial<EnqueueRequest<'ingest.pull'>> = {}): EnqueueRequest<'ingest.pull'> => ({
  task: 'ingest.pull',
  payload: pullPayload,
  tenant: 'acme',
  actor: anna,
  as: 'researcher',
  ...over,
});
export const ask = (plane: MemoryPlane, over: Partial<EnqueueRequest<'ingest.pull'>> = {}): Promise<Enqueued> =>
  enqueue(plane, request(over));

/** Puts a row into the ledger and its pointer into its queue, whatever its state. */
export async function place(plane: MemoryPlane, over: Partial<Run> = {}): Promise<Run> {
  const row = runRow(over, plane);
  await plane.ledger.create(row);
  await sendPointer(plane, row);
  return row;
}

export const tickBody = (schedule: string, slotMs: number): string =>
  JSON.stringify({ v: 1, schedule, slot: slotName(slotMs) });
export const sendTick = (plane: MemoryPlane, schedule: ScheduleKey, slotMs: number): Promise<void> =>
  plane.queues.send('system', { body: tickBody(schedule, slotMs), group: 'system', deduplicationId: 'none' });

export interface Delivered {
  readonly received: number;
  readonly returned: string[];
}

/** One invocation: receives what is visible, takes it through the pipeline, acknowledges what did not come back. */
export async function deliver(
  plane: MemoryPlane,
  queue: QueueName,
  options: { bodies: AnyBodies; count?: number; deadlineMs?: number },
): Promise<Delivered> {
  const timeoutMs = toMs(queueRow(queue).timeout);
  const messages = plane.queues.receive(queue, options.count ?? 10, timeoutMs + 10_000);
  const deadlineMs = options.deadlineMs ?? plane.clock.nowMs() + timeoutMs;
  const returned = await consume(plane, messages, { queue, bodies: options.bodies, deadlineMs });
  for (const message of messages) if (!returned.includes(message.id)) plane.queues.acknowledge(queue, message.receipt);
  return { received: messages.length, returned };
}

/** Moves the clock on, step by step, until `promise` has settled. */
export async function drive<T>(plane: Pick<MemoryPlane, 'clock'>, promise: Promise<T>, stepMs = 100): Promise<T> {
  let over = false;
  const settled = promise.finally(() => (over = true));
  settled.catch(() => undefined);
  for (let steps = 0; !over; steps += 1) {
    if (steps > 100_000) throw new Error('the promise does not settle, however far the clock is moved');
    await plane.clock.advance(stepMs);
  }
  return settled;
}

export const pulls = (body: AnyBody): AnyBodies => ({ 'ingest.pull': body });
export const beats = (body: AnyBody): AnyBodies => ({ 'killswitch.heartbeat': body });

export async function rowOf(plane: MemoryPlane, id: string): Promise<Run> {
  const row = await plane.ledger.read(id);
  if (!row) throw new Error(`there is no row ${id}`);
  return row;
}

export const now = (plane: MemoryPlane, over: Partial<ClaimCircumstances> = {}): ClaimCircumstances => ({
  nowMs: plane.clock.nowMs(),
  deadlineMs: plane.clock.nowMs() + 50_000,
  owner: plane.owner,
  halted: false,
  random: () => 0.5,
  ...over,
});

/** Changes a contract while `body` runs: for rules that no task of the catalogue exercises yet. */
export async function withContract<T>(
  task: TaskName,
  change: Partial<TaskContract>,
  body: () => T | Promise<T>,
): Promise<T> {
  const contract = taskContract(task) as { -readonly [K in keyof TaskContract]: TaskContract[K] };
  const before = { ...contract };
  Object.assign(contract, change);
  try {
    return await body();
  } finally {
    Object.assign(contract, before);
  }
}

/** Changes a schedule while `body` runs: for rules that no schedule of the catalogue exercises yet. */
export async function withSchedule<T>(
  key: ScheduleKey,
  change: Partial<ScheduleRow>,
  body: () => Promise<T>,
): Promise<T> {
  const row = scheduleRow(key);
  const before = { ...row };
  Object.assign(row, change);
  try {
    return await body();
  } finally {
    Object.assign(row, before);
  }
}

/** The failure that `attempt` throws; a test error when it throws none, or anything else. */
export function failureOf(attempt: () => unknown): Failure {
  try {
    attempt();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}
export const rejection = async (promise: Promise<unknown>): Promise<Failure> => {
  const [settled] = await Promise.allSettled([promise]);
  return failureOf(() => {
    if (settled.status === 'rejected') throw settled.reason;
  });
};

/** A method of a port as it is now, to be called by the one that a test puts in its place. */
export function bound<T extends object, K extends keyof T & string>(port: T, name: K): T[K] {
  const method = port[name] as unknown as (...values: unknown[]) => unknown;
  return ((...values: unknown[]) => method.apply(port, values)) as unknown as T[K];
}
