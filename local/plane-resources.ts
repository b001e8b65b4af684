// Everything of the template that the plane runs, resolved to this machine's addresses.
import { apiSpecs, type ApiSpec } from '#local/api-resources.ts';
import type { Assembly } from '#local/assembly.ts';
import { dashboardSpecs, type DashboardSpec } from '#local/dashboard/resources.ts';
import { PlaneError } from '#local/errors.ts';
import { keySpecs, type KeySpec } from '#local/key-resources.ts';
import { createResolver } from '#local/resolver.ts';
import type { Addresses } from '#local/resource-types.ts';
import {
  bucketSpecs,
  busSpecs,
  functionSpecs,
  mappingSpecs,
  queueSpecs,
  tableSpecs,
  type BucketSpec,
  type BusSpec,
  type FunctionSpec,
  type MappingSpec,
  type QueueSpec,
  type TableSpec,
} from '#local/resources.ts';
import { ruleSpecs, type RuleSpec } from '#local/rule-resources.ts';
import { scheduleSpecs, type ScheduleSpec } from '#local/schedule-resources.ts';
import { clusterSpecs, taskDefinitionSpecs, type ClusterSpec, type TaskDefinitionSpec } from '#local/task-resources.ts';

export interface PlaneResources {
  queues: QueueSpec[];
  tables: TableSpec[];
  buckets: BucketSpec[];
  functions: FunctionSpec[];
  mappings: MappingSpec[];
  schedules: ScheduleSpec[];
  buses: BusSpec[];
  dashboards: DashboardSpec[];
  rules: RuleSpec[];
  clusters: ClusterSpec[];
  taskDefinitions: TaskDefinitionSpec[];
  apis: ApiSpec[];
  keys: KeySpec[];
  roleArns: string[];
}

/** Throws TEMPLATE_UNSUPPORTED or ASSEMBLY_UNREADABLE with the resource and what is wrong with it. */
export function readResources(assembly: Assembly, addresses: Addresses): PlaneResources {
  const resolver = createResolver(assembly, addresses);
  const queues = queueSpecs(resolver);
  const resources = {
    queues,
    tables: tableSpecs(resolver),
    buckets: bucketSpecs(resolver),
    functions: functionSpecs(resolver, assembly),
    mappings: mappingSpecs(resolver),
    schedules: scheduleSpecs(resolver, queues),
    buses: busSpecs(resolver),
    dashboards: dashboardSpecs(resolver),
    rules: ruleSpecs(resolver, queues),
    clusters: clusterSpecs(resolver),
    taskDefinitions: taskDefinitionSpecs(resolver, assembly),
    apis: apiSpecs(resolver),
    keys: keySpecs(resolver),
    roleArns: resolver.ofType('AWS::IAM::Role').map((role) => resolver.attribute(role, 'Arn')),
  };
  for (const mapping of resources.mappings) requireBothEnds(mapping, resources);
  for (const api of resources.apis) requireFunctions(api, resources);
  return resources;
}

/** ARNs of the queues where whatever arrives is a dead letter: of a redrive policy, of a schedule or of a rule. */
export function deadLetterArns({ queues, schedules, rules }: PlaneResources): string[] {
  const ofQueues = queues.flatMap(({ deadLetterArn }) => deadLetterArn ?? []);
  const targets = [...schedules.map(({ target }) => target), ...rules.flatMap((rule) => rule.targets)];
  return [...ofQueues, ...targets.flatMap(({ deadLetterQueue }) => deadLetterQueue?.arn ?? [])];
}

function requireBothEnds(mapping: MappingSpec, { queues, functions }: PlaneResources): void {
  const queue = queues.some(({ arn }) => arn === mapping.queueArn);
  if (queue && functions.some(({ name }) => name === mapping.functionName)) return;
  const missing = queue ? `the function ${mapping.functionName}` : `the source ${mapping.queueArn}`;
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `The mapping ${mapping.logicalId} names ${missing}, which is not among the queues and functions of the template. Correct it in lib/.`,
  );
}

function requireFunctions({ logicalId, routes }: ApiSpec, { functions }: PlaneResources): void {
  const missing = routes.find((route) => functions.every(({ name }) => name !== route.functionName));
  if (!missing) return;
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `The route ${missing.key} of ${logicalId} names the function ${missing.functionName}, which is not among the functions of the template. Correct it in lib/.`,
  );
}
