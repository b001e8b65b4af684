import { describe, expect, it } from 'vitest';
import { decideClaim, leaseUntilMs, type Claim, type ClaimCircumstances } from '#core/claim.ts';
import { queueRow } from '#core/catalogue/queues.ts';
import { runStates, isTerminal, type Run } from '#core/run.ts';
import { memoryPlane } from '#memory/plane.ts';
import { failureOf, now, runRow, withContract } from './support.ts';

const plane = memoryPlane();
const atMs = plane.clock.nowMs();
const claim = (row: Run, over: Partial<ClaimCircumstances> = {}, generation = row.generation): Claim =>
  decideClaim(row, { generation }, now(plane, over));
const lease = (endsInMs: number) => ({ owner: 'other', untilMs: atMs + endsInMs });
const next = (made: Claim): Run => {
  if (!('next' in made)) throw new Error(`the claim is ${made.kind}`);
  return made.next;
};
const slot = (ageMs: number, over: Partial<Run> = {}): Run =>
  runRow({
    task: 'killswitch.heartbeat',
    queue: 'system',
    schedule: 'killswitch-heartbeat',
    slotMs: atMs - ageMs,
    ...over,
  });

describe('a queued row', () => {
  it('that is due is ours: attempt, fence and starts rise, the lease is written, the old outcome is gone', () => {
    const row = runRow({ attempt: 1, starts: 4, fence: 7, frames: 9, outbox: ['send'], outcome: { code: 'INTERNAL' } });
    const made = claim(row);
    expect(made.kind).toBe('ours');
    expect(next(made)).toMatchObject({ state: 'running', attempt: 2, starts: 5, fence: 8, frames: 0, outbox: [] });
    expect(next(made).lease).toEqual({ owner: plane.owner, untilMs: atMs + 45_000 });
    expect(next(made).checkAfterMs).toBe(atMs + 45_000);
    expect(next(made).claimedMs).toBe(atMs);
    expect(next(made).outcome).toBeUndefined();
  });

  it('is due at the very millisecond of its time', () => {
    expect(claim(runRow({ notBeforeMs: atMs })).kind).toBe('ours');
  });

  it('that is not yet due comes back after what remains, plus up to a second of jitter', () => {
    const row = runRow({ notBeforeMs: atMs + 4000 });
    expect(claim(row, { random: () => 0 })).toEqual({ kind: 'later', afterMs: 4000 });
    expect(claim(row, { random: () => 0.999 })).toEqual({ kind: 'later', afterMs: 4999 });
    expect(claim(runRow({ notBeforeMs: atMs + 1 })).kind).toBe('later');
  });

  it('whose attempts are spent fails with a letter, since dead is for attempts that were lost', () => {
    const made = claim(runRow({ attempt: 5, fence: 5 }));
    expect(made.kind).toBe('put-aside');
    expect(next(made)).toMatchObject({ state: 'failed', attempt: 5, fence: 5, outcome: { code: 'ATTEMPTS_SPENT' } });
    expect(next(made).outbox).toEqual(['frame', 'event', 'dead-letter']);
    expect(next(made).outcome?.message).toMatch(/5 of 5 attempts .* then redrive it$/);
  });

  it('with one attempt left is ours', () => {
    expect(next(claim(runRow({ attempt: 4 })))).toMatchObject({ state: 'running', attempt: 5 });
  });
});

describe('a running row', () => {
  it('under a live lease is its owner business: acknowledged', () => {
    expect(claim(runRow({ state: 'running', attempt: 1, lease: lease(1) }))).toEqual({ kind: 'busy' });
  });

  it.each([
    ['ended now', lease(0)],
    ['ended long ago', lease(-60_000)],
  ])('whose lease %s is ours, under a new fence', (_, expired) => {
    const made = claim(runRow({ state: 'running', attempt: 1, starts: 1, fence: 3, lease: expired }));
    expect(made.kind).toBe('ours');
    expect(next(made)).toMatchObject({ state: 'running', attempt: 2, starts: 2, fence: 4 });
  });

  it('without any lease is ours', () => {
    expect(claim(runRow({ state: 'running', attempt: 1 })).kind).toBe('ours');
  });

  it('whose last attempt was lost is dead, under a fence of its own so that its frame comes last', () => {
    const made = claim(runRow({ state: 'running', attempt: 5, fence: 5, frames: 3, lease: lease(-1) }));
    expect(made.kind).toBe('put-aside');
    expect(next(made)).toMatchObject({ state: 'dead', fence: 6, frames: 0, outcome: { code: 'ATTEMPTS_SPENT' } });
    expect(next(made).lease).toBeUndefined();
    expect(next(made).outbox).toContain('dead-letter');
  });
});

describe('a row that is not to be begun', () => {
  it.each(runStates.filter(isTerminal))('%s: acknowledged', (state) => {
    expect(claim(runRow({ state, outbox: ['event'] }))).toEqual({ kind: 'done' });
  });

  it('held: acknowledged, since the release sends a new message', () => {
    expect(claim(runRow({ state: 'held' }))).toEqual({ kind: 'done' });
    expect(claim(runRow({ state: 'held' }), { halted: true })).toEqual({ kind: 'done' });
  });

  it.each(runStates)('the message is of an older generation than the %s row: acknowledged', (state) => {
    expect(claim(runRow({ state, generation: 3 }), {}, 2)).toEqual({ kind: 'done' });
  });

  it.each(runStates)('the message is newer than the %s row: rejected', (state) => {
    const failure = failureOf(() => claim(runRow({ id: 'run-9', state }), {}, 2));
    expect(failure).toMatchObject({ code: 'RUN_UNKNOWN', disposition: 'reject' });
    expect(failure.message).toContain('generation 2');
    expect(failure.message).toContain('run-9 only of 1');
  });
});

describe('in a halt', () => {
  const halted = { halted: true };

  it('a task that runs in a halt is ours', () => {
    expect(claim(slot(1000), halted).kind).toBe('ours');
  });

  it('a task that holds is held: no attempt, no lease, and the reaper looks at it from now on', () => {
    const made = claim(runRow({ attempt: 2, fence: 2 }), halted);
    expect(made.kind).toBe('put-aside');
    expect(next(made)).toMatchObject({ state: 'held', attempt: 2, fence: 2, checkAfterMs: atMs, outbox: [] });
    expect(next(made).lease).toBeUndefined();
  });

  it('a lost claim of a task that holds is held, too, and its attempt stays spent', () => {
    const made = claim(runRow({ state: 'running', attempt: 2, fence: 2, lease: lease(-1) }), halted);
    expect(next(made)).toMatchObject({ state: 'held', attempt: 2 });
    expect(next(made).lease).toBeUndefined();
  });

  it('a task that skips is skipped, with frame and event', () =>
    withContract('ingest.pull', { whenHalted: 'skip' }, () => {
      const made = claim(runRow(), halted);
      expect(made.kind).toBe('put-aside');
      expect(next(made)).toMatchObject({ state: 'skipped', outcome: { code: 'halted' }, settledMs: atMs });
      expect(next(made).outbox).toEqual(['frame', 'event']);
    }));

  it('a lost claim that is skipped gets a fence of its own: its owner may have sent frames under the old one', () =>
    withContract('ingest.pull', { whenHalted: 'skip' }, () => {
      const made = claim(runRow({ state: 'running', attempt: 1, fence: 4, lease: lease(-1) }), halted);
      expect(next(made)).toMatchObject({ state: 'skipped', fence: 5, frames: 0 });
    }));

  it.each([
    ['was begun before, by an owner that was lost', { starts: 1, fence: 4, frames: 0 }, 5],
    ['has ended before, with a frame where this one would stand', { generation: 2, fence: 4, frames: 2 }, 5],
    ['was never begun', {}, 0],
  ])('one that %s is skipped under fence %s', (_, over, fence) =>
    withContract('ingest.pull', { whenHalted: 'skip' }, () => {
      const made = claim(runRow(over), halted);
      expect(next(made)).toMatchObject({ state: 'skipped', fence, frames: 0 });
    }),
  );

  it('a row that is not yet due waits, it is not held', () => {
    expect(claim(runRow({ notBeforeMs: atMs + 10 }), halted).kind).toBe('later');
  });

  it('spent attempts end a run as they do without one', () => {
    expect(next(claim(runRow({ attempt: 5 }), halted)).state).toBe('failed');
  });
});

describe('a slot', () => {
  it('is stale when it was not begun within the limit of its schedule', () => {
    expect(claim(slot(5 * 60_000)).kind).toBe('ours');
    const made = claim(slot(5 * 60_000 + 1));
    expect(made.kind).toBe('put-aside');
    expect(next(made)).toMatchObject({ state: 'skipped', outcome: { code: 'stale' }, attempt: 0 });
  });

  it('that was begun in time is not stale in a later attempt', () => {
    expect(claim(slot(60 * 60_000, { starts: 1, attempt: 1 })).kind).toBe('ours');
  });
});

describe('a lease', () => {
  it('of an invocation ends 5 s after its deadline, and before its message is back', () => {
    const { timeout } = queueRow('system');
    const untilMs = leaseUntilMs({ queue: 'system' }, { nowMs: atMs, deadlineMs: atMs + timeout * 1000 });
    expect(untilMs - atMs).toBe(timeout * 1000 + 5000);
    expect(untilMs - atMs).toBeLessThan(timeout * 1000 + 10_000);
  });

  it('that is renewed runs for its length, whatever the deadline', () => {
    expect(leaseUntilMs({ queue: 'ingestion' }, { nowMs: atMs, deadlineMs: atMs + 1 })).toBe(atMs + 45_000);
  });
});

describe('a row that somebody wished to cancel', () => {
  const cancel = { by: 'anna', reason: 'wrong data', atMs: 1 };
  it.each([
    ['queued', {}],
    ['queued, and not yet due', { notBeforeMs: atMs + 60_000 }],
    ['queued, its attempts spent', { attempt: 5 }],
    ['running, its lease over', { state: 'running', lease: lease(0) }],
  ] as [string, Partial<Run>][])('is cancelled instead of begun: %s', (_, over) => {
    const made = claim(runRow({ cancel, fence: 2, frames: 3, ...over }));
    expect(made.kind).toBe('put-aside');
    expect(next(made)).toMatchObject({ state: 'cancelled', cancel, fence: 3, frames: 0, outbox: ['frame', 'event'] });
    expect(next(made).outcome).toEqual({ code: 'RUN_CANCELLED', message: 'cancelled by anna: wrong data' });
    expect(next(made)).not.toHaveProperty('lease');
  });

  it('and that is at work is left to its owner', () => {
    expect(claim(runRow({ cancel, state: 'running', lease: lease(1) })).kind).toBe('busy');
  });

  it('for a reason that is a novel keeps a row near its size', () => {
    const made = claim(runRow({ cancel: { ...cancel, reason: '\u{1f6d1}'.repeat(250) } }));
    expect(next(made).outcome?.message).toHaveLength(300);
    expect(next(made).outcome?.message?.isWellFormed()).toBe(true);
  });
});

it('a slot that was asked for again is not stale, however late: its lateness was known', () => {
  const again = { how: 'catch-up', by: 'system:beat', reason: 'missed', atMs } as const;
  expect(next(claim(slot(86_400_000)))).toMatchObject({ state: 'skipped', outcome: { code: 'stale' } });
  expect(next(claim(slot(86_400_000, { again })))).toMatchObject({ state: 'running' });
});
