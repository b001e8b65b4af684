import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  Capability,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  type ContainerImage,
} from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { EnvironmentOf } from '#core/catalogue/entry-environment.ts';
import { entryPoints, type Family } from '#core/catalogue/entry-points.ts';
import { queueRow, type Compute } from '#core/catalogue/queues.ts';
import { commandOf } from '#lib/constructs/executor-image.ts';
import { statementsOf, type Reach } from '#lib/grants.ts';
import { planeName } from '#lib/names.ts';

export interface ExecutorProps<F extends Family> {
  readonly cell: string;
  readonly family: F;
  readonly image: ContainerImage;
  readonly environment: EnvironmentOf<F>;
  readonly reach: Reach;
  readonly logRetention: RetentionDays;
}

/** From SIGTERM to SIGKILL: the most that Fargate grants, and what an executor has to checkpoint and hand back. */
const stopTimeout = Duration.seconds(120);

/** Nobody: what an escape from the process would run as. */
const nobody = '65532:65532';

/** The executors of one heavy queue: the task that the dispatcher starts, its roles, its log group. */
export class Executor<F extends Family> extends Construct {
  /** Under which the executor's own code calls AWS. */
  readonly role: Role;
  readonly definition: FargateTaskDefinition;

  constructor(scope: Construct, id: string, props: ExecutorProps<F>) {
    super(scope, id);
    const name = planeName(props.cell, props.family);
    this.role = this.taskRole(props);
    this.definition = new FargateTaskDefinition(this, 'Task', {
      family: name,
      ...sizeOf(props.family),
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      taskRole: this.role,
      executionRole: new Role(this, 'ExecutionRole', {
        description: `ECS: pulls the image of ${name} and writes its log`,
        assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
      }),
    });
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/ecs/${name}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.container(props, logGroup);
  }

  /** ARNs of both roles: whoever starts the task hands them over. */
  get roleArns(): string[] {
    return [this.role.roleArn, this.definition.obtainExecutionRole().roleArn];
  }

  private taskRole({ family, reach }: ExecutorProps<F>): Role {
    const role = new Role(this, 'Role', {
      description: `ECS: ${entryPoints[family].file}`,
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
    });
    for (const statement of statementsOf(family, reach)) role.addToPolicy(statement);
    return role;
  }

  /** Its root is read-only, so what a task writes is gone with the container; only `/tmp` takes files. */
  private container({ family, image, environment }: ExecutorProps<F>, logGroup: LogGroup): void {
    const linuxParameters = new LinuxParameters(this, 'Linux', { initProcessEnabled: true });
    linuxParameters.dropCapabilities(Capability.ALL);
    const container = this.definition.addContainer('executor', {
      image,
      command: commandOf(family),
      environment,
      user: nobody,
      readonlyRootFilesystem: true,
      linuxParameters,
      stopTimeout,
      logging: LogDrivers.awsLogs({ logGroup, streamPrefix: 'executor' }),
    });
    this.definition.addVolume({ name: 'tmp' });
    container.addMountPoints({ sourceVolume: 'tmp', containerPath: '/tmp', readOnly: false });
  }
}

function sizeOf(family: Family): { cpu: number; memoryLimitMiB: number } {
  const compute: Compute = queueRow(family).compute;
  if (compute.kind === 'container' && compute.gpu === 0)
    return { cpu: compute.vcpu * 1024, memoryLimitMiB: compute.memoryGib * 1024 };
  throw new Error(`the queue ${family} asks for ${JSON.stringify(compute)}, which Fargate does not have`);
}
