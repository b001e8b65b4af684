// What requests to ECS may hold, and how they are refused. What is not listed is refused by name: it might change what runs.
import * as z from 'zod';
import type { ClusterSpec, TaskDefinitionSpec } from '#local/task-resources.ts';

/** The error codes that our callers meet; each goes out with status 400. */
type EcsError =
  | 'ClientException'
  | 'ClusterNotFoundException'
  | 'ConflictException'
  | 'InvalidParameterException'
  | 'ThrottlingException';

export interface EcsRefusal {
  error: EcsError;
  message: string;
  /** Of a ConflictException: the tasks that the token stands for. */
  resourceIds?: string[];
}

/** Thrown where a request is answered with an error. */
export class Refusal extends Error {
  readonly answer: EcsRefusal;

  constructor(error: EcsError, message: string, resourceIds?: string[]) {
    super(message);
    this.answer = { error, message, ...(resourceIds && { resourceIds }) };
  }
}

const cluster = z.string().default('default');

export const requests = {
  RunTask: z.strictObject({
    cluster,
    taskDefinition: z.string(),
    count: z.int().min(1).max(10).default(1),
    clientToken: z
      .string()
      .regex(/^[!-~]{1,64}$/)
      .optional(),
    capacityProviderStrategy: z
      .array(z.strictObject({ capacityProvider: z.string(), weight: z.int().optional(), base: z.int().optional() }))
      .length(1, 'one capacity provider is understood')
      .optional(),
    launchType: z.literal('FARGATE').optional(),
    networkConfiguration: z.strictObject({
      awsvpcConfiguration: z.strictObject({
        subnets: z.array(z.string()).min(1).max(16),
        securityGroups: z.array(z.string()).max(5).optional(),
        // Without an address of its own a task in a public subnet reaches nothing, not even its image.
        assignPublicIp: z.literal('ENABLED'),
      }),
    }),
    startedBy: z.string().max(128).optional(),
    platformVersion: z.string().optional(),
  }),
  StopTask: z.strictObject({ cluster, task: z.string(), reason: z.string().max(255).default('Task stopped by user') }),
  DescribeTasks: z.strictObject({ cluster, tasks: z.array(z.string()).min(1).max(100) }),
  ListTasks: z.strictObject({
    cluster,
    family: z.string().optional(),
    desiredStatus: z.enum(['RUNNING', 'STOPPED']).default('RUNNING'),
  }),
};
export type Operation = keyof typeof requests;
export type RequestOf<O extends Operation> = z.infer<(typeof requests)[O]>;

export function parsed<O extends Operation>(operation: O, request: unknown): RequestOf<O> {
  const result = requests[operation].safeParse(request);
  if (result.success) return result.data as RequestOf<O>;
  const issue = result.error.issues[0];
  const where = [operation, ...(issue?.path ?? [])].join('.');
  const message = `${where}: ${issue?.message}. The local plane takes what local/ecs-requests.ts lists.`;
  throw new Refusal('InvalidParameterException', message);
}

export function clusterNamed(clusters: readonly ClusterSpec[], name: string): ClusterSpec {
  const found = clusters.find((one) => one.name === name || one.arn === name);
  if (found) return found;
  throw new Refusal('ClusterNotFoundException', 'Cluster not found.');
}

export function definitionNamed(definitions: readonly TaskDefinitionSpec[], name: string): TaskDefinitionSpec {
  const wanted = name.replace(/:1$/, '');
  const found = definitions.find((one) => one.family === wanted || one.arn === name);
  if (found) return found;
  throw new Refusal('ClientException', 'TaskDefinition not found.');
}
