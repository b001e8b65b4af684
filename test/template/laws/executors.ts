import { taskDefinitionVariable } from '#core/catalogue/entry-environment.ts';
import { families } from '#core/catalogue/entry-points.ts';
import { queueNames, queueRow } from '#core/catalogue/queues.ts';
import { inhabitedQueues } from '#core/catalogue/tasks.ts';
import { at, differences, named, ofType, sorted, textOf, type Law, type Plane, type Properties } from '../plane.ts';
import { allowedTo, statementsIn } from '../policies.ts';
import {
  arnOf,
  containerIn,
  definitionIn,
  eachFamily,
  entryPointNames,
  executionRoleOf,
  functionIn,
  refOf,
  roleOf,
  variablesOf,
} from '../workers.ts';

const clusterIn = (plane: Plane): { id: string; Properties: Properties } =>
  ofType(plane, 'AWS::ECS::Cluster')[0] ?? { id: 'no cluster', Properties: {} };
const containers = (definition: Properties): Properties[] => (definition['ContainerDefinitions'] ?? []) as Properties[];
const definitions = (plane: Plane) => ofType(plane, 'AWS::ECS::TaskDefinition');
const eachContainer = (check: (container: Properties, id: string) => string[]) => (plane: Plane) =>
  definitions(plane).flatMap(({ id, Properties: definition }) =>
    containers(definition).flatMap((container) => check(container, id)),
  );
const needsGpu = (container: Properties): boolean => JSON.stringify(container).includes('"GPU"');
const groupName = (plane: Plane, family: string) => `/aws/ecs/alphaswarm-${plane.stage.cell}-${family}`;

export const executorLaws: Law[] = [
  {
    says: 'there is one task definition for each family, on Fargate and arm64, as large as its queue says',
    broken: (plane) => [
      ...differences('the number of definitions', definitions(plane).length, families.length),
      ...eachFamily((one, family) => {
        const { compute } = queueRow(family);
        const { Cpu, Memory, NetworkMode, RequiresCompatibilities, RuntimePlatform } = definitionIn(
          one,
          family,
        ).Properties;
        const size = compute.kind === 'container' ? [compute.vcpu * 1024, compute.memoryGib * 1024] : [];
        const platform = { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' };
        const expected = [...size.map(String), 'awsvpc', ['FARGATE'], platform];
        return differences(family, [Cpu, Memory, NetworkMode, RequiresCompatibilities, RuntimePlatform], expected);
      })(plane),
    ],
    planted: (plane) => (definitionIn(plane, 'backtest').Properties['Memory'] = '512'),
  },
  {
    says: 'no task of Fargate asks for a GPU, which it does not have and synthesis does not refuse',
    broken: (plane) => [
      ...definitions(plane)
        .filter(({ Properties: definition }) => String(definition['RequiresCompatibilities']).includes('FARGATE'))
        .filter(({ Properties: definition }) => containers(definition).some(needsGpu))
        .map(({ id }) => `${id} asks for a GPU`),
      ...queueNames
        .filter((name) => queueRow(name).capacity.some((one) => one.startsWith('FARGATE')))
        .filter((name) => JSON.stringify(queueRow(name).compute).includes('"gpu":1'))
        .map((name) => `${name} asks Fargate for a GPU`),
    ],
    planted: (plane) => (containerIn(plane, 'backtest')['ResourceRequirements'] = [{ Type: 'GPU', Value: '1' }]),
  },
  {
    says: 'a queue has one image: its executors all run the same, the container of its family',
    broken: (plane) => {
      const images = new Set(
        families
          .filter((family) => queueRow(family).image === 'executor')
          .map((family) => JSON.stringify(containerIn(plane, family)['Image'])),
      );
      return [
        ...(images.size > 1 ? [`${images.size} images are made for the image executor`] : []),
        ...definitions(plane).flatMap(({ id, Properties: definition }) =>
          differences(`containers of ${id}`, containers(definition).length, 1),
        ),
        ...eachFamily((one, family) =>
          differences(`command of ${family}`, containerIn(one, family)['Command'], ['node', `${family}/index.mjs`]),
        )(plane),
      ];
    },
    planted: (plane) =>
      (definitionIn(plane, 'backtest').Properties['ContainerDefinitions'] as unknown[]).push({ Image: 'another' }),
  },
  {
    says: 'from SIGTERM to SIGKILL an executor has 120 s, which are said, and the most that Fargate grants',
    broken: eachContainer(({ StopTimeout: seconds }, id) => differences(`stop time-out of ${id}`, seconds, 120)),
    planted: (plane) => (containerIn(plane, 'backtest')['StopTimeout'] = 600),
  },
  {
    says: 'a container is nobody, with no capability, a read-only root, an init process, and /tmp to write to',
    broken: eachContainer((container, id) => {
      const { User, ReadonlyRootFilesystem, Privileged, LinuxParameters, MountPoints } = container;
      const linux = { Capabilities: { Drop: ['ALL'] }, InitProcessEnabled: true };
      const tmp = [{ ContainerPath: '/tmp', ReadOnly: false, SourceVolume: 'tmp' }];
      return differences(
        id,
        [User, ReadonlyRootFilesystem, Privileged, LinuxParameters, MountPoints],
        ['65532:65532', true, undefined, linux, tmp],
      );
    }),
    planted: (plane) => delete containerIn(plane, 'backtest')['User'],
  },
  {
    says: 'every family logs to a group of its own, which forgets',
    broken: eachFamily((plane, family) => {
      const group = named(plane, 'AWS::Logs::LogGroup', groupName(plane, family));
      const options = at(containerIn(plane, family), 'LogConfiguration.Options') as Properties;
      return [
        ...differences(`retention of ${family}`, group.Properties['RetentionInDays'], plane.stage.logRetention),
        ...differences(`log group of ${family}`, textOf(options['awslogs-group']), refOf(group)),
      ];
    }),
    planted: (plane) =>
      delete named(plane, 'AWS::Logs::LogGroup', groupName(plane, 'backtest')).Properties['RetentionInDays'],
  },
  {
    says: 'the cluster has the capacity that its queues name, and no Container Insights, which are paid by the metric',
    broken: (plane) => {
      const wanted = new Set(families.flatMap((family) => queueRow(family).capacity));
      const { CapacityProviders, ClusterSettings } = clusterIn(plane).Properties;
      return [
        ...differences('the number of clusters', ofType(plane, 'AWS::ECS::Cluster').length, 1),
        ...differences('capacity', sorted(CapacityProviders as string[]), sorted(wanted)),
        ...differences('insights', ClusterSettings, [{ Name: 'containerInsights', Value: 'disabled' }]),
      ];
    },
    planted: (plane) => delete clusterIn(plane).Properties['ClusterSettings'],
  },
  {
    says: 'the dispatcher knows cluster, network and task definition of every family, by reference',
    broken: (plane) => {
      const given = Object.fromEntries(variablesOf(plane, 'dispatcher').map(([name, value]) => [name, textOf(value)]));
      const subnets = ofType(plane, 'AWS::EC2::Subnet').map(refOf).join();
      const group = ofType(plane, 'AWS::EC2::SecurityGroup')
        .map((one) => arnOf(one, 'GroupId'))
        .join();
      return [
        ...differences('cluster', given['CLUSTER'], refOf(clusterIn(plane))),
        ...differences('subnets', given['SUBNETS'], subnets),
        ...differences('security group', given['SECURITY_GROUP'], group),
        ...eachFamily((one, family) =>
          differences(family, given[taskDefinitionVariable(family)], refOf(definitionIn(one, family))),
        )(plane),
      ];
    },
    planted: (plane) => {
      const variables = at(functionIn(plane, 'dispatcher').Properties, 'Environment.Variables') as Properties;
      variables['TASK_DEFINITION_BACKTEST'] = 'alphaswarm-dev-backtest:1';
    },
  },
  {
    says: 'it may start these definitions in this cluster, stop its tasks, hand over their roles to ECS, and no more',
    broken: (plane) => {
      const start = allowedTo(plane, roleOf(plane, 'dispatcher')).filter(({ actions }) =>
        actions.some((action) => /^(ecs|iam):/.test(action)),
      );
      const cluster = { ArnEquals: { 'ecs:cluster': { 'Fn::GetAtt': [clusterIn(plane).id, 'Arn'] } } };
      const toEcs = { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } };
      const tasks = `arn:\${AWS::Partition}:ecs:\${AWS::Region}:\${AWS::AccountId}:task/alphaswarm-${plane.stage.cell}-executors/*`;
      const roles = families.flatMap((family) => [roleOf(plane, family), executionRoleOf(plane, family)]);
      return differences(
        'what it may start',
        start.map(({ actions, resources, condition }) => [...actions, resources, condition]),
        [
          ['ecs:RunTask', sorted(families.map((family) => refOf(definitionIn(plane, family)))), cluster],
          ['ecs:StopTask', [tasks], cluster],
          ['iam:PassRole', sorted(roles.map((id) => arnOf({ id }))), toEcs],
        ],
      );
    },
    planted: (plane) => {
      const policy = ofType(plane, 'AWS::IAM::Policy').find(
        (one) => textOf(one.Properties['Roles']) === `\${${roleOf(plane, 'dispatcher')}}`,
      );
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as Properties[];
      const pass = statements.find(({ Action: action }) => action === 'iam:PassRole');
      delete pass?.['Condition'];
    },
  },
  {
    says: 'only the dispatcher starts tasks or hands over roles',
    broken: (plane) =>
      ofType(plane, 'AWS::IAM::Policy')
        .filter(({ Properties: policy }) => textOf(policy['Roles']) !== `\${${roleOf(plane, 'dispatcher')}}`)
        .filter(({ Properties: policy }) =>
          statementsIn(policy['PolicyDocument']).some(({ actions }) =>
            actions.some((action) => /^ecs:|^iam:/.test(action)),
          ),
        )
        .map(({ id }) => `${id} lets somebody else start tasks`),
    planted: (plane) => {
      const policy = ofType(plane, 'AWS::IAM::Policy').find(
        (one) => textOf(one.Properties['Roles']) === `\${${roleOf(plane, 'ingestion')}}`,
      );
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as unknown[];
      statements.push({ Effect: 'Allow', Action: 'iam:PassRole', Resource: 'x' });
    },
  },
  {
    says: 'the execution role pulls the image and writes its own log, and is nobody else’s',
    broken: eachFamily((plane, family) => {
      const role = executionRoleOf(plane, family);
      const group = named(plane, 'AWS::Logs::LogGroup', groupName(plane, family));
      const assets =
        'arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}';
      const others = entryPointNames.filter((name) => roleOf(plane, name) === role);
      return [
        ...others.map((name) => `${name} works under the execution role of ${family}`),
        ...differences(
          `execution role of ${family}`,
          allowedTo(plane, role).map(({ actions, resources }) => [actions, resources]),
          [
            [['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'], [assets]],
            [['ecr:GetAuthorizationToken'], ['*']],
            [['logs:CreateLogStream', 'logs:PutLogEvents'], [arnOf(group)]],
          ],
        ),
      ];
    }),
    planted: (plane) => {
      const { Properties: definition } = definitionIn(plane, 'backtest');
      definition['ExecutionRoleArn'] = definition['TaskRoleArn'];
    },
  },
  {
    says: 'heavy queues with a task have a family, and no function receives from them',
    broken: (plane) => {
      const heavy = inhabitedQueues.filter((queue) => queueRow(queue).tier === 'heavy');
      const received = ofType(plane, 'AWS::Lambda::EventSourceMapping').map(({ Properties: mapping }) =>
        textOf(mapping['EventSourceArn']),
      );
      return [
        ...differences('families', [...families], heavy),
        ...received.filter((arn) => heavy.some((queue) => arn.includes(`Queue${queue}`))),
      ];
    },
    planted: (plane) => {
      const [mapping] = ofType(plane, 'AWS::Lambda::EventSourceMapping');
      if (mapping) mapping.Properties['EventSourceArn'] = '${Queuebacktest.Arn}';
    },
  },
];
