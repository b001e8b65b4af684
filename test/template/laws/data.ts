import { redisChannels, redisKeys } from '#core/catalogue/redis-keys.ts';
import { limits } from '#core/catalogue/limits.ts';
import { differences, named, ofType, textOf, type Law, type Plane, at, type Properties } from '../plane.ts';
import { statementsIn } from '../policies.ts';

const tableIn = (plane: Plane, name: string): Properties =>
  named(plane, 'AWS::DynamoDB::Table', `alphaswarm-${plane.stage.cell}-${name}`).Properties;
/** The first by its name: of buckets that of artefacts, of keys that of the tables. */
const only = (plane: Plane, type: string): Properties =>
  ofType(plane, type).find(({ id }) => !id.startsWith('Audit'))?.Properties ?? {};
const cache = (plane: Plane): Properties => only(plane, 'AWS::ElastiCache::ServerlessCache');

const keys = (properties: unknown): string =>
  (at(properties, 'KeySchema') as { AttributeName: string }[]).map(({ AttributeName: name }) => name).join();

/** Names as runtime/ledger.ts and runtime/control.ts use them. */
const shapes: Record<string, Record<string, string>> = {
  workload_runs: {
    table: 'id',
    open: 'openKey,checkAfterMs',
    by_queue: 'queueDay,createdKey',
    by_actor: 'actorDay,createdKey',
    by_tenant: 'tenantDay,createdKey',
  },
  control: { table: 'name' },
  connections: { table: 'id', by_expiry: 'expiryMinute,tokenExpiresAtMs' },
  audit_events: {
    table: 'chain,seq',
    by_hour: 'openedHour,writer',
    by_subject: 'subject,at',
    by_tenant: 'tenantDay,at',
  },
};

function shapeOf(table: Properties): Record<string, string> {
  const indexes = (table['GlobalSecondaryIndexes'] ?? []) as { IndexName: string; KeySchema: unknown }[];
  return { table: keys(table), ...Object.fromEntries(indexes.map((index) => [index.IndexName, keys(index)])) };
}

export const dataLaws: Law[] = [
  {
    says: 'the tables have the keys that their adapters read, and their indexes hold keys only, but for pages of the audit',
    broken: (plane) =>
      Object.entries(shapes).flatMap(([name, shape]) => {
        const table = tableIn(plane, name);
        const indexes = (table['GlobalSecondaryIndexes'] ?? []) as { IndexName: string; Projection: unknown }[];
        return [
          ...differences(`keys of ${name}`, shapeOf(table), shape),
          ...indexes.flatMap((index) =>
            differences(`${name}: ${index.IndexName}`, index.Projection, {
              ProjectionType: name === 'audit_events' && index.IndexName !== 'by_hour' ? 'ALL' : 'KEYS_ONLY',
            }),
          ),
        ];
      }),
    planted: (plane) => {
      const [index] = tableIn(plane, 'workload_runs')['GlobalSecondaryIndexes'] as { Projection: unknown }[];
      if (index) index.Projection = { ProjectionType: 'ALL' };
    },
  },
  {
    says: 'the instants of the open index sort as numbers, the creation keys as text',
    broken: (plane) => {
      const types = (tableIn(plane, 'workload_runs')['AttributeDefinitions'] as Record<string, string>[]).map(
        (one) => `${one['AttributeName']}:${one['AttributeType']}`,
      );
      const expected = [
        'id:S',
        'openKey:S',
        'checkAfterMs:N',
        'queueDay:S',
        'createdKey:S',
        'actorDay:S',
        'tenantDay:S',
      ];
      return differences('attributes', types, expected);
    },
    planted: (plane) => {
      const types = tableIn(plane, 'workload_runs')['AttributeDefinitions'] as Record<string, string>[];
      if (types[2]) types[2]['AttributeType'] = 'S';
    },
  },
  {
    says: 'rows and records leave by their TTL: a record that has none stays',
    broken: (plane) =>
      Object.keys(shapes).flatMap((name) =>
        differences(`TTL of ${name}`, tableIn(plane, name)['TimeToLiveSpecification'], {
          AttributeName: 'expiresAt',
          Enabled: true,
        }),
      ),
    planted: (plane) => delete tableIn(plane, 'workload_runs')['TimeToLiveSpecification'],
  },
  {
    says: 'every table is on demand, recoverable to a second, under our key, protected as its stage says',
    broken: (plane) =>
      ofType(plane, 'AWS::DynamoDB::Table').flatMap(({ id, Properties: properties }) => [
        ...differences(`${id}: billing`, properties['BillingMode'], 'PAY_PER_REQUEST'),
        ...differences(
          `${id}: recovery`,
          at(properties, 'PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled'),
          true,
        ),
        ...differences(
          `${id}: key`,
          textOf(at(properties, 'SSESpecification.KMSMasterKeyId')),
          `\${${ofType(plane, 'AWS::KMS::Key').find(({ Properties: { KeySpec } }) => KeySpec === undefined)?.id}.Arn}`,
        ),
        ...differences(`${id}: protection`, properties['DeletionProtectionEnabled'], plane.stage.deletionProtection),
      ]),
    planted: (plane) => delete tableIn(plane, 'control')['PointInTimeRecoverySpecification'],
  },
  {
    says: 'the bucket is private, encrypted, versioned, and speaks TLS 1.2 or later only',
    broken: (plane) => {
      const bucket = only(plane, 'AWS::S3::Bucket');
      const refused = statementsIn(only(plane, 'AWS::S3::BucketPolicy')['PolicyDocument'])
        .filter(
          ({ effect, principals, actions }) => [effect, principals.join(), actions.join()].join() === 'Deny,*,s3:*',
        )
        .map(({ condition }) => JSON.stringify(condition));
      const isPrivate = Object.values((bucket['PublicAccessBlockConfiguration'] ?? {}) as Properties);
      return [
        ...differences('public access', isPrivate, [true, true, true, true]),
        ...differences('versions', bucket['VersioningConfiguration'], { Status: 'Enabled' }),
        ...differences('encryption', 'BucketEncryption' in bucket, true),
        ...differences('refusals', refused, [
          '{"Bool":{"aws:SecureTransport":"false"}}',
          '{"NumericLessThan":{"s3:TlsVersion":1.2}}',
        ]),
      ];
    },
    planted: (plane) => delete only(plane, 'AWS::S3::Bucket')['PublicAccessBlockConfiguration'],
  },
  {
    says: 'payloads go when their rows go, and old versions do not pile up',
    broken: (plane) => {
      const rules = at(only(plane, 'AWS::S3::Bucket'), 'LifecycleConfiguration.Rules') as Properties[];
      const payloads = rules.find(({ Prefix: prefix }) => prefix === 'payloads/')?.['ExpirationInDays'];
      const old = rules
        .filter((rule) => !('Prefix' in rule))
        .map((rule) => at(rule, 'NoncurrentVersionExpiration.NoncurrentDays'));
      return [
        ...differences('days of payloads', payloads, limits.runRetention / 86_400),
        ...differences('days of old versions', old, [7]),
      ];
    },
    planted: (plane) =>
      ((at(only(plane, 'AWS::S3::Bucket'), 'LifecycleConfiguration') as { Rules: unknown[] }).Rules = []),
  },
  {
    says: 'the kill switch can be reached: functions outside a VPC, a public endpoint, an engine that has one',
    broken: (plane) => {
      const inside = ofType(plane, 'AWS::Lambda::Function').filter(
        ({ Properties: { VpcConfig: vpc } }) => vpc !== undefined,
      );
      const { Engine, ConnectionType, MajorEngineVersion, SubnetIds } = cache(plane);
      return [
        ...inside.map(({ id }) => `${id} is in a VPC, from which a public endpoint needs a NAT gateway`),
        ...differences('the cache', [Engine, ConnectionType, SubnetIds], ['valkey', 'public', undefined]),
        ...(Number(MajorEngineVersion) >= 9 ? [] : [`Valkey ${textOf(MajorEngineVersion)} has no public endpoint`]),
      ];
    },
    planted: (plane) => delete cache(plane)['ConnectionType'],
  },
  {
    says: 'everybody comes to the cache by IAM, under one name, and nobody by a password or none',
    broken: (plane) => {
      const users = ofType(plane, 'AWS::ElastiCache::User');
      const group = ofType(plane, 'AWS::ElastiCache::UserGroup')[0];
      const { UserId, UserName, AuthenticationMode, Passwords, NoPasswordRequired } = users[0]?.Properties ?? {};
      return [
        ...differences('the group', textOf(group?.Properties['UserIds']), users.map(({ id }) => `\${${id}}`).join()),
        ...differences("the cache's group", textOf(cache(plane)['UserGroupId']), `\${${group?.id}}`),
        ...differences(
          'the way in',
          [AuthenticationMode, Passwords, NoPasswordRequired],
          [{ Type: 'iam' }, undefined, undefined],
        ),
        ...differences('the name', UserName, UserId),
      ];
    },
    planted: (plane) => (only(plane, 'AWS::ElastiCache::User')['NoPasswordRequired'] = true),
  },
  {
    says: 'that user may touch the keys and channels of the catalogue, and no command that administers or harms',
    broken: (plane) => {
      const access = textOf(only(plane, 'AWS::ElastiCache::User')['AccessString']).split(' ');
      const { cell } = plane.stage;
      const fill = (name: string) => name.replace('{cell}', cell).replace(/\{.*\}/, '*');
      const expected = [
        ...Object.values(redisKeys).map(({ pattern }) => `~${fill(pattern)}`),
        ...Object.values(redisChannels).map((name) => `&${fill(name)}`),
      ];
      return differences('access', access, ['on', ...expected, '+@all', '-@admin', '-@dangerous', '+info']);
    },
    planted: (plane) => (only(plane, 'AWS::ElastiCache::User')['AccessString'] = 'on ~* +@all'),
  },
  {
    says: 'the bill of the cache has a bound',
    broken: (plane) => {
      const { redis } = plane.stage;
      if ('hostPort' in redis) return ['the cache of this stage was not made by it'];
      const { maximumDataGb, maximumEcpuPerSecond } = redis;
      const bounds = {
        DataStorage: { Maximum: maximumDataGb, Unit: 'GB' },
        ECPUPerSecond: { Maximum: maximumEcpuPerSecond },
      };
      return differences('bounds', cache(plane)['CacheUsageLimits'], bounds);
    },
    planted: (plane) => delete cache(plane)['CacheUsageLimits'],
  },
];
