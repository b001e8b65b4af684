/**
 * Every state-mutating action of a task goes through here: intent to the audit sink, a permit, the effect, the outcome.
 *
 * A permit is a reading of the kill switch that says clear; it is void 250 ms after its read began, by the monotonic
 * clock, and when the connection it was read on is gone. The key is read for every effect; the mirror when its last read
 * is older than a second or the connection is new. In a halt only the effects that the contract lists go through; while
 * the switch is unknown, none does.
 */
import { argumentsOf } from './effect-arguments.ts';
import type { TaskContract } from './catalogue/tasks.ts';
import { Failure } from './errors.ts';
import {
  haltsWork,
  whyHalted,
  permitMs,
  readKeyOnly,
  readSwitch,
  type Reading,
  type SwitchPorts,
} from './kill-switch.ts';
import {
  mutatingMethods,
  type AuditIntent,
  type AuditOutcome,
  type AuditSink,
  type Effect,
  type PortName,
  type TaskPorts,
} from './ports.ts';
import type { Run } from './run.ts';

export interface GuardOptions {
  readonly ports: SwitchPorts;
  readonly audit: AuditSink;
  readonly run: Pick<Run, 'id' | 'task' | 'tenant' | 'actor' | 'fence' | 'queue' | 'lease'>;
  readonly contract: TaskContract;
  /** False once the attempt has ended: a body that was left behind gets no permit any more. */
  readonly isOpen: () => boolean;
}

const mirrorMaximumAgeMs = 1000;

/** `ports` with every mutating method behind the guard; reading methods pass through. */
export function guarded<P extends PortName>(name: P, port: TaskPorts[P], guard: Guard): TaskPorts[P] {
  const methods: readonly string[] = mutatingMethods[name];
  const wrapped = Object.fromEntries(
    methods.map((method) => [
      method,
      (...values: unknown[]) =>
        guard(
          `${name}.${method}` as Effect,
          () => (port[method as keyof TaskPorts[P]] as (...values: unknown[]) => Promise<unknown>)(...values),
          argumentsOf(`${name}.${method}` as Effect, values),
        ),
    ]),
  );
  return { ...port, ...wrapped };
}

/** `given`: with what, for the audit: names, keys and sizes, never contents. */
export type Guard = <T>(effect: Effect, action: () => Promise<T>, given?: unknown) => Promise<T>;

/**
 * The guard of one claim of one run.
 *
 * It throws Failure EFFECT_UNDECLARED (the contract says `reads`), KILL_SWITCH_HALTED, KILL_SWITCH_UNKNOWN, and
 * whatever the effect throws.
 */
export function createGuard(options: GuardOptions): Guard {
  const { ports, audit, run, contract } = options;
  const reader = permitReader(ports);
  // Why an effect was denied or failed decides what becomes of the run: an audit that is away must not hide it.
  const outcome = (intent: AuditIntent, became: AuditOutcome) =>
    audit.outcome({ ...intent, atMs: ports.clock.nowMs(), outcome: became });
  const noted = (intent: AuditIntent, became: AuditOutcome) => Promise.allSettled([outcome(intent, became)]);
  return async (effect, action, given) => {
    if (contract.effect === 'reads') {
      throw new Failure(
        'EFFECT_UNDECLARED',
        `task ${run.task} calls ${effect}, but its contract says that it only reads`,
      );
    }
    const intent = {
      ...intentOf(run, effect, ports.clock.nowMs()),
      ...(given === undefined ? {} : { arguments: given }),
    };
    await audit.intent(intent);
    try {
      await permit(reader, effect, options);
    } catch (denied) {
      await noted(intent, 'denied');
      throw denied;
    }
    const result = await action().catch(async (failed: unknown) => {
      await noted(intent, 'failed');
      throw failed;
    });
    await outcome(intent, 'done');
    return result;
  };
}

/** Reads the key, and the mirror with it when its last reading is too old or from another connection. */
function permitReader(ports: SwitchPorts): () => Promise<Reading> {
  let mirror: { readMs: number; connection: number; narrowed: Reading['narrowed'] } | undefined;
  return async () => {
    const connection = ports.key.connectionEpoch();
    const recent = mirror && ports.clock.monotonicMs() - mirror.readMs <= mirrorMaximumAgeMs;
    if (mirror && recent && mirror.connection === connection) return readKeyOnly(ports, mirror.narrowed);
    const reading = await readSwitch(ports);
    mirror =
      reading.state === 'clear' ? { readMs: reading.beganMs, connection, narrowed: reading.narrowed } : undefined;
    return reading;
  };
}

/** Resolves when the effect may begin now. A permit that was read too slowly is void; a second reading usually is not. */
async function permit(
  read: () => Promise<Reading>,
  effect: Effect,
  { ports, run, contract, isOpen }: GuardOptions,
): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    const connection = ports.key.connectionEpoch();
    const reading = await read();
    checkAllowed(reading, effect, { run, contract });
    if (!isOpen()) throw new Failure('LEASE_LOST', `${effect} of run ${run.id} is denied: its attempt has ended`);
    const fresh = ports.clock.monotonicMs() - reading.beganMs <= permitMs;
    if (fresh && ports.key.connectionEpoch() === connection) return;
  }
  throw new Failure(
    'KILL_SWITCH_UNKNOWN',
    `${effect}: three permits in a row were void (older than ${permitMs} ms) before they could be used`,
  );
}

function checkAllowed(
  reading: Reading,
  effect: Effect,
  { run, contract }: Pick<GuardOptions, 'run' | 'contract'>,
): void {
  if (reading.state === 'unknown') {
    throw new Failure('KILL_SWITCH_UNKNOWN', `${effect} of run ${run.id} is denied: ${reading.why}`);
  }
  if (!haltsWork(reading, { queue: run.queue, task: run.task })) return;
  if (contract.mutatesWhileHalted.includes(effect)) return;
  throw new Failure(
    'KILL_SWITCH_HALTED',
    `${effect} of run ${run.id} is denied: the plane is halted (${whyHalted(reading, run)})`,
  );
}

const intentOf = (run: GuardOptions['run'], effect: Effect, atMs: number): AuditIntent => ({
  effect,
  subject: run.id,
  task: run.task,
  tenant: run.tenant,
  actor: run.actor,
  fence: run.fence,
  atMs,
  // The worker that does it.
  ...(run.lease ? { from: run.lease.owner } : {}),
});
