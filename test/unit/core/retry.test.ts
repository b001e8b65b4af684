import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queueRow } from '#core/catalogue/queues.ts';
import { taskContract, type RetryPolicy } from '#core/catalogue/tasks.ts';
import { minutes, seconds } from '#core/duration.ts';
import { Failure, failureCodes, toFailure } from '#core/errors.ts';
import { backoffMs, isRetryable, maximumAttempts } from '#core/retry.ts';
import { memoryIds } from '#memory/ids.ts';

const policy: RetryPolicy = { firstWait: seconds(2), longestWait: minutes(5), nonRetryable: [] };
const most = () => 1 - Number.EPSILON;

describe('the wait before the next attempt', () => {
  it('is drawn below a step that doubles from the first wait to the longest', () => {
    const steps = Array.from({ length: 10 }, (_, index) => backoffMs(policy, index + 1, most) + 1);
    expect(steps).toEqual([2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
  });

  it('may be nothing at all: the jitter is full', () => {
    expect(backoffMs(policy, 7, () => 0)).toBe(0);
  });

  it('is a whole, finite number of milliseconds within its step for any policy, attempt and draw', () => {
    const anyWait = fc.integer({ min: 0, max: 10 * 86_400 }).map(seconds);
    const anyAttempt = fc.oneof(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1e6, Number.MAX_SAFE_INTEGER, Infinity),
    );
    const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({ firstWait: anyWait, longestWait: anyWait }),
        anyAttempt,
        draw,
        (waits, attempt, random) => {
          const waitMs = backoffMs({ ...waits, nonRetryable: [] }, attempt, () => random);
          expect(Number.isInteger(waitMs)).toBe(true);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(
            Math.min(waits.longestWait * 1000, waits.firstWait * 1000 * 2 ** Math.min(attempt - 1, 999)),
          );
        },
      ),
    );
  });

  it('is a number even where nothing is doubled without end', () => {
    expect(backoffMs({ ...policy, firstWait: seconds(0) }, Infinity, most)).toBe(0);
  });

  it('is spread evenly: each tenth of the step gets its tenth of ten thousand draws', () => {
    const ids = memoryIds(7);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw += 1)
      tenths[Math.floor(backoffMs(policy, 5, () => ids.random()) / 3200)]! += 1;
    // Four standard deviations of a binomial with n = 10,000 and p = 0.1 are 120.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});

describe('another attempt', () => {
  it('is made exactly for failures whose disposition is retry', () => {
    const retried = failureCodes.filter((code) => isRetryable(new Failure(code, 'x'), policy));
    expect(retried.toSorted()).toEqual([
      'CHILD_DIED',
      'DEADLINE_EXCEEDED',
      'DEPENDENCY_UNAVAILABLE',
      'HANDED_BACK',
      'INTERNAL',
      'KILL_SWITCH_UNKNOWN',
      'LEASE_EXPIRED',
      'LEASE_LOST',
      'LEDGER_CONFLICT',
      'MESSAGE_VERSION_NEWER',
    ]);
  });

  it('is not made for a failure that the task calls non-retryable', () => {
    const strict: RetryPolicy = { ...policy, nonRetryable: ['INTERNAL'] };
    expect(isRetryable(new Failure('INTERNAL', 'x'), strict)).toBe(false);
    expect(isRetryable(new Failure('DEPENDENCY_UNAVAILABLE', 'x'), strict)).toBe(true);
  });

  it('is counted by the task, or else by its queue', () => {
    const contract = taskContract('ingest.pull');
    expect(maximumAttempts(contract)).toBe(queueRow('ingestion').maximumAttempts);
    expect(maximumAttempts({ ...contract, retry: { ...policy, maximumAttempts: 2 } })).toBe(2);
  });
});

describe('whatever is thrown', () => {
  it('passes as it is when it is one of ours', () => {
    const failure = new Failure('INPUT_INVALID', 'no file');
    expect(toFailure(failure)).toBe(failure);
  });

  it.each([
    ['an error', new RangeError('out of range'), 'RangeError: out of range'],
    ['a word', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['an object', { a: 1 }, '[object Object]'],
  ])('%s becomes INTERNAL, with its words and its cause', (_, thrown, words) => {
    const failure = toFailure(thrown);
    expect(failure).toMatchObject({ code: 'INTERNAL', disposition: 'retry', cause: thrown });
    expect(failure.message).toContain(words);
  });

  it('is cut where it is endless', () => {
    expect(toFailure(new Error('x'.repeat(10_000))).message.length).toBeLessThan(600);
  });

  it('loses the characters that a dead letter cannot carry, and nothing else', () => {
    expect(new Failure('INTERNAL', 'tab\t line\n nul\0 bell\u0007 \uFFFF half \uD83D whole 😀 é').message).toBe(
      'tab\t line\n nul\uFFFD bell\uFFFD \uFFFD half \uFFFD whole 😀 é',
    );
  });
});
