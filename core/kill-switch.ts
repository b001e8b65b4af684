/**
 * The kill switch: reading it.
 *
 * Two records say whether the plane may act: the key in Redis, which alphaswarm-core sets too, and the mirror in the
 * control table, which survives a failover that loses the last SET. To go on, both must have been read and both must be
 * clear. So there are three answers. `halted`: either is set. `clear`: both were read, neither is. `unknown`: anything
 * else; nothing starts, every guarded action is denied, and no row is written, because a Redis that is restarting is no
 * reason to touch a thousand runs.
 *
 * Any non-empty value of the key halts, "0" too: that is what `if redis.get(key)` does in the Python original.
 */
import * as z from 'zod';
import { logLines } from './catalogue/metrics.ts';
import type { TaskName } from './catalogue/tasks.ts';
import type { QueueName } from './catalogue/queues.ts';
import { describeIssues } from './envelope.ts';
import { Failure } from './errors.ts';
import type { Clock, Control, Lifecycle, Log, SwitchKey } from './ports.ts';

const text = z.string().max(500);
const narrowedSchema = z.object({
  kind: z.enum(['queue', 'task']),
  name: text,
  by: text,
  reason: text,
  atMs: z.number(),
});
export type Narrowed = z.infer<typeof narrowedSchema>;

/** The mirror: a state machine `engaged(n) -> releasing(n) -> clear(n)`, each step conditional on its record's revision. */
const mirrorSchema = z.object({
  v: z.literal(1),
  phase: z.enum(['clear', 'engaged', 'releasing']),
  epoch: z.int().nonnegative(),
  origin: z.enum(['ours', 'external']),
  /** The key's value that belongs to this epoch: what we SET, or what was found. */
  value: z.string(),
  by: text,
  reason: text,
  atMs: z.number(),
  /** Of an external halt: the replication history in which it was found. */
  replicationId: z.string().optional(),
  /** Halts of one queue or one task; they live here only. */
  narrowed: z.array(narrowedSchema),
});
export type Mirror = z.infer<typeof mirrorSchema>;
export interface MirrorRecord {
  readonly rev: number;
  readonly mirror: Mirror;
}

export const mirrorName = 'kill-switch';
/** A plane that was never halted has no record yet: that is epoch 0, clear. */
const pristine: Mirror = {
  v: 1,
  phase: 'clear',
  epoch: 0,
  origin: 'ours',
  value: '',
  by: '',
  reason: '',
  atMs: 0,
  narrowed: [],
};

/** Time within which the key must have been read, and for which a permit read from it holds. */
export const permitMs = 250;

export interface SwitchPorts {
  readonly key: SwitchKey;
  readonly control: Control;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export interface Reading {
  readonly state: 'clear' | 'halted' | 'unknown';
  readonly why: string;
  readonly narrowed: readonly Narrowed[];
  /** Monotonic time at which the read of the key began: permits count from here. */
  readonly beganMs: number;
}

/** Reads key and mirror in parallel; adopts a key that somebody else has set. Never throws. */
export async function readSwitch(ports: SwitchPorts): Promise<Reading> {
  const beganMs = ports.clock.monotonicMs();
  const [key, mirror] = await Promise.allSettled([readKey(ports), readMirror(ports.control)]);
  if (key.status === 'fulfilled' && mirror.status === 'fulfilled') await adoptExternal(ports, key.value, mirror.value);
  return { ...judge(key, mirror), beganMs };
}

/** Reads the key alone, for a permit whose mirror was read less than a second ago. Never throws. */
export async function readKeyOnly(ports: SwitchPorts, narrowed: readonly Narrowed[]): Promise<Reading> {
  const beganMs = ports.clock.monotonicMs();
  const [key] = await Promise.allSettled([readKey(ports)]);
  const clearMirror = {
    status: 'fulfilled' as const,
    value: { rev: 0, mirror: { ...pristine, narrowed: [...narrowed] } },
  };
  return { ...judge(key, clearMirror), beganMs };
}

function judge(
  key: PromiseSettledResult<string>,
  mirror: PromiseSettledResult<MirrorRecord>,
): Omit<Reading, 'beganMs'> {
  const narrowed = mirror.status === 'fulfilled' ? mirror.value.mirror.narrowed : [];
  if (key.status === 'fulfilled' && key.value !== '') return { state: 'halted', why: 'the key is set', narrowed };
  if (mirror.status === 'fulfilled' && mirror.value.mirror.phase !== 'clear') {
    return {
      state: 'halted',
      why: `the mirror is ${mirror.value.mirror.phase}: ${mirror.value.mirror.reason}`,
      narrowed,
    };
  }
  if (key.status === 'rejected')
    return { state: 'unknown', why: `the key could not be read: ${reasonOf(key.reason)}`, narrowed };
  if (mirror.status === 'rejected')
    return { state: 'unknown', why: `the mirror could not be read: ${reasonOf(mirror.reason)}`, narrowed };
  return { state: 'clear', why: 'key and mirror are clear', narrowed };
}

/** A run's, or all of a queue. */
export interface Work {
  readonly queue: QueueName;
  readonly task?: TaskName;
}
const narrowedOn = (reading: Reading, work: Work): Narrowed | undefined =>
  reading.narrowed.find((halt) => (halt.kind === 'queue' ? halt.name === work.queue : halt.name === work.task));

/** Whether this reading halts work on `queue` or of `task`: globally, or by a narrowed halt. */
export const haltsWork = (reading: Reading, work: Work): boolean =>
  reading.state === 'halted' || narrowedOn(reading, work) !== undefined;

/** Why it does: of a narrowed halt, under which key and mirror are clear, what is halted, by whom and why. */
export function whyHalted(reading: Reading, work: Work): string {
  const halt = reading.state === 'halted' ? undefined : narrowedOn(reading, work);
  return halt ? `${halt.by} has halted the ${halt.kind} ${halt.name}: ${halt.reason}` : reading.why;
}

async function readKey(ports: SwitchPorts): Promise<string> {
  const beganMs = ports.clock.monotonicMs();
  const value = await ports.key.read();
  const tookMs = ports.clock.monotonicMs() - beganMs;
  if (tookMs <= permitMs) return value;
  // An answer that came too late may no longer be true; a set key halts however late it is heard of.
  if (value !== '') return value;
  throw new Failure('KILL_SWITCH_UNKNOWN', `the key took ${Math.round(tookMs)} ms to read, more than ${permitMs} ms`);
}

/** @throws Failure KILL_SWITCH_UNKNOWN when the record is not a mirror; whatever the control table throws. */
export async function readMirror(control: Control): Promise<MirrorRecord> {
  const record = await control.read(mirrorName);
  if (!record) return { rev: 0, mirror: pristine };
  const parsed = mirrorSchema.safeParse(record.value);
  if (!parsed.success) {
    throw new Failure(
      'KILL_SWITCH_UNKNOWN',
      `the record ${mirrorName} of the control table is not a mirror: ${describeIssues(parsed.error)}`,
    );
  }
  return { rev: record.rev, mirror: parsed.data };
}

/** Writes the next mirror over the record that was read. Resolves with whether nobody else was faster. */
export async function writeMirror(control: Control, previous: MirrorRecord, next: Mirror): Promise<boolean> {
  return (await control.write(mirrorName, next, previous.rev)) === 'written';
}

/**
 * The key is set while the mirror is clear: somebody else (alphaswarm-core) halted. Reads again and writes it down as
 * engaged(n + 1, external) before anybody acts. A value of ours whose epoch was cleared is a leftover, not a halt: the
 * heartbeat deletes it.
 */
async function adoptExternal(ports: SwitchPorts, value: string, record: MirrorRecord): Promise<void> {
  if (value === '' || record.mirror.phase !== 'clear' || isLeftover(value, record.mirror)) return;
  await Promise.allSettled([adopt(ports, record)]);
}

/** Writes engaged(n + 1, external) when the key, read again, is still set. Resolves with whether this call did it. */
export async function adopt(ports: SwitchPorts, record: MirrorRecord): Promise<boolean> {
  // Its history before the key: were it asked for after a failover, a value lost by that failover would pass for deleted.
  const replicationId = await ports.key.replicationId().catch(() => undefined);
  const value = await ports.key.read();
  if (value === '' || isLeftover(value, record.mirror)) return false;
  const next: Mirror = {
    ...record.mirror,
    phase: 'engaged',
    epoch: record.mirror.epoch + 1,
    origin: 'external',
    value,
    by: 'external',
    reason: `the key was found set: ${value.slice(0, 200)}`,
    atMs: ports.clock.nowMs(),
    ...(replicationId === undefined ? {} : { replicationId }),
  };
  if (replicationId === undefined) delete next.replicationId;
  const written = await writeMirror(ports.control, record, next);
  if (written) await tellEngaged(ports, next, {});
  return written;
}

/** The log line and the event of a halt. That nobody could be told is no reason not to halt. */
export async function tellEngaged(ports: SwitchPorts, mirror: Mirror, facts: Record<string, unknown>): Promise<void> {
  const { epoch, by, reason, origin } = mirror;
  ports.log.warn(logLines.haltEngaged, { epoch, by, reason, origin, ...facts });
  await emitQuietly(ports, 'HaltEngaged', mirror);
}

export async function emitQuietly(
  ports: SwitchPorts,
  name: 'HaltEngaged' | 'HaltReleased',
  mirror: Mirror,
): Promise<void> {
  const { epoch, by, reason, origin } = mirror;
  const event = { id: `${name}-${epoch}`, name, detail: { epoch, by, reason, origin } };
  await Promise.allSettled([ports.lifecycle.emit(event)]);
}

/** Our values are JSON with the epoch; anybody else's are whatever they are. */
const oursSchema = z.object({ origin: z.literal('alphaswarm-serverless'), epoch: z.int().nonnegative() });
export function epochOf(value: string): number | undefined {
  try {
    return oursSchema.safeParse(JSON.parse(value)).data?.epoch;
  } catch {
    return undefined;
  }
}

export const switchValue = (halt: { epoch: number; by: string; reason: string; atMs: number }): string =>
  JSON.stringify({
    origin: 'alphaswarm-serverless',
    epoch: halt.epoch,
    by: halt.by,
    reason: halt.reason,
    at: new Date(halt.atMs).toISOString(),
  });

/** A value that we wrote for an epoch which has been cleared since. */
export const isLeftover = (value: string, mirror: Mirror): boolean => {
  const epoch = epochOf(value);
  return epoch !== undefined && mirror.phase === 'clear' && epoch <= mirror.epoch;
};

const reasonOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason)).slice(0, 200);
