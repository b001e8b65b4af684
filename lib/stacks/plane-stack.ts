import { join } from 'node:path';
import { ArnFormat, CfnOutput, CfnParameter, Stack, type App } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { CommonVariable, EnvironmentOf, OwnVariablesOf } from '#core/catalogue/entry-environment.ts';
import {
  consumerNames,
  entryPoints,
  families,
  type EntryPointName,
  type Family,
  type FunctionName,
} from '#core/catalogue/entry-points.ts';
import type { DoorName } from '#core/catalogue/doors.ts';
import { queueNames, type QueueName } from '#core/catalogue/queues.ts';
import { ArtefactStore } from '#lib/constructs/artefact-store.ts';
import { AuditTrail } from '#lib/constructs/audit-trail.ts';
import { Beat, scheduleArns } from '#lib/constructs/beat.ts';
import { BeatDashboard } from '#lib/constructs/beat-dashboard.ts';
import { Consumer } from '#lib/constructs/consumer.ts';
import { DataKey } from '#lib/constructs/data-key.ts';
import { Executor } from '#lib/constructs/executor.ts';
import { ExecutorImage } from '#lib/constructs/executor-image.ts';
import { Fleet } from '#lib/constructs/fleet.ts';
import { HttpDoors } from '#lib/constructs/http-doors.ts';
import { Ledger } from '#lib/constructs/ledger.ts';
import { LinksRole, linksRoleArn } from '#lib/constructs/links-role.ts';
import { Network } from '#lib/constructs/network.ts';
import { PlaneFunction } from '#lib/constructs/plane-function.ts';
import { SocketDoor } from '#lib/constructs/socket-door.ts';
import { givenRedis, StateRedis, type RedisAccess } from '#lib/constructs/state-redis.ts';
import { StoppedRules } from '#lib/constructs/stopped-rules.ts';
import { TaskQueue } from '#lib/constructs/task-queue.ts';
import { environmentOf } from '#lib/environment.ts';
import type { Reach } from '#lib/grants.ts';
import { planeName } from '#lib/names.ts';
import type { Stage } from '#lib/stages.ts';

export interface PlaneStackProps {
  readonly stage: Stage;
  /** Root of the project, where the entry points' files are. */
  readonly root: string;
}

/**
 * The whole plane of one stage. One stack: its parts name each other in both directions (queues their senders, senders
 * their queues), and what stands in one template can be read, diffed and run locally as one.
 */
export class PlaneStack extends Stack {
  constructor(app: App, id: string, { stage, root }: PlaneStackProps) {
    super(app, id, { description: `AlphaSwarm's background plane, ${stage.name}` });
    const { cell, logRetention, pollers } = stage;
    const key = new DataKey(this, 'DataKey', { cell, removal: stage.dataRemoval });
    const sockets = new SocketDoor(this, 'Sockets', { cell });
    const reach = this.reachable(stage, { key, sockets });
    const { queues } = reach;
    const beat = new Beat(this, 'Beat', { cell, target: queues.system });

    const common = commonEnvironment(stage, reach);
    const made: Made = { cell, root, reach, logRetention, bundlesFolder: join(app.outdir, 'bundles') };
    const executors = this.executors(made, { stage, common });
    const fleet = new Fleet(this, 'Fleet', { cell, network: new Network(this, 'Network'), executors });
    const own = this.ownVariables(stage, { reach, sockets, fleet });
    const propsOf = <E extends FunctionName>(entryPoint: E) => {
      const environment: EnvironmentOf<E> = environmentOf({ entryPoint, common, queues, own: own[entryPoint] });
      return { ...made, reach: { ...reach, fleet }, entryPoint, environment };
    };
    const consumers = byName(
      consumerNames,
      (name) => new Consumer(this, `Consumer-${name}`, { ...propsOf(name), pollers }),
    );
    const doors = {
      gateway: new PlaneFunction(this, 'Door-gateway', propsOf('gateway')),
      halt: new PlaneFunction(this, 'Door-halt', propsOf('halt')),
      mcp: new PlaneFunction(this, 'Door-mcp', propsOf('mcp')),
      sockets: new PlaneFunction(this, 'Door-sockets', propsOf('sockets')),
    } satisfies Record<DoorName, unknown>;
    this.openDoors(made, { doors, sockets });
    new BeatDashboard(this, 'BeatDashboard', { cell, logGroup: consumers.system.logGroup });
    const { ruleArns } = new StoppedRules(this, 'Stopped', {
      cell,
      clusterArn: fleet.clusterArn,
      families,
      target: queues.kick,
      undelivered: queues.system,
    });

    const workers = { ...consumers, ...doors, ...executors };
    for (const { role } of Object.values(workers)) key.admitThroughTables(role);
    for (const name of queueNames) {
      const writers = Object.entries(entryPoints).filter(([, { writesTo }]) => writesTo.includes(name));
      const roles: IRole[] = writers.map(([writer]) => workers[writer as EntryPointName].role);
      if (name === 'kick') queues.kick.admitWithRules(roles, ruleArns);
      else queues[name].admitOnly(name === 'system' ? [beat.role, ...roles] : roles);
    }
    queues.system.admitUndelivered(ruleArns);
  }

  /** What only some functions are given. */
  private ownVariables(
    { releaseByAnother }: Stage,
    { reach, sockets, fleet }: { reach: Reach; sockets: SocketDoor; fleet: Fleet },
  ): OwnVariables {
    // Given at deployment, for it names your tenants of Entra and Auth0: docs/identity.md.
    const identity = new CfnParameter(this, 'Identity', {
      type: 'String',
      default: '[]',
      description:
        'Issuers whose tokens the gateway takes, as JSON: docs/identity.md. With none it refuses every token.',
    });
    const audit = { AUDIT_BUCKET: reach.audit.anchors.bucketName, AUDIT_KEY: reach.audit.signing.keyId };
    const known = { IDENTITY: identity.valueAsString };
    const linked = { ...known, LINKS_ROLE: reach.linksRoleArn };
    const posting = {
      CONNECTIONS_TABLE: reach.ledger.connections.tableName,
      SOCKETS_CALLBACK: sockets.callbackUrl,
    };
    const none = byName(consumerNames, () => ({}));
    return {
      ...none,
      dispatcher: fleet.environment,
      system: { ...audit, ...posting },
      gateway: { ...linked, ...audit },
      halt: { ...known, RELEASE_BY_ANOTHER: String(releaseByAnother) },
      mcp: linked,
      sockets: { ...known, ...posting },
      relay: posting,
    };
  }

  private openDoors(
    { cell, reach, logRetention }: Made,
    { doors, sockets }: { doors: { [D in DoorName]: PlaneFunction<D> }; sockets: SocketDoor },
  ): void {
    const http = new HttpDoors(this, 'Http', { cell, functions: doors, logRetention });
    sockets.answerWith(doors.sockets.handler);
    new LinksRole(this, 'Links', { cell, store: reach.store, signers: [doors.gateway.role, doors.mcp.role] });
    new CfnOutput(this, 'GatewayUrl', { value: http.url, description: 'The HTTP API: alphaswarm --profile' });
    new CfnOutput(this, 'SocketsUrl', { value: sockets.url, description: 'The WebSocket API of progress' });
  }

  private executors(
    made: Made,
    { stage: { executorBase: base }, common }: { stage: Stage; common: Record<CommonVariable, string> },
  ): Record<Family, Executor<Family>> {
    const { image } = new ExecutorImage(this, 'ExecutorImage', { ...made, families, base });
    return byName(families, (family) => {
      const environment = environmentOf({ entryPoint: family, common, queues: made.reach.queues, own: {} });
      return new Executor(this, `Executor-${family}`, { ...made, family, image, environment });
    });
  }

  private reachable(stage: Stage, { key: { key }, sockets }: { key: DataKey; sockets: SocketDoor }): Reach {
    const { cell, deletionProtection, dataRemoval: removal } = stage;
    return {
      audit: new AuditTrail(this, 'Audit', { cell, key, stage }),
      secretsArn: this.formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: `alphaswarm/${cell}/*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      linksRoleArn: linksRoleArn(this, cell),
      scheduleArns: scheduleArns(this, cell),
      connectionsArn: sockets.connectionsArn,
      queues: byName(queueNames, (name: QueueName) => new TaskQueue(this, `Queue-${name}`, { cell, name })),
      ledger: new Ledger(this, 'Ledger', { cell, key, deletionProtection, removal }),
      store: new ArtefactStore(this, 'Artefacts', { removal }),
      bus: new EventBus(this, 'Lifecycle', { eventBusName: planeName(cell, 'lifecycle') }),
      redis: this.redis(stage),
    };
  }

  private redis({ cell, redis }: Stage): RedisAccess {
    return 'hostPort' in redis ? givenRedis(cell, redis) : new StateRedis(this, 'Redis', { cell, size: redis });
  }
}

type OwnVariables = { readonly [E in FunctionName]: Readonly<Record<OwnVariablesOf<E>, string>> };

/** What every bundle is made with. */
interface Made {
  readonly cell: string;
  readonly root: string;
  readonly reach: Reach;
  readonly logRetention: Stage['logRetention'];
  readonly bundlesFolder: string;
}

const commonEnvironment = (
  stage: Stage,
  { ledger, audit, store, bus, redis }: Reach,
): Record<CommonVariable, string> => ({
  STAGE: stage.name,
  CELL: stage.cell,
  LEDGER_TABLE: ledger.runs.tableName,
  LEDGER_SHARDS: String(stage.ledgerShards),
  CONTROL_TABLE: ledger.control.tableName,
  AUDIT_TABLE: audit.table.tableName,
  BUCKET: store.bucket.bucketName,
  EVENT_BUS: bus.eventBusName,
  STATE_REDIS: redis.hostPort,
  CACHE_REDIS: redis.hostPort,
  REDIS_NAME: redis.name,
  REDIS_USER: redis.userName,
  LOG_LEVEL: stage.logLevel,
});

const byName = <Name extends string, Value>(names: readonly Name[], make: (name: Name) => Value): Record<Name, Value> =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
