// The default backplane: fauxqs and dynalite in this process, a real Valkey beside it, functions in processes of their own.
import { SQSClient } from '@aws-sdk/client-sqs';
import { randomUUID } from 'node:crypto';
import type { Backplane, Base, QueueWatch } from '#local/backplane.ts';
import { PlaneError } from '#local/errors.ts';
import { createEventBuses, type BusEvent } from '#local/events.ts';
import { functionEnvironment } from '#local/function-environment.ts';
import { createLambdaHost } from '#local/lambda-host.ts';
import { createMetrics } from '#local/metrics.ts';
import { deadLetterArns, readResources, type PlaneResources } from '#local/plane-resources.ts';
import type { Queues } from '#local/queues.ts';
import { createRules, envelopeOf, type Rules } from '#local/rules.ts';
import { serveTasks } from '#local/serve-tasks.ts';
import { startServers, type Servers } from '#local/servers.ts';

/** Starts the servers, resolves the template to their addresses, and makes what it declares. */
export async function inProcess(base: Base): Promise<Backplane> {
  const { options, settings, folder, guardian, emit, doors, undo, clock } = base;
  const onStarted = (stop: () => Promise<void>): void => void undo.push(stop);
  const { region } = settings;
  const servers = await startServers({ plane: options, region, folder, guardian, emit, doors, onStarted });
  const resources = await makeResources(base, servers);
  const environment = environments(base, servers, resources);
  const metrics = createMetrics();
  const rules = rulesOf(base, servers, resources);
  const onEvent = (event: BusEvent): void => rules.take(event.bus, envelopeOf(event, settings.region));
  const buses = createEventBuses({ buses: resources.buses, nowMs: clock.now, newId: randomUUID, emit, onEvent });
  const onLogLine = (line: string): void => metrics.readLine(line);
  const lambdas = createLambdaHost({
    functions: resources.functions,
    variablesOf: (spec) => environment(spec.name),
    guardian,
    emit,
    onLogLine,
  });
  undo.push(() => lambdas.stop());
  const { queues, endpoints } = servers;
  const { tasks, ecs } = serveTasks(base, { endpoints, resources, buses, onLogLine });
  servers.aws.serve({
    buses,
    schedules: () => resources.schedules,
    ecs,
    connections: doors.connections,
    kms: { keys: resources.keys, dir: folder.keysDir },
    secrets: { file: folder.secretsFile, region },
    sts: resources,
  });
  const names = resources.queues.map(({ name }) => name);
  return {
    endpoints,
    resources,
    queues: watchOf(queues, names),
    lambdas,
    tasks,
    metrics,
    invoke: (functionName, event) => lambdas.invoke(functionName, event),
    environment,
    events: () => buses.recorded(),
    sending: () => rules.pending(),
    queueDepths: () => Object.fromEntries(names.map((name) => [name, queues.depth(name)])),
  };
}

/** EventBridge's own hand on the queues. */
function rulesOf({ settings, emit, undo }: Base, { endpoints }: Servers, { rules }: PlaneResources): Rules {
  const client = new SQSClient({ ...settings, endpoint: endpoints.sqs, useQueueUrlAsEndpoint: false });
  undo.push(() => client.destroy());
  return createRules({ rules, client, emit });
}

async function makeResources({ assembly, settings, doors }: Base, servers: Servers): Promise<PlaneResources> {
  const { host: redisHost, port: redisPort } = servers.redis;
  const addresses = {
    region: settings.region,
    sqsUrl: servers.queues.url,
    redisHost,
    redisPort,
    ...doors.addresses,
  };
  const resources = readResources(assembly, addresses);
  servers.queues.create({ ...resources, deadLetterArns: deadLetterArns(resources) });
  await servers.tables.create(resources.tables, settings);
  return resources;
}

/** Environments are made once, so that a template that names another AWS fails at the start and not at an invocation. */
function environments(
  { settings, folder, options }: Base,
  { endpoints }: Servers,
  { functions }: PlaneResources,
): (name: string) => Record<string, string> {
  const path = (options.variables ?? process.env)['PATH'] ?? '';
  const { clockFile, secretsFile } = folder;
  const made = new Map(
    functions.map((spec) => [
      spec.name,
      functionEnvironment(spec, { endpoints, settings, clockFile, secretsFile, path }),
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

function watchOf(queues: Queues, names: string[]): QueueWatch {
  const stateOf = (name: string) => ({
    depth: queues.depth(name),
    inFlightHandles: queues.inFlightHandles(name),
    nextReturnMs: queues.nextReturnMs(name),
  });
  return {
    look: async () => new Map(names.map((name) => [name, stateOf(name)])),
    pass: async (byMs) => queues.pass(byMs),
  };
}
