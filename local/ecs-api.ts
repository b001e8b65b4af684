// ECS's calls that start and stop tasks, in its JSON protocol, and the metadata endpoint that a Fargate task asks who it is.
import {
  clusterNamed,
  definitionNamed,
  parsed,
  Refusal,
  type EcsRefusal,
  type Operation,
  type RequestOf,
} from '#local/ecs-requests.ts';
import { containerMetadata, described, taskMetadata, type Task } from '#local/task.ts';
import type { ClusterSpec, TaskDefinitionSpec } from '#local/task-resources.ts';
import type { TaskHost } from '#local/tasks.ts';

export interface EcsApi {
  /** The answer to an operation (`RunTask`), or nothing where it is not ours. */
  call(operation: string, request: unknown): { body: object } | EcsRefusal | undefined;
  /** The answer to a GET of the metadata endpoint, or nothing where there is no such page or task. */
  metadata(path: string): object | undefined;
}

interface EcsOptions {
  clusters: readonly ClusterSpec[];
  definitions: readonly TaskDefinitionSpec[];
  tasks: TaskHost;
  nowMs: () => number;
}

/** Path on the AWS front of what `ECS_CONTAINER_METADATA_URI_V4` names. */
export const metadataPath = (task: { id: string }): string => `/v4/${task.id}`;

/** ECS remembers a token for a day. */
const TOKEN_KEPT_MS = 24 * 3600 * 1000;

export function createEcsApi(options: EcsOptions): EcsApi {
  const { tasks } = options;
  const runTask = taskRunner(options);
  const operations: { [O in Operation]: (request: unknown) => object } = {
    RunTask: (request) => runTask(parsed('RunTask', request)),
    StopTask: (request) => stopTask(options, parsed('StopTask', request)),
    DescribeTasks: (request) => describeTasks(options, parsed('DescribeTasks', request)),
    ListTasks: (request) => listTasks(options, parsed('ListTasks', request)),
  };
  return {
    call(operation, request) {
      if (!Object.hasOwn(operations, operation)) return undefined;
      try {
        return { body: operations[operation as Operation](request) };
      } catch (error) {
        if (error instanceof Refusal) return error.answer;
        throw error;
      }
    },
    metadata(path) {
      const [, id = '', page] = /^\/v4\/([^/]+)(\/task)?$/.exec(path) ?? [];
      const task = tasks.find(id);
      return task && (page === undefined ? containerMetadata(task) : taskMetadata(task));
    },
  };
}

interface Launch {
  request: string;
  started: readonly Task[];
  atMs: number;
}

/** RunTask, which answers a token that it has seen with the tasks that it has started for it. */
function taskRunner(options: EcsOptions): (request: RequestOf<'RunTask'>) => object {
  const seen = new Map<string, Launch>();
  return ({ clientToken, ...request }) => {
    if (options.tasks.faults.takeThrottle()) throw new Refusal('ThrottlingException', 'Rate exceeded');
    const { arn } = clusterNamed(options.clusters, request.cluster);
    const key = JSON.stringify([arn, clientToken]);
    const earlier = clientToken === undefined ? undefined : seen.get(key);
    if (earlier && options.nowMs() - earlier.atMs < TOKEN_KEPT_MS) return repeated(earlier, JSON.stringify(request));
    const { tasks: started, refused } = launch(options, request);
    if (started.length > 0) seen.set(key, { request: JSON.stringify(request), started, atMs: options.nowMs() });
    return { tasks: started.map(described), failures: refused === undefined ? [] : [{ reason: refused }] };
  };
}

function launch({ clusters, definitions, tasks }: EcsOptions, request: Omit<RequestOf<'RunTask'>, 'clientToken'>) {
  const cluster = clusterNamed(clusters, request.cluster);
  const definition = definitionNamed(definitions, request.taskDefinition);
  const capacityProvider = request.capacityProviderStrategy?.[0]?.capacityProvider;
  if (capacityProvider !== undefined && !cluster.capacityProviders.includes(capacityProvider)) {
    const message = `The specified capacity provider ${capacityProvider} was not found in the cluster.`;
    throw new Refusal('InvalidParameterException', message);
  }
  const { count, startedBy } = request;
  return tasks.run({ cluster, definition, count, capacityProvider, startedBy });
}

function repeated({ request, started }: Launch, asked: string): object {
  if (request === asked) return { tasks: started.map(described), failures: [] };
  throw new Refusal(
    'ConflictException',
    'The clientToken is already in use with a different RunTask request.',
    started.map(({ arn }) => arn),
  );
}

function stopTask({ clusters, tasks }: EcsOptions, request: RequestOf<'StopTask'>): object {
  const task = tasks.find(request.task);
  if (task?.cluster !== clusterNamed(clusters, request.cluster))
    throw new Refusal('InvalidParameterException', 'The referenced task was not found.');
  tasks.requestStop(task, request.reason);
  return { task: described(task) };
}

function describeTasks({ clusters, tasks }: EcsOptions, request: RequestOf<'DescribeTasks'>): object {
  const cluster = clusterNamed(clusters, request.cluster);
  const found = request.tasks.map((name) => {
    const task = tasks.find(name);
    return { name, task: task?.cluster === cluster ? task : undefined };
  });
  return {
    tasks: found.flatMap(({ task }) => (task ? [described(task)] : [])),
    failures: found.flatMap(({ name, task }) => (task ? [] : [{ arn: name, reason: 'MISSING' }])),
  };
}

function listTasks({ clusters, tasks }: EcsOptions, { family, ...request }: RequestOf<'ListTasks'>): object {
  const cluster = clusterNamed(clusters, request.cluster);
  const found = tasks
    .list()
    .filter((task) => task.cluster === cluster && task.desiredStatus === request.desiredStatus)
    .filter((task) => family === undefined || task.definition.family === family);
  return { taskArns: found.map(({ arn }) => arn) };
}
