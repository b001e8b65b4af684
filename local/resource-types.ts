// What each resource type answers to Ref and Fn::GetAtt on this machine, and which types mean nothing here. A type in
// neither list is refused when the assembly is read: silently leaving out, say, an event rule would make the local run a
// different system from the deployed one.
import type { Resource } from '#local/assembly.ts';

export const LOCAL_ACCOUNT_ID = '000000000000';

/** Addresses that only exist once the servers listen. */
export interface Addresses {
  region: string;
  sqsUrl: string;
  redisHost: string;
  redisPort: number;
  /** What an emulator has called a resource, by `STACK/LOGICAL_ID`; without it the template's name holds, or one is made. */
  physicalNames?: ReadonlyMap<string, string>;
}

/** One resource with its physical name. */
export interface Named {
  resource: Resource;
  name: string;
  addresses: Addresses;
  /** A property of the resource, intrinsics replaced. */
  property(key: string): unknown;
}

type Attribute = (named: Named) => string;

interface ResourceType {
  /** The property that holds the physical name; without it a name is made of stack and logical id. */
  nameProperty?: string;
  /** What Ref gives; the name when absent. */
  ref?: Attribute;
  attributes?: Record<string, Attribute>;
}

const arn =
  (service: string, prefix = '', suffix = ''): Attribute =>
  ({ name, addresses }) =>
    `arn:aws:${service}:${addresses.region}:${LOCAL_ACCOUNT_ID}:${prefix}${name}${suffix}`;
const name: Attribute = (named) => named.name;
const queueUrl: Attribute = ({ name: queue, addresses }) => `${addresses.sqsUrl}/${LOCAL_ACCOUNT_ID}/${queue}`;
const redisHost: Attribute = ({ addresses }) => addresses.redisHost;
const redisPort: Attribute = ({ addresses }) => String(addresses.redisPort);
const scheduleArn: Attribute = (named) => {
  const group = named.property('GroupName');
  return arn('scheduler', `schedule/${typeof group === 'string' ? group : 'default'}/`)(named);
};

export const RESOURCE_TYPES: Record<string, ResourceType> = {
  'AWS::SQS::Queue': {
    nameProperty: 'QueueName',
    ref: queueUrl,
    attributes: { Arn: arn('sqs'), QueueName: name, QueueUrl: queueUrl },
  },
  'AWS::DynamoDB::Table': { nameProperty: 'TableName', attributes: { Arn: arn('dynamodb', 'table/') } },
  'AWS::S3::Bucket': { nameProperty: 'BucketName', attributes: { Arn: (named) => `arn:aws:s3:::${named.name}` } },
  'AWS::Lambda::Function': { nameProperty: 'FunctionName', attributes: { Arn: arn('lambda', 'function:') } },
  'AWS::Lambda::EventSourceMapping': {},
  'AWS::Events::EventBus': { nameProperty: 'Name', attributes: { Arn: arn('events', 'event-bus/'), Name: name } },
  'AWS::Events::Rule': { nameProperty: 'Name', attributes: { Arn: arn('events', 'rule/') } },
  'AWS::ECS::Cluster': { nameProperty: 'ClusterName', attributes: { Arn: arn('ecs', 'cluster/') } },
  // Every start of the plane registers its definitions anew: each is the first of its family.
  'AWS::ECS::TaskDefinition': { nameProperty: 'Family', ref: arn('ecs', 'task-definition/', ':1') },
  'AWS::EC2::Subnet': {},
  'AWS::EC2::SecurityGroup': { attributes: { GroupId: name } },
  'AWS::Scheduler::ScheduleGroup': { nameProperty: 'Name', attributes: { Arn: arn('scheduler', 'schedule-group/') } },
  'AWS::Scheduler::Schedule': { nameProperty: 'Name', attributes: { Arn: scheduleArn } },
  'AWS::CloudWatch::Dashboard': { nameProperty: 'DashboardName' },
  'AWS::Logs::LogGroup': { nameProperty: 'LogGroupName', attributes: { Arn: arn('logs', 'log-group:', ':*') } },
  'AWS::IAM::Role': {
    nameProperty: 'RoleName',
    attributes: { Arn: (named) => `arn:aws:iam::${LOCAL_ACCOUNT_ID}:role/${named.name}` },
  },
  'AWS::KMS::Key': { attributes: { Arn: arn('kms', 'key/'), KeyId: name } },
  'AWS::ElastiCache::ServerlessCache': {
    nameProperty: 'ServerlessCacheName',
    attributes: {
      ARN: arn('elasticache', 'serverlesscache:'),
      'Endpoint.Address': redisHost,
      'Endpoint.Port': redisPort,
      'ReaderEndpoint.Address': redisHost,
      'ReaderEndpoint.Port': redisPort,
    },
  },
  'AWS::ElastiCache::User': { nameProperty: 'UserId', attributes: { Arn: arn('elasticache', 'user:') } },
  'AWS::ElastiCache::UserGroup': { nameProperty: 'UserGroupId', attributes: { Arn: arn('elasticache', 'usergroup:') } },
};

/** Types without a local meaning: permissions, network, keys, alarms, and custom resources that prepare an account. */
const IRRELEVANT = [
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::',
  'AWS::EC2::',
  'AWS::IAM::',
  'AWS::KMS::Alias',
  'AWS::Lambda::Permission',
  'AWS::Logs::',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::SNS::',
  'Custom::S3AutoDeleteObjects',
  'Custom::VpcRestrictDefaultSG',
];

/** True for a type that needs no local counterpart. An entry that ends in `::` stands for a whole service. */
export function isIrrelevant(type: string): boolean {
  return IRRELEVANT.some((entry) => (entry.endsWith('::') ? type.startsWith(entry) : type === entry));
}
