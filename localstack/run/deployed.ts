// What stands in LocalStack after the deployment, asked from LocalStack: names, schedules, functions, mappings.
import { paginateListStackResources, type CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { paginateListEventSourceMappings, type LambdaClient } from '@aws-sdk/client-lambda';
import type { SchedulerClient } from '@aws-sdk/client-scheduler';
import type { Assembly } from '#local/assembly.ts';
import { PlaneError } from '#local/errors.ts';
import { readResources, type PlaneResources } from '#local/plane-resources.ts';
import type { Addresses } from '#local/resource-types.ts';
import type { FunctionSpec } from '#local/resources.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';
import { readSchedules } from './schedules.ts';

export interface Created {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
  readonly status: string;
}

interface Clients {
  readonly cloudFormation: CloudFormationClient;
  readonly lambda: LambdaClient;
  readonly scheduler: SchedulerClient;
}

/** Every resource of the assembly's stacks as CloudFormation has it. Throws for one that it only pretends to have made. */
export async function readCreated(client: CloudFormationClient, assembly: Assembly): Promise<Created[]> {
  const found: Created[] = [];
  for (const { name: stack } of assembly.stacks) {
    for await (const page of paginateListStackResources({ client }, { StackName: stack })) {
      for (const one of page.StackResourceSummaries ?? [])
        found.push({
          stack,
          logicalId: one.LogicalResourceId ?? '',
          type: one.ResourceType ?? '',
          physicalId: one.PhysicalResourceId ?? '',
          status: one.ResourceStatus ?? '',
        });
    }
  }
  const passedOver = found.find(({ physicalId }) => physicalId === 'unknown');
  if (!passedOver) return found;
  throw new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `LocalStack has passed over ${passedOver.logicalId} (${passedOver.type}): list that type as skipped in localstack/profiles/localstack.ts, with what fills the hole.`,
  );
}

interface ReadOptions {
  readonly assembly: Assembly;
  readonly clients: Clients;
  readonly created: readonly Created[];
  readonly addresses: Addresses;
  /** As the plug-in has told of them. */
  readonly functions: FunctionSpec[];
}

/** The resources that the plane runs, with the names and the contents that they have in LocalStack. */
export async function readDeployed(options: ReadOptions): Promise<PlaneResources> {
  const { assembly, clients, created, addresses, functions } = options;
  const physicalNames = new Map(
    created.map(({ stack, logicalId, physicalId }) => [`${stack}/${logicalId}`, physicalId] as const),
  );
  const template = readResources(assembly, { ...addresses, physicalNames });
  for (const { name } of template.functions) {
    if (!functions.some((made) => made.name === name))
      throw new PlaneError(
        'START_FAILED',
        `LocalStack has deployed ${name} and not told our plug-in of it: look into its log.`,
      );
  }
  await requireDisabled(clients.lambda);
  return {
    ...template,
    functions,
    // Deployed disabled, because LocalStack's own pollers are slow: ours do their work.
    mappings: template.mappings.map((mapping) => ({ ...mapping, enabled: true })),
    schedules: inOrderOf(template.schedules, await readSchedules(clients.scheduler, template.queues)),
  };
}

/** The template's order, so that a plane's first schedule is the same one wherever it runs. Throws when one is missing. */
function inOrderOf(wanted: readonly ScheduleSpec[], found: readonly ScheduleSpec[]): ScheduleSpec[] {
  return wanted.map(({ name, group }) => {
    const stored = found.find((one) => one.name === name && one.group === group);
    if (stored) return stored;
    throw new PlaneError(
      'START_FAILED',
      `LocalStack has no schedule ${group}/${name}, which the template has: look into its log.`,
    );
  });
}

/** Two pollers on one queue would take each other's messages. */
async function requireDisabled(client: LambdaClient): Promise<void> {
  for await (const { EventSourceMappings = [] } of paginateListEventSourceMappings({ client }, {})) {
    const awake = EventSourceMappings.find(({ State }) => State !== 'Disabled');
    if (awake)
      throw new PlaneError(
        'TEMPLATE_UNSUPPORTED',
        `The mapping of ${awake.EventSourceArn} is ${awake.State} in LocalStack: the emulator's stage in lib/stages.ts must have its pollers outside.`,
      );
  }
}
