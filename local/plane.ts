// The plane on one machine: the synthesised template, run by AWS's own protocols on loopback.
//
// Life cycle: read the assembly (so a bad one fails before anything is started), take the data folder, start the servers,
// resolve the template to their addresses, make queues, tables and buckets, then let schedules and mappings run.
// State is in memory and every start is fresh: after SIGKILL the guardian ends every child, and the next plane in the same
// folder removes what Valkey and the clock left. $REDIS_URL is the exception: that server's state is its owner's.
import { SQSClient } from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAssembly, type Assembly } from '#local/assembly.ts';
import { fakeCredentials, type ClientSettings } from '#local/aws-clients.ts';
import { createClock, type Clock, type DrivenClock } from '#local/clock.ts';
import { takeDataFolder } from '#local/data-folder.ts';
import { messageOf, PlaneError } from '#local/errors.ts';
import { createEventBuses, type BusEvent } from '#local/events.ts';
import { functionEnvironment } from '#local/function-environment.ts';
import { startGuardian, type Guardian } from '#local/guardian.ts';
import { createLambdaHost, type Lambdas } from '#local/lambda-host.ts';
import { startMappings } from '#local/mappings.ts';
import { createMetrics, type Metrics } from '#local/metrics.ts';
import type { Emit, PlaneEndpoints, PlaneEvent } from '#local/plane-event.ts';
import { deadLetterArns, readResources, type PlaneResources } from '#local/plane-resources.ts';
import type { QueueDepth } from '#local/queues.ts';
import { refuseUnknownTypes } from '#local/resolver.ts';
import { startScheduler, type Scheduler } from '#local/scheduler.ts';
import { startServers, type Servers } from '#local/servers.ts';
import { surroundingsOf } from '#local/surroundings.ts';

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
  ports?: { sqs?: number; dynamodb?: number; redis?: number; aws?: number };
  region?: string;
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
  metrics: Metrics;
  /** What was put on the event buses, in order. */
  events(): readonly BusEvent[];
  queueDepths(): Record<string, QueueDepth>;
  /**
   * Resolves once no invocation runs, no schedule is being delivered, and no queue with a consumer holds a message, not
   * even a hidden or delayed one. A message that fails for ever keeps it waiting: give a signal.
   */
  idle(signal?: AbortSignal): Promise<void>;
  /** Ends every child and frees every port. Safe to call twice. */
  stop(): Promise<void>;
}

const IDLE_LOOK_EVERY_MS = 10;

type Undo = () => unknown;

/** What every part of one plane shares. */
interface Base {
  options: PlaneOptions;
  assembly: Assembly;
  settings: ClientSettings;
  clock: DrivenClock;
  clockFile: string;
  guardian: Guardian;
  emit: Emit;
  servers: Servers;
  undo: Undo[];
}

/** Starts the plane and resolves when it is ready. Throws PlaneError; whatever had been started is stopped again. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const assembly = readAssembly(options.assemblyDir);
  refuseUnknownTypes(assembly);
  const undo: Undo[] = [];
  try {
    return await run(await startBase(options, assembly, undo));
  } catch (error) {
    await unwind(undo, () => {});
    throw error;
  }
}

async function startBase(options: PlaneOptions, assembly: Assembly, undo: Undo[]): Promise<Base> {
  const folder = takeDataFolder(options.dataDir);
  undo.push(() => folder.release());
  const clock = createClock({ mode: options.clock, file: folder.clockFile, startAtMs: options.startAtMs });
  const emit = emitter(options, clock);
  const guardian = startGuardian();
  undo.push(() => guardian.stop());
  const region = options.region ?? 'us-east-1';
  const onStarted = (stop: () => Promise<void>): void => void undo.push(stop);
  const servers = await startServers({ plane: options, region, folder, guardian, emit, onStarted });
  // One attempt: poller and scheduler have their own patience, and a second layer would only blur it.
  const settings = { region, credentials: fakeCredentials(), maxAttempts: 1 };
  return { options, assembly, settings, clock, clockFile: folder.clockFile, guardian, emit, servers, undo };
}

/** A listener that throws is its owner's bug, and must not stop a poller in the middle of its work. */
function emitter({ onEvent }: PlaneOptions, clock: Clock): Emit {
  return (event) => {
    try {
      onEvent?.({ ...event, atMs: clock.now() });
    } catch (error) {
      process.emitWarning(`onEvent threw at an event of type ${event.type}: ${messageOf(error)}`, 'PlaneWarning');
    }
  };
}

async function run(base: Base): Promise<Plane> {
  const { servers, settings, emit, clock, undo } = base;
  const resources = await makeResources(base);
  const environment = environments(base, resources);
  const buses = createEventBuses({ buses: resources.buses, nowMs: clock.now, newId: randomUUID, emit });
  servers.aws.serve({ buses, schedules: () => resources.schedules });
  const metrics = createMetrics();
  const lambdas = createLambdaHost({
    functions: resources.functions,
    variablesOf: (spec) => environment(spec.name),
    guardian: base.guardian,
    emit,
    onLogLine: (line) => metrics.readLine(line),
  });
  // Queue URLs are for reading: the endpoint decides where a call goes, or a URL could send it to real AWS.
  const client = new SQSClient({ ...settings, endpoint: servers.endpoints.sqs, useQueueUrlAsEndpoint: false });
  undo.push(() => client.destroy());
  const { queues } = servers;
  const mappings = startMappings({ resources, queues, client, region: settings.region, lambdas, emit });
  undo.push(() => Promise.all([mappings.stop(), lambdas.stop()]));
  const { schedules } = resources;
  const scheduler = startScheduler({
    schedules,
    client,
    nowMs: clock.now,
    random: Math.random,
    newId: randomUUID,
    emit,
  });
  undo.push(() => scheduler.stop());
  const surroundings = surroundingsOf({ clock, scheduler, lambdas, mappings, queues, emit });
  clock.attach(surroundings);
  tellReady(emit, servers.endpoints, resources);
  return {
    endpoints: servers.endpoints,
    resources,
    environment,
    clock,
    scheduler,
    lambdas,
    metrics,
    events: () => buses.recorded(),
    queueDepths: () => Object.fromEntries(resources.queues.map(({ name }) => [name, queues.depth(name)])),
    idle: (signal) => until(() => surroundings.isQuiet() && mappings.isDrained(), signal),
    stop: stopOnce(undo, emit),
  };
}

/** Resolves the template to the addresses that the servers have, and makes what it declares. */
async function makeResources({ assembly, servers, settings }: Base): Promise<PlaneResources> {
  const { host: redisHost, port: redisPort } = servers.redis;
  const addresses = { region: settings.region, sqsUrl: servers.queues.url, redisHost, redisPort };
  const resources = readResources(assembly, addresses);
  servers.queues.create({ ...resources, deadLetterArns: deadLetterArns(resources) });
  await servers.tables.create(resources.tables, settings);
  return resources;
}

/** Environments are made once, so that a template that names another AWS fails at the start and not at an invocation. */
function environments(
  { servers, settings, clockFile, options }: Base,
  resources: PlaneResources,
): (name: string) => Record<string, string> {
  const path = (options.variables ?? process.env)['PATH'] ?? '';
  const made = new Map(
    resources.functions.map((spec) => [
      spec.name,
      functionEnvironment(spec, { endpoints: servers.endpoints, settings, clockFile, path }),
    ]),
  );
  return (name) => {
    const variables = made.get(name);
    if (variables) return { ...variables };
    throw new PlaneError(
      'UNKNOWN_NAME',
      `There is no function ${name} on this plane. Known functions: ${[...made.keys()].join(', ')}.`,
    );
  };
}

function tellReady(emit: Emit, endpoints: PlaneEndpoints, { functions, queues, schedules }: PlaneResources): void {
  const names = (specs: { name: string }[]): string[] => specs.map(({ name }) => name);
  emit({ type: 'ready', endpoints, functions: names(functions), queues: names(queues), schedules: names(schedules) });
}

async function until(holds: () => boolean, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  while (!holds()) await sleep(IDLE_LOOK_EVERY_MS, undefined, { ...(signal && { signal }) });
}

function stopOnce(undo: Undo[], emit: Emit): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await unwind(undo, (error) => emit({ type: 'error', where: 'stopping', message: messageOf(error) }));
    emit({ type: 'stopped' });
  };
  return () => (stopped ??= stop());
}

/** Undoes the last first; one that fails must not keep the others from ending. */
async function unwind(undo: Undo[], onError: (error: unknown) => void): Promise<void> {
  for (const step of undo.reverse()) {
    try {
      await step();
    } catch (error) {
      onError(error);
    }
  }
}
