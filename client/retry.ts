import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError, UnreachableError } from './errors.ts';

/** Time and chance, so that tests own them. */
export interface RetryMeans {
  /** Resolves after `ms`; rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to below 1. */
  readonly random: () => number;
}
export const realMeans: RetryMeans = {
  sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
  random: Math.random,
};

const attempts = 5;
const firstWaitMs = 200;
const longestWaitMs = 5000;
/** A gateway that asks for more patience than this is not waited for: a person would rather know. */
const longestAskedMs = 30_000;

/**
 * Tries again what may be tried again, with full jitter, at most five times in all: a refused or reset connection, 429,
 * 502 to 504, and 409 IN_PROGRESS, when another try with the same Idempotency-Key is still being worked on. `Retry-After`
 * is the least that is waited. What is sent must be the same each time, its key included.
 */
export async function retrying<T>(act: () => Promise<T>, means: RetryMeans, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      const leastMs = attempt < attempts ? mayPass(error) : undefined;
      if (leastMs === undefined) throw error;
      const jitterMs = means.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
      await means.sleep(leastMs + jitterMs, signal);
    }
  }
}

/** The least wait before another try, or undefined when there is no point in one. */
function mayPass(error: unknown): number | undefined {
  if (error instanceof UnreachableError) return error.passing ? 0 : undefined;
  if (!(error instanceof GatewayError)) return undefined;
  const passing = [429, 502, 503, 504].includes(error.status) || error.code === 'IN_PROGRESS';
  const askedMs = error.retryAfterMs ?? 0;
  return passing && askedMs <= longestAskedMs ? askedMs : undefined;
}

/** `Retry-After` in milliseconds: it holds seconds or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
