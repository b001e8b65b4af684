// A plane's backplane on LocalStack: Valkey and tables of our own, LocalStack in host mode, the real bootstrap and deploy,
// and then everything read back from what was deployed. Scheduler, pollers and clock are those of the local plane.
//
//   poller ─ receive ─> LocalStack's SQS            function ─ SQS, S3, DynamoDB ─> LocalStack ─ store ─> dynalite
//   poller ─ Invoke ──> LocalStack's Lambda ─ plug-in ─> Lambda host      function ─ the rest ─> AWS front ─> LocalStack
//   scheduler <─ ListSchedules, GetSchedule ─ LocalStack
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startAwsApi } from '#local/aws-api.ts';
import type { Backplane, Base } from '#local/backplane.ts';
import { createEventBuses, type BusEvent, type EventBuses } from '#local/events.ts';
import { freePort } from '#local/loopback.ts';
import type { PlaneEndpoints } from '#local/plane-event.ts';
import { startRedis, type Redis } from '#local/redis.ts';
import type { Addresses } from '#local/resource-types.ts';
import { serveTasks } from '#local/serve-tasks.ts';
import { startTables } from '#local/tables.ts';
import { bootstrap, deploy, type DeployOptions } from '../deploy.ts';
import { skipsOf, type Skip } from '../profiles/holes.ts';
import { localstack } from '../profiles/localstack.ts';
import { readCreated, readDeployed, type Created } from './deployed.ts';
import { lambdasOf } from './functions.ts';
import { startHost, type Host } from './host.ts';
import { invokeOver } from './invoke.ts';
import { startLambdaFront } from './lambda-front.ts';
import { requireLoopbackOnly, type Listener } from './listeners.ts';
import { watchQueues } from './queue-watch.ts';
import { putEventsOf } from './put-events.ts';
import { serviceEvents } from './service-events.ts';
import { thinAssembly } from './thin.ts';

/** What a deployment came to. */
export interface Deployment {
  readonly endpoint: string;
  readonly created: readonly Created[];
  readonly skipped: readonly Skip[];
  readonly outputs: Readonly<Record<string, string>>;
  /** Looks again who listens where. Throws NOT_LOOPBACK. */
  listeners(): Listener[];
}

export interface EmulatorOptions {
  readonly root: string;
  readonly interpreter: string;
  /** Emptied, and then all that the run writes. */
  readonly folder: string;
  /** Hears of each step as it ends. */
  readonly note: (text: string) => void;
  readonly onDeployed: (deployment: Deployment) => void;
}

/** Starts everything up to a plane's own parts. What was started stands in `base.undo`, also when it throws. */
export async function startEmulator(base: Base, options: EmulatorOptions): Promise<Backplane> {
  const { assembly, undo, emit, clock } = base;
  const skipped = skipsOf(assembly, localstack);
  const folder = join(options.folder, 'localstack');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { endpoints, tablesPort, redis, front } = await startOwnServers(base);
  const functions = lambdasOf(base, endpoints);
  undo.push(() => functions.lambdas.stop());
  const lambdaFront = await startLambdaFront(functions);
  undo.push(() => lambdaFront.stop());
  const { port } = new URL(endpoints.sqs);
  const { interpreter } = options;
  const parts = { interpreter, folder, port: Number(port), lambdaHostUrl: lambdaFront.url, tablesPort };
  const host = await startHost({ ...parts, guardian: base.guardian });
  undo.push(() => host.stop());
  const listeners = (): Listener[] => requireLoopbackOnly([host.pid, ...(redis.pid === undefined ? [] : [redis.pid])]);
  options.note(`LocalStack ${localstack.version} answers; ${listeners().length} ports, all on loopback`);

  const addresses = addressesOf(base, host, redis);
  const assemblyDir = thinAssembly({ assembly, skipped, addresses, dir: join(folder, 'cdk.deploy') });
  const outputs = await deployAll(base, options, { folder, endpoint: host.url, assemblyDir });
  const clients = clientsOf(base, host);
  const created = await readCreated(clients.cloudFormation, assembly);
  const resources = await readDeployed({ assembly, clients, created, addresses, functions: lambdaFront.functions() });
  options.onDeployed({ endpoint: host.url, created, skipped, outputs, listeners });
  const services = serviceEvents(base, host.url);
  const onEvent = (event: BusEvent): void => services.forward(event);
  const buses = createEventBuses({ buses: resources.buses, nowMs: clock.now, newId: randomUUID, emit, onEvent });
  const onLogLine = (line: string): void => functions.metrics.readLine(line);
  const { tasks, ecs } = serveTasks(base, { endpoints, resources, buses, onLogLine });
  const emulator = { url: host.url, onAnswered: (call: { target: string; body: string }) => record(call, buses) };
  front.serve({ ecs, connections: base.doors.connections, emulator });
  const ran = { lambdas: functions.lambdas, tasks, metrics: functions.metrics, sending: () => services.pending() };
  const queues = watchQueues(host.url);
  return {
    endpoints,
    resources,
    queues,
    ...ran,
    invoke: (name, event) => invokeOver(clients.lambda, name, event),
    environment: (name) => functions.environment(name),
    events: () => buses.recorded(),
    queueDepths: () => queues.depths(),
  };
}

/** LocalStack runs the rules of its buses; what was put is recorded here as well, since it tells nobody. */
function record(call: { target: string; body: string }, buses: EventBuses): void {
  const entries = putEventsOf(call);
  if (entries.length > 0) buses.put(entries);
}

const addressesOf = ({ settings, doors }: Base, host: Host, redis: Redis): Addresses => ({
  region: settings.region,
  sqsUrl: host.url,
  redisHost: redis.host,
  redisPort: redis.port,
  ...doors.addresses,
});

interface OwnServers {
  endpoints: PlaneEndpoints;
  tablesPort: number;
  redis: Redis;
  front: Awaited<ReturnType<typeof startAwsApi>>;
}

/** Valkey, tables and the AWS front; the addresses of functions stand before there is a LocalStack to deploy them. */
async function startOwnServers({ options, folder, guardian, emit, doors, undo }: Base): Promise<OwnServers> {
  const { ports = {}, variables = process.env } = options;
  const onLost = (message: string): void => emit({ type: 'error', where: 'Valkey', message });
  const redis = await startRedis({ dataDir: folder.redisDir, port: ports.redis, guardian, variables, onLost });
  undo.push(() => redis.stop());
  const tables = await startTables(ports.dynamodb);
  undo.push(() => tables.stop());
  const front = await startAwsApi(ports.aws, emit);
  undo.push(() => front.stop());
  const url = `http://127.0.0.1:${await freePort({ what: 'LocalStack', port: ports.sqs })}`;
  const endpoints = { sqs: url, s3: url, dynamodb: url, redis: redis.url, aws: front.url, ...doors.endpoints };
  return { endpoints, tablesPort: Number(new URL(tables.url).port), redis, front };
}

type Place = Pick<DeployOptions, 'folder' | 'endpoint' | 'assemblyDir'>;

async function deployAll(base: Base, { root, note }: EmulatorOptions, place: Place): Promise<Record<string, string>> {
  const { settings, guardian } = base;
  const options = { ...place, root, settings, guardian };
  await bootstrap(options);
  note('cdk bootstrap is done');
  const outputs = await deploy(options);
  note('cdk deploy is done');
  return outputs;
}

function clientsOf({ settings, undo }: Base, { url: endpoint }: Host) {
  const clients = {
    cloudFormation: new CloudFormationClient({ ...settings, endpoint }),
    lambda: new LambdaClient({ ...settings, endpoint }),
    scheduler: new SchedulerClient({ ...settings, endpoint }),
  };
  undo.push(() => Object.values(clients).forEach((client) => client.destroy()));
  return clients;
}
