import type { ScheduleKey } from './catalogue/schedules.ts';

/** What only the doors need of the world: links, a measure of who asks how often, and what the scheduler really has. */

/** An address that works without a token, for a few minutes. Never stored, never logged. */
export interface Link {
  readonly href: string;
  readonly expiresAtMs: number;
}
export interface UploadLink extends Link {
  /** Those that the upload must carry: they are part of what was signed. */
  readonly headers: Readonly<Record<string, string>>;
}
export interface Links {
  /** Links by which `keys`, all of them below `prefix`, can be read; the credentials behind them reach nothing else. */
  reading(prefix: string, keys: readonly string[]): Promise<Link[]>;
  /** A link by which exactly this object can be written, once or again. */
  writing(key: string, object: { readonly contentType: string; readonly sizeBytes: number }): Promise<UploadLink>;
}

export interface RateLimit {
  readonly perSecond: number;
  /** So many at once, after a pause. */
  readonly burst: number;
}
/** How often somebody asks. */
export interface Rate {
  /** Counts one request; resolves with how long to wait before the next is taken, 0 when this one is. */
  take(bucket: string, limit: RateLimit): Promise<{ readonly waitMs: number }>;
}

/** A schedule as EventBridge Scheduler has it. */
export interface DeployedSchedule {
  readonly state: 'ENABLED' | 'DISABLED';
  readonly expression: string;
  readonly timezone: string;
  readonly maximumRetries?: number;
  readonly maximumEventAgeSeconds?: number;
}
export interface ScheduleReader {
  /** Undefined: the scheduler has none of that name. */
  read(key: ScheduleKey): Promise<DeployedSchedule | undefined>;
}
