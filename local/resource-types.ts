// What each resource type answers to Ref and Fn::GetAtt on this machine, and which types mean nothing here. A type in
// neither list is refused when the assembly is read: silently leaving out, say, an event rule would make the local run a
// different system from the deployed one.
import { createHash } from 'node:crypto';
import type { Resource } from '#local/assembly.ts';

export const LOCAL_ACCOUNT_ID = '000000000000';

/** Addresses that only exist once the servers listen. */
export interface Addresses {
  region: string;
  sqsUrl: string;
  redisHost: string;
  redisPort: number;
  /** The doors of the HTTP API and of the WebSocket API: `http://127.0.0.1:PORT`, `ws://127.0.0.1:PORT`. */
  gatewayUrl?: string;
  socketsUrl?: string;
  /** Answers to parameters of the template (`Identity`); any other has its default. */
  parameters?: Readonly<Record<string, string>>;
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

/** Ten letters and digits, as AWS gives them. */
const apiId: Attribute = ({ name: api }) => {
  const digits = BigInt(`0x${createHash('sha256').update(api).digest('hex').slice(0, 15)}`).toString(36);
  return digits.padStart(10, '0').slice(-10);
};
/** Without a stage, as on AWS, where a client appends it. */
const apiEndpoint: Attribute = (named) => {
  const isSockets = named.property('ProtocolType') === 'WEBSOCKET';
  const { region, gatewayUrl, socketsUrl } = named.addresses;
  const local = isSockets ? socketsUrl : gatewayUrl;
  return local ?? `${isSockets ? 'wss' : 'https'}://${apiId(named)}.execute-api.${region}.amazonaws.com`;
};
const secretArn: Attribute = arn('secretsmanager', 'secret:', '-local0');

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
  'AWS::ApiGatewayV2::Api': { ref: apiId, attributes: { ApiId: apiId, ApiEndpoint: apiEndpoint } },
  'AWS::ApiGatewayV2::Integration': { attributes: { IntegrationId: name } },
  'AWS::ApiGatewayV2::Route': { attributes: { RouteId: name } },
  'AWS::ApiGatewayV2::Stage': { nameProperty: 'StageName' },
  'AWS::SecretsManager::Secret': { nameProperty: 'Name', ref: secretArn, attributes: { Id: secretArn } },
  'AWS::SSM::Parameter': { nameProperty: 'Name' },
  'AWS::KMS::Alias': { nameProperty: 'AliasName' },
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
