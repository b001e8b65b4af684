import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { EnvironmentOf } from '#core/catalogue/entry-environment.ts';
import { entryPoints, functionRow, type FunctionName } from '#core/catalogue/entry-points.ts';
import { queueRow } from '#core/catalogue/queues.ts';
import { bundle } from '#lib/bundle.ts';
import { statementsOf, type Reach } from '#lib/grants.ts';
import { planeName } from '#lib/names.ts';

export interface PlaneFunctionProps<E extends FunctionName> {
  readonly cell: string;
  /** Root of the project, where the entry points' files are. */
  readonly root: string;
  /** Where bundles are made, a folder for each. */
  readonly bundlesFolder: string;
  readonly entryPoint: E;
  readonly environment: EnvironmentOf<E>;
  readonly reach: Reach;
  readonly logRetention: RetentionDays;
}

/** One function of the plane: bundle, role, log group. What calls it is somebody else's. */
export class PlaneFunction<E extends FunctionName> extends Construct {
  readonly role: Role;
  readonly logGroup: LogGroup;
  readonly handler: LambdaFunction;

  constructor(scope: Construct, id: string, props: PlaneFunctionProps<E>) {
    super(scope, id);
    const name = planeName(props.cell, props.entryPoint);
    this.logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${name}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = this.executionRole(props);
    this.handler = this.made(props, name);
  }

  private executionRole({ entryPoint, reach }: PlaneFunctionProps<E>): Role {
    const role = new Role(this, 'Role', {
      description: `Lambda: ${entryPoints[entryPoint].file}`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    for (const statement of statementsOf(entryPoint, reach)) role.addToPolicy(statement);
    // No logs:CreateLogGroup: a group that Lambda makes itself would keep its lines for ever.
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    return role;
  }

  private made(props: PlaneFunctionProps<E>, functionName: string): LambdaFunction {
    const { entryPoint, root, bundlesFolder, environment } = props;
    const { file, consumes } = entryPoints[entryPoint];
    const { drives, memoryMb, timeout } = functionRow(entryPoint);
    const folder = join(bundlesFolder, entryPoint);
    const [codeFolder, metaFile] = [join(folder, 'code'), join(folder, 'meta.json')];
    const handsOver = consumes !== undefined && queueRow(consumes).kind === 'standard';
    return new LambdaFunction(this, 'Function', {
      functionName,
      description: drives,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundle({ root, file, codeFolder, metaFile })),
      role: this.role,
      memorySize: memoryMb,
      timeout: Duration.seconds(timeout),
      environment,
      logGroup: this.logGroup,
      tracing: Tracing.ACTIVE,
      recursiveLoop: handsOver ? RecursiveLoop.ALLOW : RecursiveLoop.TERMINATE,
    });
  }
}
