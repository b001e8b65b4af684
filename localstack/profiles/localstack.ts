// LocalStack 4.14.0 in host mode, as found by deploying to it. A type that is not here stops a run before anything is
// deployed: LocalStack by itself passes over what it does not know, and says so nowhere.
import type { Fate, Profile } from './profile.ts';

const supported: Fate = { fate: 'supported' };
const tasks = 'local/tasks.ts: task definitions of the synthesised template run as processes, behind our AWS front';
const nothing = 'nothing: the template tests look after it';

export const localstack: Profile = {
  name: 'localstack',
  version: '4.14.0',
  resources: {
    'AWS::CDK::Metadata': supported,
    'AWS::CloudWatch::Alarm': supported,
    'AWS::CloudWatch::CompositeAlarm': supported,
    'AWS::DynamoDB::Table': supported,
    'AWS::ECR::Repository': supported,
    'AWS::EC2::InternetGateway': supported,
    'AWS::EC2::Route': supported,
    'AWS::EC2::RouteTable': supported,
    'AWS::EC2::SecurityGroup': supported,
    'AWS::EC2::Subnet': supported,
    'AWS::EC2::SubnetRouteTableAssociation': supported,
    'AWS::EC2::VPC': supported,
    'AWS::EC2::VPCEndpoint': supported,
    'AWS::EC2::VPCGatewayAttachment': supported,
    'AWS::Events::EventBus': supported,
    'AWS::Events::EventBusPolicy': supported,
    'AWS::Events::Rule': supported,
    'AWS::IAM::ManagedPolicy': supported,
    'AWS::IAM::Policy': supported,
    'AWS::IAM::Role': supported,
    'AWS::KMS::Alias': supported,
    'AWS::KMS::Key': supported,
    'AWS::Lambda::Function': supported,
    'AWS::Lambda::Permission': supported,
    'AWS::Logs::LogGroup': supported,
    'AWS::S3::Bucket': supported,
    'AWS::S3::BucketPolicy': supported,
    'AWS::SNS::Subscription': supported,
    'AWS::SNS::Topic': supported,
    'AWS::SNS::TopicPolicy': supported,
    'AWS::SQS::Queue': supported,
    'AWS::SQS::QueuePolicy': supported,
    'AWS::SSM::Parameter': supported,
    'AWS::Scheduler::ScheduleGroup': supported,
    'AWS::SecretsManager::Secret': supported,
    'AWS::Lambda::EventSourceMapping': {
      fate: 'idle',
      filledBy: 'local/event-sources.ts, which polls its SQS and invokes over its Lambda',
    },
    'AWS::Scheduler::Schedule': {
      fate: 'idle',
      filledBy: 'local/scheduler.ts, which fires what ListSchedules and GetSchedule say',
    },
    'AWS::ApiGatewayV2::': {
      fate: 'skipped',
      filledBy: 'local/http-api.ts and local/web-socket-api.ts, which invoke over its Lambda',
    },
    'AWS::ApplicationAutoScaling::': { fate: 'skipped', filledBy: nothing },
    'AWS::CloudWatch::Dashboard': { fate: 'skipped', filledBy: nothing },
    'AWS::ECS::': { fate: 'skipped', filledBy: tasks },
    'AWS::ElastiCache::': { fate: 'left out', filledBy: 'a real Valkey of our own, its address given to the stage' },
    'AWS::Logs::MetricFilter': { fate: 'skipped', filledBy: 'local/metrics.ts reads EMF lines' },
    'AWS::Logs::QueryDefinition': { fate: 'skipped', filledBy: nothing },
    'AWS::EC2::EIP': { fate: 'left out', filledBy: 'nothing: there is no network to leave' },
    'AWS::EC2::NatGateway': { fate: 'left out', filledBy: 'nothing: there is no network to leave' },
    'AWS::AutoScaling::': { fate: 'left out', filledBy: tasks },
  },
  parts: [
    {
      what: 'Lambda runtime',
      why: 'it starts a Docker container for each environment',
      filledBy: 'local/lambda-host.ts, handed every invocation by our executor plug-in',
    },
    {
      what: 'DynamoDB store',
      why: 'it is a Java server that listens on every interface',
      filledBy: 'dynalite (local/tables.ts) behind its DynamoDB',
    },
  ],
};
