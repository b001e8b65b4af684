// The reaper before a hundred thousand rows: what stands in one queue and state holds up no other.
import { describe, expect, it } from 'vitest';
import { limits } from '#core/catalogue/limits.ts';
import { reapBudgetMs, reaper } from '#core/reap.ts';
import { eachDue, turnstile } from '#core/reap-lanes.ts';
import type { ReapCount } from '#core/ports.ts';
import type { Run } from '#core/run.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { bound, drive, rowOf, runRow } from './support.ts';

/** What a write, a send or a read of a batch takes here. */
const stepMs = 50;
function slowPlane(): MemoryPlane {
  const plane = memoryPlane();
  for (const name of ['replace', 'readMany'] as const) {
    const method = bound(plane.ledger, name) as (...values: unknown[]) => Promise<never>;
    plane.ledger[name] = async (...values: unknown[]) => {
      await plane.clock.sleep(stepMs);
      return method(...values);
    };
  }
  return plane;
}
async function rows(plane: MemoryPlane, count: number, over: Partial<Run>): Promise<string[]> {
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const row = runRow({ notBeforeMs: 0, ...over }, plane);
    await plane.ledger.create(row);
    ids.push(row.id);
  }
  return ids;
}
const duties = ['expire', 'resend', 'drain', 'release', 'kick'] as const;
type Counts = Record<(typeof duties)[number], ReapCount>;
async function pass(plane: MemoryPlane, signal?: AbortSignal): Promise<Counts> {
  const one = reaper(plane);
  const counts = await drive(plane, Promise.all(duties.map((duty) => one[duty](signal))), stepMs);
  return Object.fromEntries(duties.map((duty, at) => [duty, counts[at]])) as Counts;
}
/** Two of each kind in another queue or state, due after all of the backlog. */
async function few(plane: MemoryPlane, checkAfterMs: number) {
  const lease = { owner: 'dead', untilMs: 1 };
  const system = { task: 'status.sync', queue: 'system', payload: { inline: {} }, checkAfterMs } as const;
  return {
    queued: await rows(plane, 2, { ...system }),
    running: await rows(plane, 2, { ...system, state: 'running', attempt: 1, starts: 1, fence: 1, lease }),
    outbox: await rows(plane, 2, { ...system, state: 'failed', outbox: ['event'] }),
    held: await rows(plane, 2, { ...system, state: 'held' }),
  };
}

describe('100,000 overdue rows of one queue and state', () => {
  it.each([
    ['queued', {}],
    ['running', { state: 'running', attempt: 1, starts: 1, fence: 1, lease: { owner: 'dead', untilMs: 1 } }],
    ['outbox', { state: 'failed', outbox: ['event'] }],
    ['held', { state: 'held' }],
  ] as [keyof Awaited<ReturnType<typeof few>>, Partial<Run>][])(
    'that are %s: all other duties, queues and states get on in the same minute',
    async (state, over) => {
      const plane = slowPlane();
      const nowMs = plane.clock.nowMs();
      await rows(plane, 100_000, { ...over, checkAfterMs: nowMs - 3_600_000 });
      const others = await few(plane, nowMs - 1);
      // Its executors may have been asked for in vain.
      await rows(plane, 1, { task: 'backtest.run', queue: 'backtest', checkAfterMs: nowMs + 60_000 });
      const counts = await pass(plane);
      expect(plane.clock.nowMs() - nowMs).toBeLessThan(reapBudgetMs + 2000);
      for (const [other, ids] of Object.entries(others)) {
        for (const id of ids) {
          const row = await rowOf(plane, id);
          const moved = other === 'outbox' ? row.outbox.length === 0 : row.rev > 1;
          expect([state, other, moved]).toEqual([state, other, true]);
        }
      }
      const duty = ({ queued: 'resend', running: 'expire', outbox: 'drain', held: 'release' } as const)[state];
      expect(counts[duty]).toMatchObject({ more: true });
      expect(counts[duty].count).toBeGreaterThan(1000);
      for (const other of duties.filter((one) => one !== duty)) {
        expect([other, counts[other].more]).toEqual([other, false]);
        expect(counts[other].count).toBeGreaterThanOrEqual(1);
      }
      expect(await plane.queues.depth('kick', 'queue')).toMatchObject({ waiting: 1 });
    },
    120_000,
  );
});

describe('a pass', () => {
  it('ends between two rows when it is told to', async () => {
    const plane = slowPlane();
    await rows(plane, 500, { checkAfterMs: 0 });
    const ending = new AbortController();
    const over = pass(plane, ending.signal);
    await plane.clock.advance(stepMs * 4);
    ending.abort(new Error('the invocation ends'));
    const counts = await over;
    expect(counts.resend.more).toBe(true);
    // What had begun is finished: one width of rows.
    expect(counts.resend.count).toBeLessThanOrEqual(5 * limits.reapWidth);
  });

  it('that was told to end before it began does nothing', async () => {
    const plane = memoryPlane();
    const [id] = await rows(plane, 1, { checkAfterMs: 0 });
    expect((await pass(plane, AbortSignal.abort())).resend).toEqual({ count: 0, more: true });
    expect(await rowOf(plane, id!)).toMatchObject({ rev: 1 });
  });

  it('puts a row that it cannot deal with behind the others, and goes on', async () => {
    const plane = memoryPlane();
    const [bad, good] = await rows(plane, 2, { checkAfterMs: 0 });
    const replace = bound(plane.ledger, 'replace');
    let refused = 0;
    plane.ledger.replace = (previous, next) =>
      previous.id === bad && (refused += 1) === 1 ? Promise.reject(new Error('too large')) : replace(previous, next);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    expect(await rowOf(plane, good!)).toMatchObject({ send: 2 });
    expect(await rowOf(plane, bad!)).toMatchObject({ send: 1, checkAfterMs: plane.clock.nowMs() + 300_000 });
    expect(plane.log.lines).toMatchObject([
      { line: 'row left by the reaper', fields: { run: bad, reason: 'too large' } },
    ]);
  });

  it('sends no row twice that a late index still shows', async () => {
    const plane = memoryPlane();
    const ids = await rows(plane, 100, { checkAfterMs: 0 });
    plane.ledger.open = async ({ queue, state }) => (queue === 'ingestion' && state === 'queued' ? ids : []);
    expect(await reaper(plane).resend()).toEqual({ count: 100, more: true });
    expect(await plane.queues.depth('ingestion', 'queue')).toMatchObject({ waiting: 100 });
  });

  it('lets a hundred a second go of all queues together, each in turn, and then the rest', async () => {
    const plane = memoryPlane();
    await rows(plane, 60, { state: 'held', checkAfterMs: 0 });
    await rows(plane, 60, { state: 'held', checkAfterMs: 0, task: 'status.sync', queue: 'system' });
    const releasing = reaper(plane).release();
    await plane.clock.advance(900);
    const sent = async (queue: 'ingestion' | 'system') => (await plane.queues.depth(queue, 'queue')).waiting;
    expect([await sent('ingestion'), await sent('system')]).toEqual([50, 50]);
    expect(await drive(plane, releasing)).toEqual({ count: 120, more: false });
  });

  it('does not spin on rows that do not move', async () => {
    const plane = memoryPlane();
    await rows(plane, 150, { checkAfterMs: 0 });
    plane.ledger.replace = async () => 'conflict';
    expect(await reaper(plane).resend()).toEqual({ count: 0, more: true });
  });

  it('stops within a hundred rows of a halt', async () => {
    const plane = memoryPlane();
    await rows(plane, 500, { checkAfterMs: 0 });
    const send = bound(plane.queues, 'send');
    plane.queues.send = async (...values) => ((plane.key.value = 'halt'), send(...values));
    expect(await reaper(plane).resend()).toEqual({ count: limits.reapBatch, more: true });
  });

  it('gets on with the other queues when one cannot be read', async () => {
    const plane = memoryPlane();
    const [id] = await rows(plane, 1, { task: 'status.sync', queue: 'system', checkAfterMs: 0 });
    const open = bound(plane.ledger, 'open');
    plane.ledger.open = (query) => (query.queue === 'ingestion' ? Promise.reject(new Error('throttled')) : open(query));
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: true });
    expect(await rowOf(plane, id!)).toMatchObject({ send: 2 });
    plane.ledger.open = () => Promise.reject(new Error('throttled'));
    await expect(reaper(plane).resend()).rejects.toThrow('throttled');
  });

  it('sends a run for later at its time for the first time, and looks again in a minute', async () => {
    const plane = memoryPlane();
    const dueMs = plane.clock.nowMs() + 86_400_000;
    const [id] = await rows(plane, 1, { notBeforeMs: dueMs, checkAfterMs: dueMs });
    expect(await reaper(plane).resend()).toEqual({ count: 0, more: false });
    await plane.clock.advance(86_400_000);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    expect(await rowOf(plane, id!)).toMatchObject({ send: 2, checkAfterMs: dueMs + 60_000 });
    await plane.clock.advance(60_000);
    await reaper(plane).resend();
    expect(await rowOf(plane, id!)).toMatchObject({ send: 3, checkAfterMs: dueMs + 60_000 + 3_600_000 });
  });

  it.each(['queued', 'held', 'running'] as const)('cancels a %s run that somebody wished to cancel', async (state) => {
    const plane = memoryPlane();
    const cancel = { by: 'anna', reason: 'wrong', atMs: 1 };
    const lease = { owner: 'dead', untilMs: 1 };
    const [id] = await rows(plane, 1, { state, cancel, checkAfterMs: 0, ...(state === 'running' ? { lease } : {}) });
    await pass(plane);
    expect(await rowOf(plane, id!)).toMatchObject({ state: 'cancelled', cancel, outbox: [] });
    expect(await plane.queues.depth('ingestion', 'queue')).toMatchObject({ waiting: 0 });
  });
});

describe('the turnstile', () => {
  it('lets no more through than its width, in the order in which they came, and goes on after a failure', async () => {
    const turn = turnstile(2);
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    const steps = Array.from({ length: 9 }, (_, number) =>
      turn(async () => {
        most = Math.max(most, (inside += 1));
        order.push(number);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        if (number === 3) throw new Error('no');
      }),
    );
    expect((await Promise.allSettled(steps)).filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect([order, most]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8], 2]);
  });

  it('is shared: a lane of many rows never takes more than its width of it', async () => {
    const plane = memoryPlane();
    await rows(plane, 300, { checkAfterMs: 0 });
    let inside = 0;
    let most = 0;
    const step = { plane, turn: turnstile(limits.reapConcurrency), isOver: () => false, signal: undefined };
    await eachDue(step, 'queued', async (row) => {
      most = Math.max(most, (inside += 1));
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      return (await plane.ledger.replace(row, { ...row, rev: 2, checkAfterMs: 9e12 })) === 'replaced';
    });
    expect(most).toBe(limits.reapWidth);
  });
});
