import { createHmac } from 'node:crypto';
import type { ScheduleKey } from '#core/catalogue/schedules.ts';
import type { Clock } from '#core/ports.ts';
import type { DeployedSchedule, Links, Rate, ScheduleReader } from '#core/ports-gateway.ts';

// Twins of what only the doors need: links, the rate, what the scheduler has.

const linkMs = 300_000;

/** Links that say what they are good for; nothing answers at them. */
export function memoryLinks({ nowMs }: Pick<Clock, 'nowMs'>): Links {
  const linkTo = (key: string, what: string) => {
    const expiresAtMs = nowMs() + linkMs;
    const signature = createHmac('sha256', 'memory').update(`${what} ${key} ${expiresAtMs}`).digest('hex');
    return { href: `https://memory.invalid/${encodeURI(key)}?signature=${signature}`, expiresAtMs };
  };
  return {
    async reading(prefix, keys) {
      const stray = keys.find((key) => !key.startsWith(prefix));
      if (stray !== undefined) throw new Error(`${stray} does not lie below ${prefix}`);
      return keys.map((key) => linkTo(key, 'GET'));
    },
    async writing(key, { contentType, sizeBytes }) {
      const headers = { 'content-type': contentType, 'content-length': String(sizeBytes) };
      return { ...linkTo(key, `PUT ${contentType} ${sizeBytes}`), headers };
    },
  };
}

/** A bucket a caller: what is taken from it flows back at the limit's pace. */
export function memoryRate({ monotonicMs }: Pick<Clock, 'monotonicMs'>): Rate & { down: boolean } {
  const freeAtMs = new Map<string, number>();
  const twin = {
    down: false,
    async take(bucket: string, { perSecond, burst }: { perSecond: number; burst: number }) {
      if (twin.down) throw new Error('the connection is closed');
      const gapMs = 1000 / perSecond;
      const nowMs = monotonicMs();
      const nextMs = Math.max(nowMs, freeAtMs.get(bucket) ?? 0) + gapMs;
      const waitMs = nextMs - nowMs - burst * gapMs;
      if (waitMs > 0) return { waitMs: Math.ceil(waitMs) };
      freeAtMs.set(bucket, nextMs);
      return { waitMs: 0 };
    },
  };
  return twin;
}

/** The scheduler as a map. */
export function memorySchedules(): ScheduleReader & { readonly deployed: Map<ScheduleKey, DeployedSchedule> } {
  const deployed = new Map<ScheduleKey, DeployedSchedule>();
  return { deployed, read: async (key) => deployed.get(key) };
}
