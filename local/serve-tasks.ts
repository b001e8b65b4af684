// The tasks of one plane with all that they need: environments, folders, logs, events, and ECS's calls in front of them.
import { createWriteStream, mkdirSync, rmSync, type WriteStream } from 'node:fs';
import type { Base } from '#local/backplane.ts';
import { containerEnvironment, taskFolder } from '#local/container-environment.ts';
import { startContainer, type Container } from '#local/container-process.ts';
import { createEcsApi, metadataPath, type EcsApi } from '#local/ecs-api.ts';
import { messageOf } from '#local/errors.ts';
import type { EventBuses } from '#local/events.ts';
import type { PlaneEndpoints } from '#local/plane-event.ts';
import type { PlaneResources } from '#local/plane-resources.ts';
import type { Task } from '#local/task.ts';
import type { TaskDefinitionSpec } from '#local/task-resources.ts';
import { createTaskHost, type TaskHost } from '#local/tasks.ts';

interface TaskParts {
  endpoints: PlaneEndpoints;
  resources: PlaneResources;
  buses: EventBuses;
  /** Hears of every line that a container writes. */
  onLogLine: (line: string) => void;
}

/** Makes the host, and its end a part of the plane's. Throws for a definition that names another AWS than the plane. */
export function serveTasks(base: Base, parts: TaskParts): { tasks: TaskHost; ecs: EcsApi } {
  const { clock, emit, settings, options, undo } = base;
  const { clusters, taskDefinitions: definitions } = parts.resources;
  for (const definition of definitions) environmentOf(base, parts, { id: 'any', definition });
  const tasks = createTaskHost({
    region: settings.region,
    nowMs: clock.now,
    emit,
    tell: (event) => parts.buses.tell(event),
    start: (task) => start(base, parts, task),
    stopTimeoutMs: options.stopTimeoutMs,
  });
  undo.push(() => tasks.stop());
  return { tasks, ecs: createEcsApi({ clusters, definitions, tasks, nowMs: clock.now }) };
}

/** Runs a task's container; what it writes goes to its log file, to the plane's events and to the metrics. */
async function start(base: Base, parts: TaskParts, task: Task): Promise<Container> {
  const { folder, guardian, emit } = base;
  const { arn, definition } = task;
  const places = taskFolder(folder.tasksDir, task.id);
  mkdirSync(places.temporary, { recursive: true });
  const log = createWriteStream(places.log);
  const container = await startContainer({
    command: definition.container.command,
    cwd: definition.container.imageDir,
    variables: environmentOf(base, parts, task),
    guardian,
    onLine(line) {
      log.write(`${line}\n`);
      emit({ type: 'task-log', task: arn, family: definition.family, line });
      readLine(base, parts, { line, family: definition.family });
    },
  }).catch((error: unknown) => {
    log.end();
    throw error;
  });
  void container.ended.then(() => tidy(log, places.temporary));
  return container;
}

/** The log stays for whoever wants to read it; the rest of a container is gone with it. */
function tidy(log: WriteStream, temporary: string): void {
  log.end();
  rmSync(temporary, { recursive: true, force: true });
}

function readLine({ emit }: Base, { onLogLine }: TaskParts, { line, family }: { line: string; family: string }): void {
  try {
    onLogLine(line);
  } catch (error) {
    emit({ type: 'error', where: `log of ${family}`, message: messageOf(error) });
  }
}

function environmentOf(
  { settings, folder, options }: Base,
  { endpoints }: TaskParts,
  { id, definition }: { id: string; definition: TaskDefinitionSpec },
): Record<string, string> {
  return containerEnvironment(definition, {
    endpoints,
    settings,
    clockFile: folder.clockFile,
    secretsFile: folder.secretsFile,
    path: (options.variables ?? process.env)['PATH'] ?? '',
    metadataPath: metadataPath({ id }),
    temporaryDir: taskFolder(folder.tasksDir, id).temporary,
  });
}
