import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  EventSourceMapping,
  Function as LambdaFunction,
  RecursiveLoop,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { entryPoints, type EnvironmentOf, type FunctionName } from '#core/catalogue/entry-points.ts';
import { queueRow, type QueueRow } from '#core/catalogue/queues.ts';
import { bundle } from '#lib/bundle.ts';
import { statementsOf, type Reach } from '#lib/grants.ts';
import { planeName } from '#lib/names.ts';
import type { Stage } from '#lib/stages.ts';

export interface ConsumerProps<E extends FunctionName> {
  readonly cell: string;
  /** Root of the project, where the entry points' files are. */
  readonly root: string;
  /** Where bundles are made, a folder for each. */
  readonly bundlesFolder: string;
  readonly entryPoint: E;
  readonly environment: EnvironmentOf<E>;
  readonly reach: Reach;
  readonly logRetention: RetentionDays;
  readonly pollers: Stage['pollers'];
}

/** The function of one queue: bundle, role, log group, and the mapping that feeds it. */
export class Consumer<E extends FunctionName> extends Construct {
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ConsumerProps<E>) {
    super(scope, id);
    const row = queueRow(entryPoints[props.entryPoint].consumes);
    const name = planeName(props.cell, props.entryPoint);
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${name}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.logGroup = logGroup;
    this.role = this.executionRole(props, logGroup);
    const handler = this.handler(props, { name, row, logGroup });
    this.mapping(props, handler);
  }

  private executionRole({ entryPoint, reach }: ConsumerProps<E>, logGroup: LogGroup): Role {
    const role = new Role(this, 'Role', {
      description: `Lambda: ${entryPoints[entryPoint].file}`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    for (const statement of statementsOf(entryPoint, reach)) role.addToPolicy(statement);
    // No logs:CreateLogGroup: a group that Lambda makes itself would keep its lines for ever.
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    return role;
  }

  private handler(props: ConsumerProps<E>, of: { name: string; row: QueueRow; logGroup: LogGroup }): LambdaFunction {
    const { file } = entryPoints[props.entryPoint];
    const folder = join(props.bundlesFolder, props.entryPoint);
    const [codeFolder, metaFile] = [join(folder, 'code'), join(folder, 'meta.json')];
    return new LambdaFunction(this, 'Function', {
      functionName: of.name,
      description: of.row.drives,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundle({ root: props.root, file, codeFolder, metaFile })),
      role: this.role,
      memorySize: memoryMbOf(of.row, props.entryPoint),
      timeout: Duration.seconds(of.row.timeout),
      environment: props.environment,
      logGroup: of.logGroup,
      tracing: Tracing.ACTIVE,
      recursiveLoop: of.row.kind === 'standard' ? RecursiveLoop.ALLOW : RecursiveLoop.TERMINATE,
    });
  }

  private mapping({ entryPoint, reach, pollers }: ConsumerProps<E>, target: LambdaFunction): void {
    const { consumes } = entryPoints[entryPoint];
    const { batch, concurrency } = queueRow(consumes);
    new EventSourceMapping(this, 'Mapping', {
      target,
      ...(pollers === 'outside' ? { enabled: false } : {}),
      eventSourceArn: reach.queues[consumes].queue.queueArn,
      batchSize: batch.size,
      maxBatchingWindow: Duration.seconds(batch.window),
      reportBatchItemFailures: true,
      maxConcurrency: Math.max(leastConcurrency, concurrency.maximum),
    });
  }
}

/** SQS mappings take no smaller maximum; one at a time is a matter of the queue's groups. */
const leastConcurrency = 2;

function memoryMbOf({ compute }: QueueRow, queue: string): number {
  if (compute.kind === 'lambda') return compute.memoryMb;
  throw new Error(`the queue ${queue} runs on containers: it has no function, so no task of it may be an entry point`);
}
