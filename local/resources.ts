// The resources of a template as the plane needs them: physical names, units in names, defaults of AWS filled in.
import * as z from 'zod';
import { codeFolder, type Assembly } from '#local/assembly.ts';
import { parseProperties } from '#local/properties.ts';
import type { Resolver } from '#local/resolver.ts';

export interface QueueSpec {
  logicalId: string;
  name: string;
  url: string;
  arn: string;
  /** As CreateQueue takes them. */
  attributes: Record<string, string>;
  deadLetterArn?: string;
}

export interface TableSpec {
  logicalId: string;
  name: string;
  /** As CreateTable takes it, as far as it matters locally. */
  definition: Record<string, unknown>;
}

export interface BucketSpec {
  logicalId: string;
  name: string;
}

export interface BusSpec {
  name: string;
  arn: string;
}

export interface FunctionSpec {
  logicalId: string;
  name: string;
  arn: string;
  handler: string;
  runtime: string;
  timeoutMs: number;
  memoryMb: number;
  /** The unpacked bundle. */
  codeDir: string;
  variables: Record<string, string>;
  logGroup: string;
  reservedConcurrency?: number;
}

export interface MappingSpec {
  logicalId: string;
  queueArn: string;
  functionName: string;
  enabled: boolean;
  batchSize: number;
  batchingWindowMs: number;
  maximumConcurrency?: number;
  reportsItemFailures: boolean;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const queueSchema = z.object({
  FifoQueue: scalar.optional(),
  ContentBasedDeduplication: scalar.optional(),
  DeduplicationScope: scalar.optional(),
  FifoThroughputLimit: scalar.optional(),
  VisibilityTimeout: scalar.optional(),
  DelaySeconds: scalar.optional(),
  MessageRetentionPeriod: scalar.optional(),
  MaximumMessageSize: scalar.optional(),
  ReceiveMessageWaitTimeSeconds: scalar.optional(),
  RedrivePolicy: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() }).optional(),
});

const tableSchema = z.object({
  KeySchema: z.array(z.unknown()),
  AttributeDefinitions: z.array(z.unknown()),
  GlobalSecondaryIndexes: z
    .array(z.object({ IndexName: z.string(), KeySchema: z.array(z.unknown()), Projection: z.unknown() }))
    .optional(),
  LocalSecondaryIndexes: z.array(z.unknown()).optional(),
});

const functionSchema = z.object({
  Handler: z.string(),
  Runtime: z.literal('nodejs24.x'),
  Timeout: z.coerce.number().default(3),
  MemorySize: z.coerce.number().default(128),
  Code: z.object({ S3Key: z.string().optional() }),
  Environment: z.object({ Variables: z.record(z.string(), scalar).default({}) }).optional(),
  ReservedConcurrentExecutions: z.coerce.number().optional(),
  LoggingConfig: z.object({ LogGroup: z.string().optional() }).optional(),
});

const mappingSchema = z.object({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  Enabled: z.coerce.string().optional(),
  BatchSize: z.coerce.number().default(10),
  MaximumBatchingWindowInSeconds: z.coerce.number().default(0),
  ScalingConfig: z.object({ MaximumConcurrency: z.coerce.number().optional() }).optional(),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
});

export function queueSpecs(resolver: Resolver): QueueSpec[] {
  return resolver.ofType('AWS::SQS::Queue').map((resource) => {
    const { RedrivePolicy, ...plain } = parseProperties(resolver, resource, queueSchema);
    const attributes = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
    if (RedrivePolicy) attributes['RedrivePolicy'] = JSON.stringify(RedrivePolicy);
    return {
      logicalId: resource.logicalId,
      name: resolver.physicalName(resource),
      url: resolver.attribute(resource, 'Ref'),
      arn: resolver.attribute(resource, 'Arn'),
      attributes,
      ...(RedrivePolicy && { deadLetterArn: RedrivePolicy.deadLetterTargetArn }),
    };
  });
}

export function tableSpecs(resolver: Resolver): TableSpec[] {
  return resolver.ofType('AWS::DynamoDB::Table').map((resource) => ({
    logicalId: resource.logicalId,
    name: resolver.physicalName(resource),
    definition: parseProperties(resolver, resource, tableSchema),
  }));
}

/** Lifecycle rules, encryption and policies of a bucket have no effect here, so only its name is read. */
export function bucketSpecs(resolver: Resolver): BucketSpec[] {
  return resolver.ofType('AWS::S3::Bucket').map((resource) => ({
    logicalId: resource.logicalId,
    name: resolver.physicalName(resource),
  }));
}

export function busSpecs(resolver: Resolver): BusSpec[] {
  return resolver.ofType('AWS::Events::EventBus').map((resource) => ({
    name: resolver.physicalName(resource),
    arn: resolver.attribute(resource, 'Arn'),
  }));
}

/** The functions that custom resources call prepare an account at deployment; there is none to prepare here. */
function customResourceProviders(assembly: Assembly): Set<string> {
  const resources = assembly.stacks.flatMap((stack) => [...stack.resources.values()]);
  const tokens = resources.map(({ properties }) => tokenSchema.safeParse(properties['ServiceToken']).data);
  return new Set(tokens.flatMap((token) => token?.['Fn::GetAtt'][0] ?? []));
}

const tokenSchema = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) });

export function functionSpecs(resolver: Resolver, assembly: Assembly): FunctionSpec[] {
  const providers = customResourceProviders(assembly);
  const ours = resolver.ofType('AWS::Lambda::Function').filter(({ logicalId }) => !providers.has(logicalId));
  return ours.map((resource) => {
    const parsed = parseProperties(resolver, resource, functionSchema);
    const name = resolver.physicalName(resource);
    return {
      logicalId: resource.logicalId,
      name,
      arn: resolver.attribute(resource, 'Arn'),
      handler: parsed.Handler,
      runtime: parsed.Runtime,
      timeoutMs: parsed.Timeout * 1000,
      memoryMb: parsed.MemorySize,
      codeDir: codeFolder(assembly, parsed.Code.S3Key ?? 'none: its code is not a file asset', name),
      variables: parsed.Environment?.Variables ?? {},
      logGroup: parsed.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
      ...(parsed.ReservedConcurrentExecutions && { reservedConcurrency: parsed.ReservedConcurrentExecutions }),
    };
  });
}

export function mappingSpecs(resolver: Resolver): MappingSpec[] {
  return resolver.ofType('AWS::Lambda::EventSourceMapping').map((resource) => {
    const parsed = parseProperties(resolver, resource, mappingSchema);
    const maximumConcurrency = parsed.ScalingConfig?.MaximumConcurrency;
    return {
      logicalId: resource.logicalId,
      queueArn: parsed.EventSourceArn,
      functionName: parsed.FunctionName.split(':').at(-1) ?? parsed.FunctionName,
      enabled: parsed.Enabled !== 'false',
      batchSize: parsed.BatchSize,
      batchingWindowMs: parsed.MaximumBatchingWindowInSeconds * 1000,
      reportsItemFailures: parsed.FunctionResponseTypes.length > 0,
      ...(maximumConcurrency !== undefined && { maximumConcurrency }),
    };
  });
}
