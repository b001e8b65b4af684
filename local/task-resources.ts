// Clusters and task definitions of a template, as far as a process on this machine needs them.
import * as z from 'zod';
import { imageFolder, type Assembly } from '#local/assembly.ts';
import { parseProperties } from '#local/properties.ts';
import type { Resolver } from '#local/resolver.ts';

export interface ClusterSpec {
  name: string;
  arn: string;
  capacityProviders: string[];
}

export interface TaskDefinitionSpec {
  logicalId: string;
  family: string;
  arn: string;
  /** As ECS tells them: 1024 units a vCPU, MiB. */
  cpu: string;
  memory: string;
  container: ContainerSpec;
}

export interface ContainerSpec {
  name: string;
  image: string;
  /** The folder that the image is built from: what would be its working directory. */
  imageDir: string;
  command: string[];
  variables: Record<string, string>;
  /** From SIGTERM to SIGKILL. */
  stopTimeoutMs: number;
}

const clusterSchema = z.object({ CapacityProviders: z.array(z.string()).default([]) });

/** Strict: what a container is given and we do not read might change what runs. */
const containerSchema = z.strictObject({
  Name: z.string(),
  Image: z.string(),
  Command: z.array(z.string()).min(1),
  Environment: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).default([]),
  /** ECS waits 30 s where nothing is said. */
  StopTimeout: z.coerce.number().default(30),
  Essential: z.literal(true).optional(),
  // Of no effect here: isolation, and where the log goes.
  User: z.string().optional(),
  ReadonlyRootFilesystem: z.boolean().optional(),
  LinuxParameters: z.unknown().optional(),
  LogConfiguration: z.unknown().optional(),
  MountPoints: z.unknown().optional(),
});

const definitionSchema = z.object({
  Family: z.string(),
  Cpu: z.coerce.string(),
  Memory: z.coerce.string(),
  NetworkMode: z.literal('awsvpc'),
  ContainerDefinitions: z.tuple([containerSchema], 'tasks of one container are understood, no others'),
});

export function clusterSpecs(resolver: Resolver): ClusterSpec[] {
  return resolver.ofType('AWS::ECS::Cluster').map((resource) => ({
    name: resolver.physicalName(resource),
    arn: resolver.attribute(resource, 'Arn'),
    capacityProviders: parseProperties(resolver, resource, clusterSchema).CapacityProviders,
  }));
}

export function taskDefinitionSpecs(resolver: Resolver, assembly: Assembly): TaskDefinitionSpec[] {
  return resolver.ofType('AWS::ECS::TaskDefinition').map((resource) => {
    const { Family, Cpu, Memory, ContainerDefinitions } = parseProperties(resolver, resource, definitionSchema);
    const [container] = ContainerDefinitions;
    return {
      logicalId: resource.logicalId,
      family: Family,
      arn: resolver.attribute(resource, 'Ref'),
      cpu: Cpu,
      memory: Memory,
      container: {
        name: container.Name,
        image: container.Image,
        imageDir: imageFolder(assembly, container.Image, Family),
        command: container.Command,
        variables: Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, Value])),
        stopTimeoutMs: container.StopTimeout * 1000,
      },
    };
  });
}
