// The plane on one machine: the synthesised template, run by AWS's own protocols on loopback.
//
// Life cycle: read the assembly (so a bad one fails before anything is started), take the data folder, start the backplane
// (servers, queues, tables, buckets, functions), then let schedules and mappings run.
// State is in memory and every start is fresh: after SIGKILL the guardian ends every child, and the next plane in the same
// folder removes what Valkey and the clock left. $REDIS_URL is the exception: that server's state is its owner's.
import { SQSClient } from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAssembly, type Assembly } from '#local/assembly.ts';
import { fakeCredentials } from '#local/aws-clients.ts';
import type { Backplane, Base, StartBackplane } from '#local/backplane.ts';
import { createClock, type Clock } from '#local/clock.ts';
import { takeDataFolder } from '#local/data-folder.ts';
import { startDoors } from '#local/doors.ts';
import { messageOf, PlaneError } from '#local/errors.ts';
import type { BusEvent } from '#local/events.ts';
import { watchExecutors } from '#local/executor-watch.ts';
import { startGuardian } from '#local/guardian.ts';
import type { LocalIdentity } from '#local/identity/start.ts';
import { inProcess } from '#local/in-process.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import { createLogs, type Logs } from '#local/logs.ts';
import { startMappings } from '#local/mappings.ts';
import { together, type Metrics } from '#local/metrics.ts';
import type { Emit, PlaneEndpoints, PlaneEvent } from '#local/plane-event.ts';
import type { PlaneResources } from '#local/plane-resources.ts';
import type { QueueDepth } from '#local/queues.ts';
import { refuseUnknownTypes } from '#local/resolver.ts';
import { startScheduler, type Scheduler } from '#local/scheduler.ts';
import { countDeliveries } from '#local/scheduler-metrics.ts';
import { surroundingsOf } from '#local/surroundings.ts';
import { noTasks, type Tasks } from '#local/tasks.ts';
import type { SocketLimits } from '#local/web-socket-connection.ts';

interface Ports {
  /** SQS and S3. */
  sqs?: number;
  dynamodb?: number;
  redis?: number;
  aws?: number;
  /** The HTTP API. */
  gateway?: number;
  /** The WebSocket API. */
  sockets?: number;
  /** The first issuer of tokens; the second takes the next port. */
  identity?: number;
}

export interface PlaneOptions {
  /** The output folder of `cdk synth`. */
  assemblyDir: string;
  /** One plane at a time; its state from an earlier run is removed. */
  dataDir: string;
  clock: 'wall' | 'driven';
  /** Where a driven clock begins; the wall's time when absent. */
  startAtMs?: number;
  onEvent?: (event: PlaneEvent) => void;
  /** Fixed ports; any free one where absent or 0. */
  ports?: Ports;
  /** Of the WebSocket API, in place of AWS's. */
  socketLimits?: Partial<SocketLimits>;
  region?: string;
  /** From SIGTERM to SIGKILL of a task, in place of what its definition says. */
  stopTimeoutMs?: number;
  /** Where REDIS_URL and PATH are read from; the process's own variables when absent. */
  variables?: Record<string, string | undefined>;
}

export interface Plane {
  endpoints: PlaneEndpoints;
  resources: PlaneResources;
  /** The complete environment that a function runs with: enough to compose the same services against this plane. */
  environment(functionName: string): Record<string, string>;
  clock: Clock;
  scheduler: Scheduler;
  lambdas: Lambdas;
  /** Executors: what runs of them, and what may be done to them. */
  tasks: Tasks;
  metrics: Metrics;
  /** The issuers of tokens: to be stopped, as if they were down. Absent where the template wants none. */
  identity?: LocalIdentity;
  /** What functions wrote. */
  logs: Logs;
  /** What was put on the event buses, in order. */
  events(): readonly BusEvent[];
  /** On an emulator as they were when last looked at. */
  queueDepths(): Record<string, QueueDepth>;
  /**
   * Resolves once no invocation runs, no schedule is being delivered, no task starts, stops or holds a run, and no queue
   * with a consumer or an executor holds a message, not even a hidden or delayed one. A message that fails for ever keeps
   * it waiting: give a signal.
   */
  idle(signal?: AbortSignal): Promise<void>;
  /** Ends every child and frees every port. Safe to call twice. */
  stop(): Promise<void>;
}

const IDLE_LOOK_EVERY_MS = 10;

/** Starts the plane and resolves when it is ready. Throws PlaneError; whatever had been started is stopped again. */
export async function startPlane(options: PlaneOptions, startBackplane: StartBackplane = inProcess): Promise<Plane> {
  const assembly = readAssembly(options.assemblyDir);
  refuseUnknownTypes(assembly);
  const undo: Base['undo'] = [];
  try {
    const base = await startBase(options, assembly, undo);
    return attach(base, await startBackplane(base));
  } catch (error) {
    await unwind(undo, () => {});
    throw error;
  }
}

async function startBase(options: PlaneOptions, assembly: Assembly, undo: Base['undo']): Promise<Base> {
  const folder = takeDataFolder(options.dataDir);
  undo.push(() => folder.release());
  const clock = createClock({ mode: options.clock, file: folder.clockFile, startAtMs: options.startAtMs });
  const logs = createLogs();
  const emit = emitter(options, clock, (event) => {
    if (event.type === 'log') logs.record(event.function, { atMs: event.atMs, text: event.line });
  });
  const guardian = startGuardian();
  undo.push(() => guardian.stop());
  const region = options.region ?? 'us-east-1';
  // One attempt: poller and scheduler have their own patience, and a second layer would only blur it.
  const settings = { region, credentials: fakeCredentials(), maxAttempts: 1 };
  const doors = await startDoors({ options, assembly, clock, emit, undo });
  return { options, assembly, settings, folder, clock, guardian, emit, logs, doors, undo };
}

/** A listener that throws is its owner's bug, and must not stop a poller in the middle of its work. */
function emitter({ onEvent }: PlaneOptions, clock: Clock, note: (event: PlaneEvent) => void): Emit {
  return (event) => {
    const told = { ...event, atMs: clock.now() };
    note(told);
    try {
      onEvent?.(told);
    } catch (error) {
      process.emitWarning(`onEvent threw at an event of type ${event.type}: ${messageOf(error)}`, 'PlaneWarning');
    }
  };
}

/** Lets pollers, scheduler and clock at what the backplane has. */
function attach({ settings, emit, clock, logs, doors, undo }: Base, backplane: Backplane): Plane {
  const { endpoints, resources, queues, lambdas, metrics, tasks } = backplane;
  // Queue URLs are for reading: the endpoint decides where a call goes, or a URL could send it to real AWS.
  const client = new SQSClient({ ...settings, endpoint: endpoints.sqs, useQueueUrlAsEndpoint: false });
  undo.push(() => client.destroy());
  const { region } = settings;
  const invoke: Backplane['invoke'] = (functionName, event) => backplane.invoke(functionName, event);
  const mappings = startMappings({ resources, queues, client, region, invoke, emit });
  // Together: a poller waits for its invocations, and these end with their environments.
  undo.push(() => Promise.all([mappings.stop(), lambdas.stop()]));
  const counted = countDeliveries({ schedules: resources.schedules, nowMs: clock.now, emit });
  const scheduler = startScheduler({
    schedules: resources.schedules,
    client,
    nowMs: clock.now,
    random: Math.random,
    newId: randomUUID,
    emit: counted.emit,
  });
  undo.push(() => scheduler.stop());
  const executors = watchExecutors({ tasks, resources, queues, endpoints, settings });
  undo.push(() => executors.stop());
  const sending = (): number => (backplane.sending?.() ?? 0) + doors.pending();
  const surroundings = surroundingsOf({ clock, scheduler, lambdas, mappings, executors, sending, queues, emit });
  clock.attach(surroundings);
  doors.open(resources.apis, invoke);
  // First: whoever asks is told by a closed door, and not by a function that has ended.
  undo.push(() => doors.close());
  tellReady(emit, endpoints, resources);
  return {
    endpoints,
    resources,
    environment: (name) => backplane.environment(name),
    clock,
    scheduler,
    lambdas,
    tasks: tasks ?? noTasks(),
    metrics: together(metrics, counted.metrics),
    ...(doors.identity && { identity: doors.identity }),
    logs,
    events: () => backplane.events(),
    queueDepths: () => backplane.queueDepths(),
    idle: (signal) =>
      until(
        async () => (await surroundings.isQuiet()) && (await mappings.isDrained()) && (await executors.isDrained()),
        signal,
      ),
    stop: stopOnce(undo, emit),
  };
}

function tellReady(emit: Emit, endpoints: PlaneEndpoints, { functions, queues, schedules }: PlaneResources): void {
  const names = (specs: { name: string }[]): string[] => specs.map(({ name }) => name);
  emit({ type: 'ready', endpoints, functions: names(functions), queues: names(queues), schedules: names(schedules) });
}

async function until(holds: () => Promise<boolean>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  while (!(await holds())) await sleep(IDLE_LOOK_EVERY_MS, undefined, { ...(signal && { signal }) });
}

function stopOnce(undo: Base['undo'], emit: Emit): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await unwind(undo, (error) => emit({ type: 'error', where: 'stopping', message: messageOf(error) }));
    emit({ type: 'stopped' });
  };
  return () => (stopped ??= stop());
}

/** Undoes the last first; one that fails must not keep the others from ending. */
async function unwind(undo: Base['undo'], onError: (error: unknown) => void): Promise<void> {
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      onError(error);
    }
  }
}

/** The bucket of artefacts, which every function is told; the others are the audit's. Throws UNKNOWN_NAME. */
export function bucketOf(plane: Pick<Plane, 'resources' | 'environment'>): string {
  const [named] = plane.resources.functions.map(({ name }) => plane.environment(name)['BUCKET']);
  if (named !== undefined) return named;
  throw new PlaneError('UNKNOWN_NAME', 'No function of this plane is told of a bucket: run npm run synth.');
}
