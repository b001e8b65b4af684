import { limits } from './catalogue/limits.ts';
import type { CallbackTarget } from './catalogue/callbacks.ts';
import { queueRow } from './catalogue/queues.ts';
import type { ScheduleKey } from './catalogue/schedules.ts';
import { storeKey } from './catalogue/stores.ts';
import { taskContract, type PayloadInputOf, type StartableBy, type TaskName } from './catalogue/tasks.ts';
import { toMs } from './duration.ts';
import { envelopeVersion, pointerBody } from './envelope.ts';
import { Failure } from './errors.ts';
import { fold } from './fold.ts';
import { requestRunId } from './ids.ts';
import { kickFamily } from './kick.ts';
import { haltsWork, readSwitch } from './kill-switch.ts';
import { parsePayload, refuseSecrets } from './payload.ts';
import type { Plane } from './plane.ts';
import type { Actor, Folded, Run } from './run.ts';

export interface EnqueueRequest<T extends TaskName = TaskName> {
  readonly task: T;
  readonly payload: PayloadInputOf<T>;
  readonly tenant: string;
  readonly actor: Actor;
  /** In which role the actor asks; the contract says who may. */
  readonly as: StartableBy;
  /** The same key from the same actor is the same run. */
  readonly idempotencyKey?: string;
  /** Of a run without a key: its id, where it had to be known before the row is. */
  readonly id?: string;
  readonly notBeforeMs?: number;
  /** Whom to tell when the run has ended. */
  readonly callback?: CallbackTarget;
  /** Of the run that asks, if one does; hops are counted from it. */
  readonly parent?: Pick<Run, 'hops' | 'traceparent'>;
  /** What it does by hand is otherwise this schedule's to do. It is nobody's slot. */
  readonly schedule?: ScheduleKey;
  /** Of a tick: its id is a function of these two. */
  readonly slot?: { readonly id: string; readonly schedule: ScheduleKey; readonly slotMs: number };
}
export interface Enqueued {
  readonly run: Run;
  /** Whether this call made the run; asking for the same thing twice does not. */
  readonly created: boolean;
  /** False when the row stands and its message is the reaper's to send, within two minutes. */
  readonly sent: boolean;
}

/**
 * The one way in: writes the row, then sends its pointer. In a halt the row is `held` (or `skipped`, as its contract
 * says) and nothing is sent.
 *
 * @throws Failure PAYLOAD_INVALID, SECRET_IN_PAYLOAD, HOPS_EXCEEDED, IDEMPOTENCY_CONFLICT, CONFIGURATION_INVALID (the role may not start
 *   it), KILL_SWITCH_UNKNOWN (nothing was written).
 */
export async function enqueue<T extends TaskName>(plane: Plane, request: EnqueueRequest<T>): Promise<Enqueued> {
  const contract = taskContract(request.task);
  if (!contract.startableBy.includes(request.as)) {
    throw new Failure(
      'CONFIGURATION_INVALID',
      `${request.task} may be started by ${contract.startableBy.join(', ')}; ${request.actor.id} asked as ${request.as}`,
    );
  }
  checkCaller(request);
  refuseSecrets(`the payload of ${request.task}`, request.payload);
  if (request.callback) refuseSecrets(`the callback of ${request.task}`, request.callback);
  const payload = parsePayload(request.task, request.payload);
  const row = await newRow(plane, request, payload);
  const created = (await plane.ledger.create(row)) === 'created';
  if (!created) return { run: await existing(plane, row), created, sent: false };
  const isDue = row.state === 'queued' && row.notBeforeMs <= plane.clock.nowMs() && !leftToTheReaper(request);
  const sent = isDue ? await sendQuietly(plane, row) : false;
  return { run: row, created, sent };
}

/**
 * To `system` nobody but the plane's own system function sends, or a message there would not prove that a schedule was
 * due: housekeeping that somebody asks for is a row, and the reaper sends it.
 */
const leftToTheReaper = ({ task, slot }: EnqueueRequest): boolean =>
  taskContract(task).queue === 'system' && slot === undefined;

/** Tenant and actor become part of keys and of every message: a slash or a novel in one would break both. */
function checkCaller({ tenant, actor, idempotencyKey }: EnqueueRequest): void {
  const words = { tenant, actor: actor.id, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
  for (const [what, word] of Object.entries(words)) {
    if (/^[\w.:@-]{1,64}$/.test(word) && !word.startsWith('.')) continue;
    throw new Failure(
      'CONFIGURATION_INVALID',
      `${what} ${JSON.stringify(word.slice(0, 80))} is not 1 to 64 letters, digits, or . _ : @ -: correct it in the request`,
    );
  }
}

async function newRow(plane: Plane, request: EnqueueRequest, payload: unknown): Promise<Run> {
  const { task, tenant, actor, slot, parent } = request;
  const nowMs = plane.clock.nowMs();
  const notBeforeMs = request.notBeforeMs ?? nowMs;
  const id = runIdOf(plane, request);
  const payloadHash = plane.ids.named(`payload/${JSON.stringify(payload)}`);
  const birth = await stateAtBirth(plane, task);
  return {
    ...blankRow(plane, { id, task, tenant, actor, nowMs }),
    // Under its own hash: asked for again with another payload, a run keeps the one it was made with.
    payload: await fold(plane.artefacts, storeKey('payloads', tenant, id, `${payloadHash}.json`), payload),
    payloadHash,
    hops: hopsOf(task, parent),
    ...(parent ? { traceparent: parent.traceparent } : {}),
    notBeforeMs,
    // A run for later has no message yet: the reaper sends it at its time.
    checkAfterMs: notBeforeMs > nowMs || leftToTheReaper(request) ? notBeforeMs : nowMs + toMs(limits.sendOverdueAfter),
    ...(request.schedule === undefined ? {} : { schedule: request.schedule }),
    ...(slot ? { schedule: slot.schedule, slotMs: slot.slotMs } : {}),
    ...(request.callback ? { callback: request.callback } : {}),
    ...bornAs(birth, nowMs, request),
  };
}

function hopsOf(task: TaskName, parent: EnqueueRequest['parent']): number {
  const hops = parent ? parent.hops + 1 : 0;
  if (hops <= limits.maximumHops) return hops;
  throw new Failure(
    'HOPS_EXCEEDED',
    `${task} would be hop ${hops} of a chain, more than the ${limits.maximumHops} allowed: runs that start each other in a loop?`,
  );
}

function runIdOf(plane: Plane, { slot, idempotencyKey, id, tenant, actor }: EnqueueRequest): string {
  if (slot) return slot.id;
  if (idempotencyKey === undefined) return id ?? plane.ids.runId();
  return requestRunId(plane.ids, { cell: plane.cell, tenant, actor: actor.id }, idempotencyKey);
}

type Birth = 'queued' | 'held' | 'skipped';
function bornAs(birth: Birth, nowMs: number, { callback }: Pick<EnqueueRequest, 'callback'>): Partial<Run> {
  switch (birth) {
    case 'queued':
      return { state: 'queued' };
    case 'held':
      return { state: 'held', checkAfterMs: nowMs };
    case 'skipped':
      // Over before it began; the reaper tells whoever waits to be told.
      return {
        state: 'skipped',
        settledMs: nowMs,
        outcome: { code: 'halted' },
        ...(callback ? { outbox: ['callback'], checkAfterMs: nowMs } : {}),
      };
  }
}

/** A row that nobody has touched yet: first generation, no attempt, no claim. */
export function blankRow(
  plane: Pick<Plane, 'cell' | 'ids'>,
  of: { id: string; task: TaskName; tenant: string; actor: Actor; nowMs: number },
): Run {
  const empty: Folded = { inline: {} };
  return {
    v: 1,
    id: of.id,
    rev: 1,
    tenant: of.tenant,
    cell: plane.cell,
    task: of.task,
    queue: taskContract(of.task).queue,
    actor: of.actor,
    payload: empty,
    payloadHash: plane.ids.named('payload/{}'),
    state: 'queued',
    attempt: 0,
    starts: 0,
    generation: 1,
    fence: 0,
    send: 1,
    hops: 0,
    traceparent: plane.ids.traceparent(),
    createdMs: of.nowMs,
    notBeforeMs: of.nowMs,
    checkAfterMs: of.nowMs + toMs(limits.sendOverdueAfter),
    outbox: [],
    frames: 0,
  };
}

async function stateAtBirth(plane: Plane, task: TaskName): Promise<Birth> {
  const contract = taskContract(task);
  const reading = await readSwitch(plane);
  if (reading.state === 'unknown') {
    throw new Failure(
      'KILL_SWITCH_UNKNOWN',
      `${task} was not enqueued: ${reading.why}. Nothing was written; ask again`,
    );
  }
  if (!haltsWork(reading, { queue: contract.queue, task }) || contract.whenHalted === 'run') return 'queued';
  return contract.whenHalted === 'skip' ? 'skipped' : 'held';
}

async function existing(plane: Plane, wanted: Run): Promise<Run> {
  const row = await plane.ledger.read(wanted.id);
  if (!row) throw new Failure('LEDGER_CONFLICT', `run ${wanted.id} exists and cannot be read: ask again`);
  if (row.task === wanted.task && row.payloadHash === wanted.payloadHash) return row;
  throw new Failure(
    'IDEMPOTENCY_CONFLICT',
    `run ${wanted.id} was asked for before with another task or payload: use a new idempotency key for a new request`,
  );
}

/** SQS delays a message by no more; what is due later the reaper sends at its time. */
const longestDelayMs = 900_000;

/**
 * Sends the row's pointer, to be seen when the run is due, and wakes the executors of a heavy queue. A kick that is lost
 * is made good by the reaper's. @throws what the queue throws.
 */
export async function sendPointer(plane: Pick<Plane, 'queues' | 'clock'>, run: Run): Promise<void> {
  const pointer = {
    v: envelopeVersion as 1,
    run: run.id,
    generation: run.generation,
    send: run.send,
    tenant: run.tenant,
    cell: run.cell,
    queue: run.queue,
    task: run.task,
    traceparent: run.traceparent,
    hops: run.hops,
  };
  const { kind, tier } = queueRow(run.queue);
  const waitMs = Math.min(longestDelayMs, run.notBeforeMs - plane.clock.nowMs());
  await plane.queues.send(run.queue, {
    body: pointerBody(pointer),
    group: groupOf(run),
    deduplicationId: `${run.id}-${run.generation}-${run.send}`,
    // A FIFO queue has one delay for all.
    ...(waitMs > 0 && kind === 'standard' ? { delaySeconds: Math.ceil(waitMs / 1000) } : {}),
  });
  if (tier === 'heavy') await Promise.allSettled([kickFamily(plane, run.queue)]);
}

/** The message group: fairness by tenant, or one group for all where the queue says so. */
const groupOf = (run: Pick<Run, 'queue' | 'tenant'>): string =>
  queueRow(run.queue).group === 'tenant' ? run.tenant : run.queue;

/** The row stands, so a message that cannot be sent is late, not lost. */
export async function sendQuietly(plane: Plane, run: Run): Promise<boolean> {
  const [sent] = await Promise.allSettled([sendPointer(plane, run)]);
  return sent.status === 'fulfilled';
}
