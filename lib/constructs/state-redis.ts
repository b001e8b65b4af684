import { CfnServerlessCache, CfnUser, CfnUserGroup } from 'aws-cdk-lib/aws-elasticache';
import { Construct } from 'constructs';
import { redisChannels, redisKeys, redisName } from '#core/catalogue/redis-keys.ts';
import { planeName } from '#lib/names.ts';
import type { GivenRedis, RedisSize } from '#lib/stages.ts';

export interface StateRedisProps {
  readonly cell: string;
  readonly size: RedisSize;
}

/** What the rest of the plane needs of a Redis, whoever made it. */
export interface RedisAccess {
  readonly name: string;
  readonly userName: string;
  readonly hostPort: string;
  /** What `elasticache:Connect` is granted on: both cache and user, or the connection is refused. Empty without IAM. */
  readonly connectArns: readonly string[];
}

/** A server without IAM that was not made here. */
export const givenRedis = (cell: string, { hostPort }: GivenRedis): RedisAccess => ({
  name: planeName(cell, 'redis'),
  userName: planeName(cell, 'plane'),
  hostPort,
  connectArns: [],
});

const engine = 'valkey';

/**
 * Serverless Valkey with a public endpoint, so that functions outside a VPC can read the kill switch; see
 * docs/decisions/serverless-valkey-public.md. IAM is the only way in, over TLS 1.3. Its `volatile-lru` never evicts a
 * key without a TTL, so it serves as state and as cache.
 */
export class StateRedis extends Construct implements RedisAccess {
  readonly name: string;
  readonly userName: string;
  readonly hostPort: string;
  readonly connectArns: readonly string[];

  constructor(scope: Construct, id: string, { cell, size }: StateRedisProps) {
    super(scope, id);
    const user = this.user(cell);
    // Without a user named default: Valkey needs none, and a public endpoint wants every user of the group to use IAM.
    const group = new CfnUserGroup(this, 'Users', {
      engine,
      userGroupId: planeName(cell, 'redis'),
      userIds: [user.ref],
    });
    const cache = new CfnServerlessCache(this, 'Cache', {
      engine,
      majorEngineVersion: size.majorEngineVersion,
      serverlessCacheName: planeName(cell, 'redis'),
      description: `State and cache of the cell ${cell}`,
      connectionType: 'public',
      userGroupId: group.ref,
      cacheUsageLimits: {
        dataStorage: { maximum: size.maximumDataGb, unit: 'GB' },
        ecpuPerSecond: { maximum: size.maximumEcpuPerSecond },
      },
      snapshotRetentionLimit: size.snapshotsKept,
      dailySnapshotTime: size.snapshotAt,
    });
    this.name = cache.ref;
    this.userName = user.userName;
    this.hostPort = `${cache.attrEndpointAddress}:${cache.attrEndpointPort}`;
    this.connectArns = [cache.attrArn, user.attrArn];
  }

  /** IAM wants user id and user name to be the same, and the token is signed for that name. */
  private user(cell: string): CfnUser {
    const name = planeName(cell, 'plane');
    return new CfnUser(this, 'User', {
      engine,
      userId: name,
      userName: name,
      authenticationMode: { Type: 'iam' },
      accessString: accessString(cell),
    });
  }
}

/**
 * The keys and channels of the catalogue, and every command but those that administer or harm the server. INFO counts
 * as dangerous, but tells the replication id, by which a lost halt is told from a released one.
 */
function accessString(cell: string): string {
  const filled = (pattern: string) => redisName(pattern, { cell }).replaceAll(/\{.*\}/g, '*');
  const keys = Object.values(redisKeys).map(({ pattern }) => `~${filled(pattern)}`);
  const channels = Object.values(redisChannels).map((channel) => `&${filled(channel)}`);
  return ['on', ...keys, ...channels, '+@all', '-@admin', '-@dangerous', '+info'].join(' ');
}
