import { join } from 'node:path';
import { Stack, type App } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import {
  entryPoints,
  families,
  functionNames,
  type CommonVariable,
  type EntryPointName,
  type Family,
} from '#core/catalogue/entry-points.ts';
import { queueNames, type QueueName } from '#core/catalogue/queues.ts';
import { ArtefactStore } from '#lib/constructs/artefact-store.ts';
import { Beat } from '#lib/constructs/beat.ts';
import { BeatDashboard } from '#lib/constructs/beat-dashboard.ts';
import { Consumer } from '#lib/constructs/consumer.ts';
import { DataKey } from '#lib/constructs/data-key.ts';
import { Executor } from '#lib/constructs/executor.ts';
import { ExecutorImage } from '#lib/constructs/executor-image.ts';
import { Fleet } from '#lib/constructs/fleet.ts';
import { Ledger } from '#lib/constructs/ledger.ts';
import { Network } from '#lib/constructs/network.ts';
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
    const reach = this.reachable(stage, key);
    const { queues } = reach;
    const beat = new Beat(this, 'Beat', { cell, target: queues.system });

    const common = commonEnvironment(stage, reach);
    const made: Made = { cell, root, reach, logRetention, bundlesFolder: join(app.outdir, 'bundles') };
    const executors = this.executors(stage, made, common);
    const fleet = new Fleet(this, 'Fleet', { cell, network: new Network(this, 'Network'), executors });
    const consumers = byName(functionNames, (entryPoint) => {
      const own = entryPoint === 'dispatcher' ? fleet.environment : {};
      const environment = environmentOf({ entryPoint, common, queues, own });
      const props = { ...made, reach: { ...reach, fleet }, pollers, entryPoint, environment };
      return new Consumer(this, `Consumer-${entryPoint}`, props);
    });
    new BeatDashboard(this, 'BeatDashboard', { cell, logGroup: consumers.system.logGroup });
    const { ruleArns } = new StoppedRules(this, 'Stopped', {
      cell,
      clusterArn: fleet.clusterArn,
      families,
      target: queues.kick,
      undelivered: queues.system,
    });

    const workers = { ...consumers, ...executors };
    for (const { role } of Object.values(workers)) key.admitThroughTables(role);
    for (const name of queueNames) {
      const writers = Object.entries(entryPoints).filter(([, { writesTo }]) => writesTo.includes(name));
      const roles: IRole[] = writers.map(([writer]) => workers[writer as EntryPointName].role);
      if (name === 'kick') queues.kick.admitWithRules(roles, ruleArns);
      else queues[name].admitOnly(name === 'system' ? [beat.role, ...roles] : roles);
    }
    queues.system.admitUndelivered(ruleArns);
  }

  private executors(
    { executorBase: base }: Stage,
    made: Made,
    common: Record<CommonVariable, string>,
  ): Record<Family, Executor<Family>> {
    const { image } = new ExecutorImage(this, 'ExecutorImage', { ...made, families, base });
    return byName(families, (family) => {
      const environment = environmentOf({ entryPoint: family, common, queues: made.reach.queues, own: {} });
      return new Executor(this, `Executor-${family}`, { ...made, family, image, environment });
    });
  }

  private reachable(stage: Stage, { key }: DataKey): Reach {
    const { cell, deletionProtection, dataRemoval: removal } = stage;
    return {
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

/** What every bundle is made with. */
interface Made {
  readonly cell: string;
  readonly root: string;
  readonly reach: Reach;
  readonly logRetention: Stage['logRetention'];
  readonly bundlesFolder: string;
}

const commonEnvironment = (stage: Stage, { ledger, store, bus, redis }: Reach): Record<CommonVariable, string> => ({
  STAGE: stage.name,
  CELL: stage.cell,
  LEDGER_TABLE: ledger.runs.tableName,
  LEDGER_SHARDS: String(stage.ledgerShards),
  CONTROL_TABLE: ledger.control.tableName,
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
