import { RemovalPolicy } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** What differs from stage to stage. Every stage spells every field out: a default is a decision nobody sees. */
export interface Stage {
  readonly name: string;
  /** Enters every name, id and key prefix. */
  readonly cell: string;
  /** Partitions of each ledger index; rows are spread over them by their id, so it only ever grows. */
  readonly ledgerShards: number;
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly logRetention: RetentionDays;
  /** Whether tables refuse to be deleted, by whomever. */
  readonly deletionProtection: boolean;
  /** What becomes of tables, key and bucket when the stack goes. A bucket that is not empty stays in any case. */
  readonly dataRemoval: RemovalPolicy;
  readonly redis: RedisSize | GivenRedis;
  /** Who receives for the functions: Lambda, or somebody beside it, and then the mappings are there but disabled. */
  readonly pollers: 'lambda' | 'outside';
  /** How each hour's signed audit lies locked, and for how long. */
  readonly anchors: { readonly lock: 'governance' | 'compliance'; readonly days: number };
  /** Whether a halt is released by another person than who engaged it. */
  readonly releaseByAnother: boolean;
  /** The image that executors are built upon, in Docker's short form: it has Node 24 on its PATH. */
  readonly executorBase: string;
}

/** A server that stands already, for what cannot make one. */
export interface GivenRedis {
  /** `HOST:PORT`. */
  readonly hostPort: string;
}

export interface RedisSize {
  /** 9 is the first version with a public endpoint. */
  readonly majorEngineVersion: string;
  /** Bounds of the bill: ElastiCache refuses writes beyond the first, and throttles beyond the second. */
  readonly maximumDataGb: number;
  readonly maximumEcpuPerSecond: number;
  readonly snapshotsKept: number;
  /** UTC, `HH:MM`. */
  readonly snapshotAt: string;
}

export const stages = {
  dev: {
    name: 'dev',
    cell: 'dev',
    ledgerShards: 1,
    logLevel: 'INFO',
    logRetention: RetentionDays.TWO_WEEKS,
    deletionProtection: false,
    dataRemoval: RemovalPolicy.DESTROY,
    // 1 GB and 1,000 ECPU a second are the least that ElastiCache takes as maxima; the beat alone sends about a hundred
    // commands, of one ECPU each, a minute.
    redis: {
      majorEngineVersion: '9',
      maximumDataGb: 1,
      maximumEcpuPerSecond: 1000,
      snapshotsKept: 1,
      snapshotAt: '03:00',
    },
    pollers: 'lambda',
    // A day, and an administrator may lift it: what is tried out here must be able to go.
    anchors: { lock: 'governance', days: 1 },
    releaseByAnother: false,
    executorBase: 'node:24-bookworm-slim',
  },
} as const satisfies Record<string, Stage>;

/**
 * What LocalStack deploys (docs/localstack.md): `dev` without what it cannot make. Valkey is started outside, and mappings
 * are polled outside, because LocalStack's own take a quarter of a second a message. Not in `stages`: nobody deploys it to AWS.
 */
export const emulatorStage = (redis: GivenRedis): Stage => ({
  ...stages.dev,
  name: 'emulator',
  cell: 'emulator',
  redis,
  pollers: 'outside',
});
