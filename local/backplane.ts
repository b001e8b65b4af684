// Where a plane's queues, objects, tables, functions and schedules come from: servers in this process (the default), or an
// emulator that CloudFormation was run on. What drives them (clock, scheduler, pollers) is the same for all.
import type { Assembly } from '#local/assembly.ts';
import type { ClientSettings } from '#local/aws-clients.ts';
import type { DrivenClock } from '#local/clock.ts';
import type { DataFolder } from '#local/data-folder.ts';
import type { Doors } from '#local/doors.ts';
import type { BusEvent } from '#local/events.ts';
import type { Guardian } from '#local/guardian.ts';
import type { InvocationResult } from '#local/lambda-environment.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import type { Logs } from '#local/logs.ts';
import type { Metrics } from '#local/metrics.ts';
import type { Emit, PlaneEndpoints } from '#local/plane-event.ts';
import type { PlaneResources } from '#local/plane-resources.ts';
import type { PlaneOptions } from '#local/plane.ts';
import type { QueueDepth } from '#local/queues.ts';
import type { Tasks } from '#local/tasks.ts';

/** What every part of one plane shares. */
export interface Base {
  options: PlaneOptions;
  assembly: Assembly;
  settings: ClientSettings;
  folder: DataFolder;
  clock: DrivenClock;
  guardian: Guardian;
  emit: Emit;
  logs: Logs;
  doors: Doors;
  /** How to stop each part, pushed the moment it runs; the last is stopped first. */
  undo: (() => unknown)[];
}

/** What is to be known of one queue before a clock may jump. */
export interface QueueState {
  depth: QueueDepth;
  /** Receipt handles of the messages in flight, whose visibility has not run out. */
  inFlightHandles: string[];
  /** When the next hidden or delayed message can be received, in wall time; undefined when there is none. */
  nextReturnMs: number | undefined;
}

/** Looks into the queues without receiving from them. */
export interface QueueWatch {
  /** The state of each queue by its name, all at one moment. */
  look(): Promise<ReadonlyMap<string, QueueState>>;
  /** Lets `byMs` pass for every hidden or delayed message: the plane's clock has jumped. */
  pass(byMs: number): Promise<void>;
}

export interface Backplane {
  endpoints: PlaneEndpoints;
  resources: PlaneResources;
  queues: QueueWatch;
  lambdas: Lambdas;
  /** Absent where there are none. */
  tasks?: Tasks;
  metrics: Metrics;
  /** How a mapping hands its batch to a function. */
  invoke(functionName: string, event: unknown): Promise<InvocationResult>;
  /** The complete environment that a function runs with. Throws UNKNOWN_NAME. */
  environment(functionName: string): Record<string, string>;
  events(): readonly BusEvent[];
  /** Messages that rules are sending at the moment. */
  sending?(): number;
  queueDepths(): Record<string, QueueDepth>;
}

/** Starts a backplane. What it has started stands in `base.undo`, also when it throws. */
export type StartBackplane = (base: Base) => Promise<Backplane>;
