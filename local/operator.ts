// What a person at this machine does with the plane: lay a file into the inbox, ask for a run, halt, release, look. It goes
// the very way that the functions go: the same services, composed from the same environment, against the same servers.
import { auditWriter } from '#core/audit-writer.ts';
import { cancel } from '#core/cancel.ts';
import { enqueue, type EnqueueRequest } from '#core/enqueue.ts';
import { engage, release, type HaltRequest, type HaltResult, type ReleaseResult } from '#core/halt.ts';
import type { TaskName } from '#core/catalogue/tasks.ts';
import { unfold } from '#core/fold.ts';
import { operated } from '#core/operations.ts';
import type { Log } from '#core/ports.ts';
import type { Frame } from '#core/progress.ts';
import { beat, type Actor, type Run } from '#core/run.ts';
import { inboxKey } from '#core/task-ports.ts';
import { parseEnvironment } from '#runtime/environment.ts';
import { sha256 } from '#runtime/hash.ts';
import { alsoLogged } from '#runtime/log.ts';
import { services } from '#runtime/services.ts';
import { PlaneError } from '#local/errors.ts';
import type { Plane } from '#local/plane.ts';

export interface Operator {
  upload(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** Throws Failure for a payload that does not fit, and when the switch cannot be read. */
  request<T extends TaskName>(request: Pick<EnqueueRequest<T>, 'task' | 'payload' | 'idempotencyKey'>): Promise<Run>;
  run(id: string): Promise<Run | undefined>;
  /** What the run has said of its progress so far, oldest first. */
  frames(id: string): Promise<Frame[]>;
  cancel(id: string, reason: string): Promise<void>;
  /** What the run returned, as its contract says. */
  resultOf(run: Run): Promise<unknown>;
  /** Every run that a schedule has started on the days between two instants, oldest first. */
  scheduledRuns(fromMs: number, toMs: number): Promise<Run[]>;
  /** Waits until the run is in one of `states`. Throws PlaneError RUN_LATE after `withinMs` of wall time. */
  until(id: string, states: readonly Run['state'][], withinMs?: number): Promise<Run>;
  download(key: string): Promise<Uint8Array>;
  halt(reason: string): Promise<HaltResult>;
  release(reason: string): Promise<ReleaseResult>;
  close(): void;
}

const tenant = 'local';
const lookEveryMs = 25;

/** An operator of this plane, in the name of `user`. Lines that an operator's acts leave go to `onLine`. */
export function operatorOf(
  plane: Plane,
  user: string,
  onLine: (line: string, fields: Record<string, unknown>) => void = () => {},
): Operator {
  const variables = plane.environment(systemFunction(plane));
  useEndpoints(variables);
  const log: Log = {
    info: (line, fields = {}) => onLine(line, fields),
    warn: (line, fields = {}) => onLine(line, fields),
  };
  const composed = services(parseEnvironment('system', variables));
  const { auditLog, clock, owner } = composed;
  const audit = alsoLogged(auditWriter({ log: auditLog, clock, hash: sha256, owner }), log);
  const ports = { ...composed, log, audit };
  const actor: Actor = { kind: 'human', id: user };
  const asked = (reason: string): HaltRequest => ({ by: user, reason });
  return {
    upload: (key, bytes, contentType) => ports.artefacts.put(inboxKey(tenant, key), bytes, contentType),
    request: async (request) => (await enqueue(ports, { ...request, tenant, actor, as: 'operator' })).run,
    run: (id) => ports.ledger.read(id),
    frames: (id) => ports.progress.read(id),
    cancel: async (id, reason) => void (await cancel(ports, id, asked(reason))),
    resultOf: async (run) => (run.outcome?.result ? unfold(ports.artefacts, run.outcome.result) : undefined),
    scheduledRuns: (fromMs, toMs) => scheduledRuns(ports, fromMs, toMs),
    until: (id, states, withinMs = 30_000) => untilState(ports, { id, states, withinMs }),
    download: (key) => ports.artefacts.read(key),
    halt: (reason) =>
      operated(ports, { how: 'halt', ...onSwitch(asked(reason)), evenUnaudited: true }, () =>
        engage(ports, asked(reason)),
      ),
    release: (reason) =>
      operated(ports, { how: 'release', ...onSwitch(asked(reason)) }, () => release(ports, asked(reason))),
    close: () => composed.close(),
  };
}

const onSwitch = (request: HaltRequest) => ({ request, on: { killSwitch: true, tenant: 'system' } as const });

type Ports = Pick<ReturnType<typeof services>, 'ledger' | 'clock'>;

async function scheduledRuns({ ledger }: Ports, fromMs: number, toMs: number): Promise<Run[]> {
  const ids: string[] = [];
  for (let day = dayOf(fromMs); day <= dayOf(toMs); day = dayOf(Date.parse(day) + 86_400_000)) {
    ids.push(...(await ledger.list({ by: 'actor', key: beat.id, day })));
  }
  const rows = await Promise.all(ids.map((id) => ledger.read(id)));
  return rows.filter((row) => row !== undefined);
}

const dayOf = (instantMs: number): string => new Date(instantMs).toISOString().slice(0, 10);

async function untilState(
  ports: Ports,
  wanted: { id: string; states: readonly Run['state'][]; withinMs: number },
): Promise<Run> {
  const endMs = ports.clock.monotonicMs() + wanted.withinMs;
  for (;;) {
    const run = await ports.ledger.read(wanted.id);
    if (run && wanted.states.includes(run.state)) return run;
    if (ports.clock.monotonicMs() > endMs) {
      const found = run ? `is ${run.state}` : 'has no row';
      throw new PlaneError(
        'RUN_LATE',
        `Run ${wanted.id} ${found} after ${wanted.withinMs / 1000} s, and not ${wanted.states.join(' or ')}. Its log lines tell why.`,
      );
    }
    await ports.clock.sleep(lookEveryMs);
  }
}

/** The one function that may write to every queue: its environment names all that an operator touches. */
function systemFunction(plane: Plane): string {
  const found = plane.resources.functions.find(({ name }) => name.endsWith('-system'));
  if (found) return found.name;
  throw new PlaneError(
    'UNKNOWN_NAME',
    'No function of this plane is called ...-system: the assembly is not one of ours. Run npm run synth.',
  );
}

/** The SDK reads its endpoints from the process: they become this plane's, and nothing of the developer's own AWS stays. */
function useEndpoints(variables: Record<string, string>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (name.startsWith('AWS_')) process.env[name] = value;
}

export type { Frame, Run };
