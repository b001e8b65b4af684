// The token bucket of a stage's route: `burst` tokens at most, `ratePerSecond` of them back each second.
import type { RouteSpec } from '#local/api-resources.ts';

interface Bucket {
  tokens: number;
  atMs: number;
}

/** True where the request may pass; by the monotonic clock, since requests come in real time. */
export function createThrottle(nowMs: () => number = () => performance.now()): (route: RouteSpec) => boolean {
  const buckets = new Map<string, Bucket>();
  return ({ key, throttle }) => {
    if (!throttle) return true;
    const { burst, ratePerSecond } = throttle;
    const [bucket, atMs] = [buckets.get(key) ?? { tokens: burst, atMs: nowMs() }, nowMs()];
    const tokens = Math.min(burst, bucket.tokens + ((atMs - bucket.atMs) / 1000) * ratePerSecond);
    const passes = tokens >= 1;
    buckets.set(key, { tokens: passes ? tokens - 1 : tokens, atMs });
    return passes;
  };
}
