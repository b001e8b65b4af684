// Reads a resource's properties into a shape. A property that is neither read nor listed here as without effect is
// refused by name: it may well change what runs.
import type * as z from 'zod';
import type { Resource } from '#local/assembly.ts';
import { PlaneError } from '#local/errors.ts';
import type { Resolver } from '#local/resolver.ts';

// Properties that change nothing on one machine: who may do it, how it is encrypted, what is kept after deletion.
const NO_EFFECT: Record<string, string[]> = {
  'AWS::SQS::Queue': [
    'QueueName',
    'Tags',
    'SqsManagedSseEnabled',
    'KmsMasterKeyId',
    'KmsDataKeyReusePeriodSeconds',
    'RedriveAllowPolicy',
  ],
  'AWS::DynamoDB::Table': [
    'TableName',
    'Tags',
    'BillingMode',
    'ProvisionedThroughput',
    'OnDemandThroughput',
    'SSESpecification',
    'PointInTimeRecoverySpecification',
    'DeletionProtectionEnabled',
    'TimeToLiveSpecification',
    'TableClass',
    'WarmThroughput',
    'ContributorInsightsSpecification',
  ],
  'AWS::Lambda::Function': [
    'FunctionName',
    'Role',
    'Description',
    'Architectures',
    'Tags',
    'TracingConfig',
    'VpcConfig',
    'KmsKeyArn',
    'RecursiveLoop',
    'EphemeralStorage',
    'PackageType',
  ],
  'AWS::Lambda::EventSourceMapping': ['Tags'],
  'AWS::ECS::Cluster': ['ClusterName', 'ClusterSettings', 'Tags'],
  // What Fargate and its image give a process here: nothing is isolated, pulled or shared on one machine.
  'AWS::ECS::TaskDefinition': [
    'RequiresCompatibilities',
    'RuntimePlatform',
    'EphemeralStorage',
    'Volumes',
    'Tags',
    'ExecutionRoleArn',
    'TaskRoleArn',
  ],
  'AWS::Events::Rule': ['Description'],
  'AWS::ApiGatewayV2::Api': ['Name', 'Description', 'Tags', 'IpAddressType', 'DisableExecuteApiEndpoint'],
  'AWS::ApiGatewayV2::Integration': ['Description', 'IntegrationMethod', 'CredentialsArn', 'ConnectionType'],
  'AWS::ApiGatewayV2::Route': ['OperationName', 'ApiKeyRequired'],
  'AWS::ApiGatewayV2::Stage': ['Description', 'Tags', 'AutoDeploy', 'AccessLogSettings'],
  'AWS::Scheduler::Schedule': ['Name', 'Description', 'KmsKeyArn'],
};

/** The properties of `resource` in the shape of `schema`. Throws TEMPLATE_UNSUPPORTED. */
export function parseProperties<Shape extends z.ZodRawShape>(
  resolver: Resolver,
  resource: Resource,
  schema: z.ZodObject<Shape>,
): z.infer<z.ZodObject<Shape>> {
  const noEffect = NO_EFFECT[resource.type] ?? [];
  const place = `${resource.stack.templateFile}: ${resource.logicalId} (${resource.type})`;
  const known: Record<string, unknown> = {};
  for (const key of Object.keys(resource.properties)) {
    if (noEffect.includes(key)) continue;
    if (!(key in schema.shape)) {
      throw new PlaneError(
        'TEMPLATE_UNSUPPORTED',
        `${place} has the property ${key}, which the local plane does not know. Teach local/properties.ts.`,
      );
    }
    known[key] = resolver.property(resource, key);
  }
  const parsed = schema.safeParse(known);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `${place}, ${issue?.path.join('.')}: ${issue?.message}. Correct it in lib/.`,
  );
}
