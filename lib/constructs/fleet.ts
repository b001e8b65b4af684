import { ArnFormat, Stack } from 'aws-cdk-lib';
import { CfnCluster } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { taskDefinitionVariable, type LaunchVariable } from '#core/catalogue/entry-environment.ts';
import type { Family } from '#core/catalogue/entry-points.ts';
import { queueRow } from '#core/catalogue/queues.ts';
import type { Executor } from '#lib/constructs/executor.ts';
import type { Network } from '#lib/constructs/network.ts';
import { planeName } from '#lib/names.ts';

export interface FleetProps {
  readonly cell: string;
  readonly network: Network;
  readonly executors: Readonly<Record<Family, Executor<Family>>>;
}

/** The cluster, and all that is needed to start a task in it. It costs nothing while no task runs. */
export class Fleet extends Construct {
  readonly clusterArn: string;
  /** The variables by which the dispatcher knows what to start, and where. */
  readonly environment: Readonly<Record<LaunchVariable, string>>;
  readonly definitionArns: string[];
  readonly roleArns: string[];
  /** Every task of this cluster. */
  readonly taskArns: string;

  constructor(scope: Construct, id: string, { cell, network, executors }: FleetProps) {
    super(scope, id);
    const clusterName = planeName(cell, 'executors');
    const cluster = new CfnCluster(this, 'Cluster', {
      clusterName,
      capacityProviders: capacityProvidersOf(Object.keys(executors) as Family[]),
      // Container Insights would keep some 30 custom metrics a family, 0.30 USD a month each; the executors' own EMF
      // lines say what is asked here.
      clusterSettings: [{ name: 'containerInsights', value: 'disabled' }],
    });
    this.clusterArn = cluster.attrArn;
    const all = Object.values(executors);
    this.definitionArns = all.map(({ definition }) => definition.taskDefinitionArn);
    this.roleArns = all.flatMap(({ roleArns }) => roleArns);
    this.taskArns = Stack.of(this).formatArn({
      service: 'ecs',
      resource: 'task',
      resourceName: `${clusterName}/*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    this.environment = {
      // A reference, not the name: whoever starts tasks is deployed after the cluster.
      CLUSTER: cluster.ref,
      SUBNETS: network.subnetIds.join(','),
      SECURITY_GROUP: network.securityGroupId,
      ...definitionVariables(executors),
    };
  }
}

const capacityProvidersOf = (families: readonly Family[]): string[] => [
  ...new Set(families.flatMap((family) => queueRow(family).capacity)),
];

const definitionVariables = (executors: FleetProps['executors']) =>
  Object.fromEntries(
    Object.entries(executors).map(([family, { definition }]) => [
      taskDefinitionVariable(family as Family),
      definition.taskDefinitionArn,
    ]),
  ) as Record<`TASK_DEFINITION_${Uppercase<Family>}`, string>;
