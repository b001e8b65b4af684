import { hours, minutes, type Seconds } from '../duration.ts';

/** Which group a key lives in: `state` never evicts, `cache` does. */
export interface RedisKeyRow {
  readonly pattern: string;
  readonly group: 'state' | 'cache';
  /** Every key but the kill switch has one: only so can a SET of the switch never fail for lack of memory. */
  readonly ttl: Seconds | 'none';
  readonly purpose: string;
}

export const redisKeys = {
  killSwitch: {
    pattern: 'alphaswarm:kill_switch',
    group: 'state',
    ttl: 'none',
    purpose: 'any non-empty value halts everything (shared with alphaswarm-core)',
  },
  canary: {
    pattern: 'alphaswarm:{cell}:heartbeat:canary',
    group: 'state',
    ttl: minutes(5),
    purpose: 'written and read by each heartbeat',
  },
  progressStream: {
    pattern: 'progress:{{run}}',
    group: 'cache',
    ttl: hours(24),
    purpose: 'the frames of a run, capped, for those who come late',
  },
  subscriptions: {
    pattern: 'ws:subs:{{run}}',
    group: 'cache',
    ttl: hours(2),
    purpose: 'the WebSockets that watch a run, each with the last frame it was posted',
  },
  rate: {
    pattern: 'alphaswarm:{cell}:rate:{bucket}',
    group: 'cache',
    ttl: minutes(1),
    purpose: 'when the next request of a caller is due, at its share of requests',
  },
} as const satisfies Record<string, RedisKeyRow>;

/** PUBLISH channels; they hold no memory, so they have no TTL. */
export const redisChannels = {
  progress: 'pubsub:progress:{run}',
  killSwitch: 'pubsub:kill_switch',
} as const;

/** Fills `{name}` in a pattern; `{{name}}` keeps its inner braces, which is a Redis Cluster hash tag. */
export const redisName = (pattern: string, values: Record<string, string>): string =>
  pattern.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
