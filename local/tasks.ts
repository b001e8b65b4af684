// Standalone Fargate tasks as processes: RunTask, StopTask, what becomes of them, and what tests may do to them.
//
// Life cycle: PROVISIONING, PENDING, RUNNING; at its end DEPROVISIONING, STOPPED. Each change is an event on the default
// bus in ECS's own shape, so that the template's rules see it as they would on AWS. What ends a task: its process, which
// takes its whole group along; StopTask or a Spot interruption (SIGTERM, and SIGKILL after the stop time-out).
import { randomUUID } from 'node:crypto';
import { messageOf, PlaneError } from '#local/errors.ts';
import type { ServiceEvent } from '#local/events.ts';
import type { Container } from '#local/container-process.ts';
import type { Emit } from '#local/plane-event.ts';
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';
import { eventDetail, type StopCode, type Task } from '#local/task.ts';
import { createTaskFaults, type TaskFaults, type TaskFaultsTaken } from '#local/task-faults.ts';
import type { ClusterSpec, TaskDefinitionSpec } from '#local/task-resources.ts';

/** What tests and operators may do beside ECS's own calls. A task is named by its ARN or its id. */
export interface Tasks {
  /** All of this plane, the stopped ones too, oldest first. */
  list(): readonly Readonly<Task>[];
  /** As Fargate takes Spot capacity back: told in an event, then SIGTERM, then SIGKILL after the stop time-out. */
  spotInterrupt(task: string): Promise<void>;
  /** To its first process; SIGKILL to its group. */
  kill(task: string, signal: NodeJS.Signals): void;
  pidOf(task: string): number;
  /** Processes of its group beside the first. */
  childrenOf(task: string): number[];
  /** What is to go wrong from now on. */
  readonly faults: TaskFaults;
}

export interface RunRequest {
  readonly cluster: ClusterSpec;
  readonly definition: TaskDefinitionSpec;
  readonly count: number;
  readonly capacityProvider?: string | undefined;
  readonly startedBy?: string | undefined;
}

/** What ECS's calls are answered from. */
export interface TaskHost extends Tasks {
  readonly faults: TaskFaultsTaken;
  /** Returns the tasks, which start by themselves, or why there is no capacity for them. */
  run(request: RunRequest): { tasks: readonly Task[]; refused?: string };
  find(task: string): Task | undefined;
  requestStop(task: Task, reason: string): void;
  stop(): Promise<void>;
}

interface TaskHostOptions {
  region: string;
  nowMs: () => number;
  emit: Emit;
  /** Puts an event of AWS's own on the default bus. */
  tell: (event: ServiceEvent) => void;
  start(task: Task): Promise<Container>;
  /** In place of that of the task definitions. */
  stopTimeoutMs?: number | undefined;
}

/** What a task is left for when the plane itself stops. */
const LAST_STOP_MS = 3000;
/** ECS forgets stopped tasks after an hour; a plane that runs for days keeps the youngest. */
const STOPPED_KEPT = 1000;

/** Of a backplane that runs none. */
export const noTasks = (): Tasks =>
  createTaskHost({
    region: '',
    nowMs: Date.now,
    emit: () => {},
    tell: () => {},
    start: () => Promise.reject(new Error('no tasks run here')),
  });

type Cause = readonly [stopCode: StopCode, reason: string];

export const createTaskHost = (options: TaskHostOptions): TaskHost => new ProcessTasks(options);

class ProcessTasks implements TaskHost {
  readonly #options: TaskHostOptions;
  readonly #tasks = new Map<string, Task>();
  readonly #containers = new Map<Task, Container>();
  readonly #living = new Map<Task, Promise<void>>();
  readonly faults: TaskFaultsTaken = createTaskFaults();
  #stopped = false;

  constructor(options: TaskHostOptions) {
    this.#options = options;
  }

  list = (): readonly Task[] => [...this.#tasks.values()];
  find = (task: string): Task | undefined => this.#tasks.get(task.split('/').at(-1) ?? task);
  pidOf = (task: string): number => this.#container(task).pid;
  childrenOf = (task: string): number[] => this.#container(task).children();
  kill = (task: string, signal: NodeJS.Signals): void => this.#container(task).signal(signal);

  async spotInterrupt(name: string): Promise<void> {
    const task = this.#task(name);
    this.#end(task, ['SpotInterruption', 'Your Spot Task was interrupted.']);
    await this.#living.get(task);
  }

  run(request: RunRequest): { tasks: readonly Task[]; refused?: string } {
    const refused = this.#stopped
      ? 'The local plane is stopping'
      : this.faults.capacityRefusal(request.capacityProvider);
    if (refused !== undefined) return { tasks: [], refused };
    const tasks = Array.from({ length: request.count }, () => this.#create(request));
    for (const task of tasks) this.#living.set(task, this.#live(task));
    return { tasks };
  }

  requestStop(task: Task, reason: string): void {
    this.#end(task, ['UserInitiated', reason]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const task of this.#living.keys()) this.#end(task, ['UserInitiated', 'The local plane stops'], LAST_STOP_MS);
    await Promise.all(this.#living.values());
  }

  #create({ cluster, definition, capacityProvider, startedBy }: RunRequest): Task {
    const { region, nowMs } = this.#options;
    const id = randomUUID().replaceAll('-', '');
    const task: Task = {
      id,
      arn: `arn:aws:ecs:${region}:${LOCAL_ACCOUNT_ID}:task/${cluster.name}/${id}`,
      cluster,
      definition,
      capacityProvider,
      startedBy,
      region,
      createdAtMs: nowMs(),
      lastStatus: 'PROVISIONING',
      desiredStatus: 'RUNNING',
      version: 0,
    };
    this.#tasks.set(id, task);
    this.#forgetOldest();
    this.#changed(task);
    return task;
  }

  /** From its beginning to its end; never rejects. */
  async #live(task: Task): Promise<void> {
    // RunTask has been answered before anything of the task can be seen.
    await new Promise(setImmediate);
    try {
      const exitCode = await this.#runContainer(task);
      if (exitCode !== undefined) task.exitCode = exitCode;
    } catch (error) {
      this.#because(task, ['TaskFailedToStart', messageOf(error)]);
    }
    this.#because(task, ['EssentialContainerExited', 'Essential container in task exited']);
    this.#containers.delete(task);
    this.#living.delete(task);
    task.desiredStatus = 'STOPPED';
    task.stoppedAtMs = this.#options.nowMs();
    for (const status of ['DEPROVISIONING', 'STOPPED'] as const) this.#changed(task, status);
  }

  /** Runs the container; its exit code, or nothing where it was stopped before it ran. */
  async #runContainer(task: Task): Promise<number | undefined> {
    if (task.desiredStatus === 'STOPPED') return undefined;
    this.#changed(task, 'PENDING');
    const failure = this.faults.takeStartFailure();
    if (failure !== undefined) throw new Error(failure);
    const container = await this.#options.start(task);
    this.#containers.set(task, container);
    task.pid = container.pid;
    task.startedAtMs = this.#options.nowMs();
    this.#changed(task, 'RUNNING');
    // Asked to stop while it started.
    if (task.stoppingAtMs !== undefined) void container.stop(this.#patience(task));
    return container.ended;
  }

  #end(task: Task, [stopCode, reason]: Cause, patienceMs = this.#patience(task)): void {
    if (task.lastStatus === 'STOPPED') return;
    const container = this.#containers.get(task);
    if (task.desiredStatus === 'RUNNING') {
      task.desiredStatus = 'STOPPED';
      task.stoppingAtMs = this.#options.nowMs();
      this.#because(task, [stopCode, reason]);
      this.#changed(task);
    }
    void container?.stop(patienceMs);
  }

  #patience({ definition }: Task): number {
    return this.#options.stopTimeoutMs ?? definition.container.stopTimeoutMs;
  }

  /** The first reason stands. */
  #because(task: Task, [stopCode, reason]: Cause): void {
    if (task.stopCode) return;
    task.stopCode = stopCode;
    task.stoppedReason = reason;
  }

  #changed(task: Task, lastStatus: Task['lastStatus'] = task.lastStatus): void {
    const { emit, tell, nowMs } = this.#options;
    task.lastStatus = lastStatus;
    task.version += 1;
    const { arn, definition, desiredStatus, stopCode, pid } = task;
    emit({
      type: 'task-changed',
      task: arn,
      family: definition.family,
      lastStatus,
      desiredStatus,
      ...(stopCode && { stopCode }),
      ...(pid !== undefined && { pid }),
    });
    const detail = eventDetail(task, nowMs());
    tell({ source: 'aws.ecs', detailType: 'ECS Task State Change', detail, resources: [arn] });
  }

  #forgetOldest(): void {
    const stopped = [...this.#tasks.values()].filter(({ lastStatus }) => lastStatus === 'STOPPED');
    for (const { id } of stopped.slice(0, -STOPPED_KEPT)) this.#tasks.delete(id);
  }

  #task(name: string): Task {
    const task = this.find(name);
    if (task) return task;
    throw new PlaneError('UNKNOWN_NAME', `There is no task ${name} on this plane. Take one from plane.tasks.list().`);
  }

  #container(name: string): Container {
    const task = this.#task(name);
    const container = this.#containers.get(task);
    if (container) return container;
    throw new PlaneError('UNKNOWN_NAME', `The task ${name} is ${task.lastStatus} and has no process.`);
  }
}
