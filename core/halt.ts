/**
 * Engaging and releasing the kill switch (how it is read: kill-switch.ts; what the heartbeat mends: repair.ts).
 *
 * Engage is mirror, SET, WAIT, PUBLISH, and is acknowledged 1.5 s later, when every permit given before is void: a
 * permit lives 250 ms and rests on a mirror read at most 1 s old. Release goes through `releasing`, because a deletion
 * that failed half-way must leave the plane halted; it deletes the key only while it holds the value that was read, since
 * any other value is somebody's new halt. The heartbeat repairs what disagrees, mirror first: whatever is lost, the
 * outcome errs towards halted.
 */
import { logLines } from './catalogue/metrics.ts';
import { isQueueName } from './catalogue/queues.ts';
import { isTaskName } from './catalogue/tasks.ts';
import { untilWritten } from './conflict.ts';
import { Failure } from './errors.ts';
import {
  adopt,
  emitQuietly,
  isLeftover,
  readMirror,
  switchValue,
  tellEngaged,
  writeMirror,
  type Mirror,
  type MirrorRecord,
  type Narrowed,
  type SwitchPorts,
} from './kill-switch.ts';
import { redactText } from './redact.ts';

/** Halting needs no more than reading does. */
export type HaltPorts = SwitchPorts;
export interface HaltRequest {
  readonly by: string;
  readonly reason: string;
}
export interface HaltResult {
  readonly epoch: number;
  /** Whether the key could be written, too; the mirror alone halts all the same, and the heartbeat writes the key. */
  readonly key: 'set' | 'unwritten';
  /** Replicas that had the key within 100 ms; absent where the service cannot say. */
  readonly replicas?: number;
}

/** After this long every permit given before the halt is void: 1 s of mirror age, 250 ms of permit, and some to spare. */
export const acknowledgeAfterMs = 1500;
const replicaWaitMs = 100;

/**
 * Halts the whole plane, and resolves when nothing more can begin. Engaging twice is one halt; over an external halt it
 * makes it ours.
 *
 * @throws Failure CONFIGURATION_INVALID without a reason; whatever the control table throws when the mirror cannot be
 *   written or read.
 */
export async function engage(ports: HaltPorts, request: HaltRequest): Promise<HaltResult> {
  needReason(request, 'engage');
  const { mirror, key } = await untilWritten('the mirror of the kill switch', () => mirrorAndKey(ports, request));
  await tellEngaged(ports, mirror, { key: key.key });
  await ports.clock.sleep(acknowledgeAfterMs);
  return { epoch: mirror.epoch, ...key };
}

/** Resolves with undefined when the halt it found standing was released before the SET: what was SET is then no halt. */
async function mirrorAndKey(ports: HaltPorts, request: HaltRequest) {
  const mirror = await mirrorEngaged(ports, request);
  const key = await setKey(ports, mirror.value);
  const { mirror: now } = await readMirror(ports.control);
  return now.phase === 'engaged' ? { mirror, key } : undefined;
}

async function mirrorEngaged(ports: HaltPorts, request: HaltRequest): Promise<Mirror> {
  return untilWritten('the mirror of the kill switch', async () => {
    const record = await readMirror(ports.control);
    if (record.mirror.phase === 'engaged' && record.mirror.origin === 'ours') return record.mirror;
    const next = engagedByUs(ports, record.mirror, request);
    return (await writeMirror(ports.control, record, next)) ? next : undefined;
  });
}

function engagedByUs(ports: HaltPorts, previous: Mirror, { by, reason: said }: HaltRequest): Mirror {
  const reason = redactText(said);
  const epoch = previous.epoch + 1;
  const atMs = ports.clock.nowMs();
  const value = switchValue({ epoch, by, reason, atMs });
  return { v: 1, phase: 'engaged', epoch, origin: 'ours', value, by, reason, atMs, narrowed: previous.narrowed };
}

async function setKey(ports: SwitchPorts, value: string): Promise<Pick<HaltResult, 'key' | 'replicas'>> {
  try {
    await ports.key.set(value);
  } catch {
    return { key: 'unwritten' };
  }
  // Neither the replicas nor the subscribers decide anything: the mirror is read as well, and polled each second.
  const [replicas] = await Promise.allSettled([ports.key.waitReplicas(replicaWaitMs), ports.key.publish('engaged')]);
  return replicas.status === 'fulfilled' ? { key: 'set', replicas: replicas.value } : { key: 'set' };
}

export type ReleaseResult =
  | { readonly state: 'clear'; readonly epoch: number }
  /** The key could not be deleted yet: still halted; the heartbeat tries again each minute. */
  | { readonly state: 'releasing'; readonly epoch: number; readonly why: string };

/**
 * Ends a halt, or only that of the epoch which somebody has looked at. `reason` is kept; who may call it (step-up) is the
 * caller's to check.
 *
 * @throws Failure HALT_CONFLICT when somebody halted anew meanwhile; CONFIGURATION_INVALID without a reason.
 */
export async function release(
  ports: HaltPorts,
  request: HaltRequest & { readonly epoch?: number },
): Promise<ReleaseResult> {
  needReason(request, 'release');
  return releaseEpoch(ports, request, request.epoch);
}

/** Releases the halt that is found first, or that of epoch `seen`; one that was engaged later nobody has looked at yet. */
async function releaseEpoch(ports: HaltPorts, request: HaltRequest, seen: number | undefined): Promise<ReleaseResult> {
  const record = await untilWritten('the mirror of the kill switch', async () => {
    const now = await readMirror(ports.control);
    seen ??= now.mirror.epoch;
    if (now.mirror.epoch !== seen) throw conflict(`${now.mirror.by} has halted anew (${now.mirror.reason})`);
    if (now.mirror.phase !== 'engaged') return now;
    const next: Mirror = {
      ...now.mirror,
      phase: 'releasing',
      by: request.by,
      reason: redactText(request.reason),
      atMs: ports.clock.nowMs(),
    };
    return (await writeMirror(ports.control, now, next)) ? { rev: now.rev + 1, mirror: next } : undefined;
  });
  if (record.mirror.phase === 'clear') return releaseLeftover(ports, record, request);
  return finishRelease(ports, record);
}

/** The mirror is clear already: only a key that nobody has adopted yet can still halt. */
async function releaseLeftover(ports: HaltPorts, record: MirrorRecord, request: HaltRequest): Promise<ReleaseResult> {
  const value = await ports.key.read();
  if (value === '') return { state: 'clear', epoch: record.mirror.epoch };
  if (isLeftover(value, record.mirror)) {
    await ports.key.deleteIf(value);
    return { state: 'clear', epoch: record.mirror.epoch };
  }
  if (!(await adopt(ports, record))) throw conflict('key or mirror changed while they were looked at');
  return releaseEpoch(ports, request, record.mirror.epoch + 1);
}

/** From `releasing`: deletes our value and clears the mirror; anything else found in the key is a new halt. */
export async function finishRelease(ports: HaltPorts, record: MirrorRecord): Promise<ReleaseResult> {
  const { mirror } = record;
  let found: string;
  try {
    found = await ports.key.read();
    if (found === mirror.value && found !== '') await ports.key.deleteIf(found);
    found = await ports.key.read();
  } catch (cause) {
    return { state: 'releasing', epoch: mirror.epoch, why: cause instanceof Error ? cause.message : String(cause) };
  }
  if (found !== '') return haltedAnew(ports, record, found);
  const cleared: Mirror = { ...mirror, phase: 'clear', atMs: ports.clock.nowMs() };
  if (!(await writeMirror(ports.control, record, cleared))) {
    return { state: 'releasing', epoch: mirror.epoch, why: 'somebody else changed the mirror meanwhile' };
  }
  ports.log.warn(logLines.haltReleased, { epoch: mirror.epoch, by: mirror.by, reason: mirror.reason });
  await Promise.allSettled([ports.key.publish('released')]);
  await emitQuietly(ports, 'HaltReleased', cleared);
  return { state: 'clear', epoch: mirror.epoch };
}

async function haltedAnew(ports: SwitchPorts, record: MirrorRecord, found: string): Promise<never> {
  // Should this fail the mirror stays `releasing`, which halts as well.
  await Promise.allSettled([adopt(ports, record)]);
  throw conflict(`the key holds another value than the halt being released (${found.slice(0, 120)})`);
}

const conflict = (what: string): Failure =>
  new Failure('HALT_CONFLICT', `${what}: that is a new halt; read it, then release again`);

/** Halts one queue or one task. It lives in the mirror only; readers hear of it within a second. */
export async function narrow(ports: HaltPorts, halt: HaltRequest & Pick<Narrowed, 'kind' | 'name'>): Promise<void> {
  needReason(halt, 'narrow');
  needTarget(halt);
  const entry: Narrowed = {
    kind: halt.kind,
    name: halt.name,
    by: halt.by,
    reason: redactText(halt.reason),
    atMs: ports.clock.nowMs(),
  };
  await changeNarrowed(ports, (list) => [...list.filter((old) => !isSame(old, halt)), entry]);
  await ports.clock.sleep(acknowledgeAfterMs);
}

/**
 * Ends the halt of one queue or task that was engaged at `atMs`; without one it changes nothing.
 *
 * @throws Failure HALT_CONFLICT when it was halted anew meanwhile.
 */
export async function widen(ports: HaltPorts, halt: Pick<Narrowed, 'kind' | 'name' | 'atMs'>): Promise<void> {
  await changeNarrowed(ports, (list) => {
    const anew = list.find((old) => isSame(old, halt) && old.atMs !== halt.atMs);
    if (anew) throw conflict(`${anew.by} has halted the ${anew.kind} ${anew.name} anew (${anew.reason})`);
    return list.filter((old) => !isSame(old, halt));
  });
}

const isSame = (one: Pick<Narrowed, 'kind' | 'name'>, other: Pick<Narrowed, 'kind' | 'name'>) =>
  one.kind === other.kind && one.name === other.name;

async function changeNarrowed(ports: HaltPorts, change: (list: readonly Narrowed[]) => Narrowed[]): Promise<void> {
  await untilWritten('the mirror of the kill switch', async () => {
    const record = await readMirror(ports.control);
    const next: Mirror = { ...record.mirror, narrowed: change(record.mirror.narrowed) };
    return (await writeMirror(ports.control, record, next)) ? true : undefined;
  });
}

/** Who and why are written down. @throws Failure CONFIGURATION_INVALID without them. */
export function needReason({ by, reason }: HaltRequest, action: string): void {
  if ([by, reason].every((words) => words.trim() !== '' && words.length <= 500)) return;
  throw new Failure(
    'CONFIGURATION_INVALID',
    `${action} needs who and why, each at most 500 characters: they are written down and read by the next on call`,
  );
}

function needTarget({ kind, name }: Pick<Narrowed, 'kind' | 'name'>): void {
  if (kind === 'queue' ? isQueueName(name) : isTaskName(name)) return;
  throw new Failure(
    'CONFIGURATION_INVALID',
    `the catalogue has no ${kind} ${JSON.stringify(name)}: nothing would be halted; name one that it has`,
  );
}
