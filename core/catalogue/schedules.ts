import { minutes, seconds, type Seconds } from '../duration.ts';
import type { PayloadInputOf, TaskName } from './tasks.ts';

/** EventBridge Scheduler keeps its metrics a group, so a group is a cadence. */
export const cadences = { '1m': minutes(1), '5m': minutes(5), '1h': minutes(60), '1d': minutes(1440) } as const;
export type Cadence = keyof typeof cadences;

export interface ScheduleRule {
  readonly cadence: Cadence;
  /** AWS cron in UTC; never `rate`, whose slots move at each deployment. */
  readonly cron: string;
  /** `skip`: a slot that finds the previous one still running is skipped; `allow`: it runs beside it. */
  readonly overlap: 'skip' | 'allow';
  /** What becomes of slots that were missed: nothing, the last of them, or all. */
  readonly catchUp: 'none' | 'last' | 'all';
  /** A slot claimed later than this after its time is skipped as stale. */
  readonly staleAfter: Seconds;
  /** Scheduler's own delivery: tries after the first, and the age at which it gives up. */
  readonly maximumRetries: number;
  readonly maximumEventAge: Seconds;
}

/** A schedule names a task and carries the payload that this task takes. */
export type ScheduleRow = {
  [T in TaskName]: ScheduleRule & { readonly task: T; readonly payload: PayloadInputOf<T> };
}[TaskName];

const eachMinute = {
  cadence: '1m',
  cron: 'cron(* * * * ? *)',
  overlap: 'skip',
  catchUp: 'none',
  staleAfter: minutes(5),
  maximumRetries: 3,
  maximumEventAge: seconds(240),
} as const satisfies ScheduleRule;

/** Every schedule of the plane. Its key is part of the id of each of its runs: never rename one. */
export const schedules = {
  'killswitch-heartbeat': { ...eachMinute, task: 'killswitch.heartbeat', payload: {} },
  'status-sync': { ...eachMinute, task: 'status.sync', payload: {} },
  'runs-reap': { ...eachMinute, task: 'runs.reap', payload: {} },
  'beat-reconcile': {
    ...eachMinute,
    cadence: '1h',
    // Past the full hour, when that hour's slots of most schedules are old enough to be missed.
    cron: 'cron(7 * * * ? *)',
    staleAfter: minutes(30),
    maximumRetries: 10,
    maximumEventAge: minutes(15),
    task: 'beat.reconcile',
    payload: {},
  },
  'audit-anchor': {
    ...eachMinute,
    cadence: '1h',
    // Twelve minutes past: longer than the last write of an hour can take, and beside what the full hour brings.
    cron: 'cron(12 * * * ? *)',
    staleAfter: minutes(30),
    maximumRetries: 10,
    maximumEventAge: minutes(15),
    task: 'audit.anchor',
    payload: {},
  },
} as const satisfies Record<string, ScheduleRow>;

export type ScheduleKey = keyof typeof schedules;
export const scheduleKeys = Object.keys(schedules) as ScheduleKey[];
export const scheduleRow = (key: ScheduleKey): ScheduleRow => schedules[key];
export const isScheduleKey = (key: string): key is ScheduleKey => Object.hasOwn(schedules, key);
