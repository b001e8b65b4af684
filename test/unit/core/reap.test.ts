import { describe, expect, it } from 'vitest';
import { limits } from '#core/catalogue/limits.ts';
import { narrow } from '#core/halt.ts';
import { reaper } from '#core/reap.ts';
import type { Run } from '#core/run.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { ask, bound, deliver, drive, pullResult, pulls, rowOf, runRow } from './support.ts';

const ok = pulls(async () => pullResult);
const minuteMs = 60_000;
const waiting = async (plane: MemoryPlane) => (await plane.queues.depth('ingestion', 'queue')).waiting;
/** Rows as they would stand, without messages. */
async function rows(plane: MemoryPlane, count: number, over: Partial<Run>): Promise<Run[]> {
  const made = Array.from({ length: count }, () => runRow(over, plane));
  for (const row of made) await plane.ledger.create(row);
  return made;
}
const overdue = (plane: MemoryPlane, count: number) =>
  rows(plane, count, { notBeforeMs: plane.clock.nowMs() - minuteMs, checkAfterMs: plane.clock.nowMs() });
const lost = (plane: MemoryPlane, over: Partial<Run> = {}) =>
  rows(plane, 1, {
    state: 'running',
    attempt: 1,
    starts: 1,
    fence: 1,
    lease: { owner: 'dead', untilMs: plane.clock.nowMs() },
    checkAfterMs: plane.clock.nowMs(),
    ...over,
  }).then(([row]) => row!);

describe('a queued row whose message was lost', () => {
  it('is sent again once it is overdue, and then only in an hour: a backlog is no loss', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    plane.queues.receive('ingestion', 1, 9e9);
    await plane.clock.advance(minuteMs - 1);
    expect(await reaper(plane).resend()).toEqual({ count: 0, more: false });
    await plane.clock.advance(1);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'queued', send: 2 });
    await plane.clock.advance(59 * minuteMs);
    expect(await reaper(plane).resend()).toEqual({ count: 0, more: false });
    await plane.clock.advance(minuteMs);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    await deliver(plane, 'ingestion', { bodies: ok });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', starts: 1, send: 3 });
  });

  it('is left alone when it was claimed while the reaper looked', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    await plane.clock.advance(minuteMs);
    const open = bound(plane.ledger, 'open');
    plane.ledger.open = async (query) => {
      const ids = await open(query);
      await deliver(plane, 'ingestion', { bodies: ok });
      return ids;
    };
    expect(await reaper(plane).resend()).toEqual({ count: 0, more: false });
    expect((await rowOf(plane, run.id)).state).toBe('succeeded');
    expect(await waiting(plane)).toBe(0);
  });

  it('whose re-send fails holds nobody up, and is tried again in a minute', async () => {
    const plane = memoryPlane();
    const [first, second] = await overdue(plane, 2);
    const send = bound(plane.queues, 'send');
    plane.queues.send = (queue, message) =>
      message.deduplicationId.startsWith(first!.id) ? Promise.reject(new Error('throttled')) : send(queue, message);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    expect(await rowOf(plane, second!.id)).toMatchObject({ send: 2 });
    plane.queues.send = send;
    await plane.clock.advance(minuteMs);
    expect(await reaper(plane).resend()).toEqual({ count: 1, more: false });
    expect(await waiting(plane)).toBe(2);
  });

  it('is sent in a halt, too: the claim holds it', async () => {
    const plane = memoryPlane();
    const [row] = await overdue(plane, 1);
    plane.key.value = '0';
    expect(await reaper(plane).resend()).toMatchObject({ count: 1 });
    await deliver(plane, 'ingestion', { bodies: ok });
    expect((await rowOf(plane, row!.id)).state).toBe('held');
  });
});

describe('a lost lease', () => {
  it('puts the run back into its queue, its attempt spent, with a new message', async () => {
    const plane = memoryPlane();
    const row = await lost(plane);
    expect(await reaper(plane).expire()).toEqual({ count: 1, more: false });
    expect(await rowOf(plane, row.id)).toMatchObject({ state: 'queued', attempt: 1, send: 2, outbox: [] });
    await deliver(plane, 'ingestion', { bodies: ok });
    expect(await rowOf(plane, row.id)).toMatchObject({ state: 'succeeded', attempt: 2, starts: 2, fence: 2 });
  });

  it('of the last attempt makes the run dead, with letter, event, and a frame under a fence of its own', async () => {
    const plane = memoryPlane();
    const row = await lost(plane, { attempt: 5, starts: 5, fence: 5 });
    await plane.progress.publish({ v: 1, run_id: row.id, fence: 5, seq: 1, ts: '', state: 'running' });
    expect(await reaper(plane).expire()).toEqual({ count: 1, more: false });
    expect(await rowOf(plane, row.id)).toMatchObject({ state: 'dead', outcome: { code: 'LEASE_EXPIRED' }, outbox: [] });
    expect(await plane.progress.read(row.id)).toMatchObject([{ fence: 6, seq: 1, state: 'dead' }]);
    expect(plane.queues.letters('ingestion')).toMatchObject([
      { code: 'LEASE_EXPIRED', reason: expect.stringMatching(/last of 5 attempts .* then redrive it$/) },
    ]);
    expect(plane.lifecycle.events.map((event) => event.name)).toEqual(['RunDead']);
    expect(plane.metrics.records.map((record) => record.name)).toContain('RunDead');
  });

  it('that was renewed while the reaper looked is not lost', async () => {
    const plane = memoryPlane();
    const row = await lost(plane);
    const readMany = bound(plane.ledger, 'readMany');
    plane.ledger.readMany = async (ids) =>
      (await readMany(ids)).map((found) => ({
        ...found,
        lease: { owner: 'alive', untilMs: plane.clock.nowMs() + 1 },
      }));
    expect(await reaper(plane).expire()).toEqual({ count: 0, more: false });
    expect(await rowOf(plane, row.id)).toEqual(row);
  });
});

describe('an outbox that was left over', () => {
  const settled = (plane: MemoryPlane, count = 1) =>
    rows(plane, count, {
      state: 'failed',
      fence: 1,
      settledMs: plane.clock.nowMs(),
      checkAfterMs: plane.clock.nowMs() + minuteMs,
      outbox: ['frame', 'event', 'dead-letter'],
      outcome: { code: 'INPUT_INVALID', message: 'no column close' },
    });

  it('is drained a minute later, and the row leaves the open index', async () => {
    const plane = memoryPlane();
    const [row] = await settled(plane);
    expect(await reaper(plane).drain()).toEqual({ count: 0, more: false });
    await plane.clock.advance(minuteMs);
    expect(await reaper(plane).drain()).toEqual({ count: 1, more: false });
    expect((await rowOf(plane, row!.id)).outbox).toEqual([]);
    expect(plane.queues.letters('ingestion')).toMatchObject([{ code: 'INPUT_INVALID', reason: 'no column close' }]);
    expect(await reaper(plane).drain()).toEqual({ count: 0, more: false });
    expect(plane.queues.letters('ingestion')).toHaveLength(1);
  });

  it('that still cannot be drained stays, counts for nothing, and holds up no other', async () => {
    const plane = memoryPlane();
    const [stuck, good] = await settled(plane, 2);
    await plane.clock.advance(minuteMs);
    const emit = bound(plane.lifecycle, 'emit');
    plane.lifecycle.emit = (event) =>
      event.detail['run'] === stuck!.id ? Promise.reject(new Error('no')) : emit(event);
    expect(await reaper(plane).drain()).toEqual({ count: 1, more: false });
    expect((await rowOf(plane, stuck!.id)).outbox).toHaveLength(3);
    expect((await rowOf(plane, good!.id)).outbox).toEqual([]);
  });
});

describe('held rows', () => {
  const held = (plane: MemoryPlane, count: number) =>
    rows(plane, count, { state: 'held', checkAfterMs: plane.clock.nowMs() });

  it('are let go while the switch is clear, and sent', async () => {
    const plane = memoryPlane();
    await held(plane, 3);
    expect(await reaper(plane).release()).toEqual({ count: 3, more: false });
    expect(await waiting(plane)).toBe(3);
  });

  it.each([
    ['halted', (plane: MemoryPlane) => void (plane.key.value = '0')],
    ['unknown', (plane: MemoryPlane) => void (plane.key.down = true)],
  ])('stay while the switch is %s, and the pass says that there is more', async (_, spoil) => {
    const plane = memoryPlane();
    const [row] = await held(plane, 1);
    spoil(plane);
    expect(await reaper(plane).release()).toEqual({ count: 0, more: true });
    expect(await rowOf(plane, row!.id)).toEqual(row);
  });

  it('of a queue that is halted on its own stay', async () => {
    const plane = memoryPlane();
    await held(plane, 2);
    await drive(plane, narrow(plane, { by: 'anna', reason: 'drill', kind: 'queue', name: 'ingestion' }));
    expect(await reaper(plane).release()).toEqual({ count: 0, more: false });
    expect(await waiting(plane)).toBe(0);
  });

  it('go oldest first, a hundred at a time and a second apart', async () => {
    const plane = memoryPlane();
    const nowMs = plane.clock.nowMs();
    const made = await held(plane, 130);
    for (const [index, row] of made.entries()) {
      await plane.ledger.replace(row, { ...row, rev: 2, checkAfterMs: nowMs - index });
    }
    let over = false;
    const releasing = reaper(plane)
      .release()
      .then((count) => ((over = true), count));
    await plane.clock.advance(900);
    expect([over, await waiting(plane)]).toEqual([false, 100]);
    expect((await rowOf(plane, made[129]!.id)).state).toBe('queued');
    expect((await rowOf(plane, made[0]!.id)).state).toBe('held');
    expect(await drive(plane, releasing)).toEqual({ count: 130, more: false });
    expect((await rowOf(plane, made[0]!.id)).state).toBe('queued');
  });

  it('stop going when the plane is halted between two seconds', async () => {
    const plane = memoryPlane();
    await held(plane, 130);
    const releasing = reaper(plane).release();
    await plane.clock.advance(900);
    plane.key.value = 'again';
    expect(await drive(plane, releasing)).toEqual({ count: 100, more: true });
    expect(await waiting(plane)).toBe(100);
  });

  it('are let go for a bounded time', async () => {
    const plane = memoryPlane();
    await held(plane, 3200);
    // A second's hundred at 0, 1, ... and 29 s.
    expect(await drive(plane, reaper(plane).release())).toEqual({ count: 3000, more: true });
  });

  it('of a task that is halted on its own do not stand before others', async () => {
    const plane = memoryPlane();
    const [first] = await held(plane, 1);
    await drive(plane, narrow(plane, { by: 'anna', reason: 'drill', kind: 'queue', name: 'ingestion' }));
    await reaper(plane).release();
    expect((await rowOf(plane, first!.id)).checkAfterMs).toBe(plane.clock.nowMs() + 60_000);
  });

  it('whose message cannot be sent are let go all the same; the next minute sends them', async () => {
    const plane = memoryPlane();
    await held(plane, 2);
    const send = bound(plane.queues, 'send');
    plane.queues.send = () => Promise.reject(new Error('throttled'));
    expect(await reaper(plane).release()).toEqual({ count: 2, more: false });
    plane.queues.send = send;
    await plane.clock.advance(minuteMs);
    expect(await reaper(plane).resend()).toEqual({ count: 2, more: false });
  });
});

describe('every pass', () => {
  it('goes on until nothing is left, however many hundreds there are', async () => {
    const plane = memoryPlane();
    await overdue(plane, 2 * limits.reapBatch + 20);
    expect(await reaper(plane).resend()).toEqual({ count: 220, more: false });
    expect(await waiting(plane)).toBe(220);
  });

  it('beside another reaper touches each row once', async () => {
    const plane = memoryPlane();
    const queued = await overdue(plane, 20);
    const running = await lost(plane);
    const passes = await drive(
      plane,
      Promise.all([1, 2].flatMap(() => [reaper(plane).resend(), reaper(plane).expire(), reaper(plane).release()])),
    );
    expect(passes.reduce((sum, pass) => sum + pass.count, 0)).toBe(21);
    for (const row of [...queued, running]) expect(await rowOf(plane, row.id)).toMatchObject({ send: 2 });
    expect(await waiting(plane)).toBe(21);
  });

  it('skips a row that is gone from the ledger but not yet from the index', async () => {
    const plane = memoryPlane();
    plane.ledger.open = async ({ queue }) => (queue === 'ingestion' ? ['gone'] : []);
    for (const pass of ['resend', 'expire', 'drain', 'release'] as const) {
      expect(await reaper(plane)[pass]()).toEqual({ count: 0, more: false });
    }
  });

  it('of a row in the wrong state (the index is late) changes nothing', async () => {
    const plane = memoryPlane();
    const row = runRow({ state: 'succeeded' }, plane);
    await plane.ledger.create(row);
    plane.ledger.open = async ({ queue }) => (queue === 'ingestion' ? [row.id] : []);
    for (const pass of ['resend', 'expire', 'drain', 'release'] as const) await reaper(plane)[pass]();
    expect(await rowOf(plane, row.id)).toEqual(row);
    expect(await waiting(plane)).toBe(0);
  });
});

it('a run lost with its process is done again, once: two starts, one result', async () => {
  const plane = memoryPlane();
  const { run } = await ask(plane);
  // The process dies with its claim: its ledger hears no more of it.
  const frozen = { ...plane, ledger: { ...plane.ledger, replace: bound(plane.ledger, 'replace') }, clock: plane.clock };
  let begun = 0;
  const never = pulls(() => ((begun += 1), new Promise(() => undefined)));
  void deliver(frozen, 'ingestion', { bodies: never });
  await plane.clock.advance(0);
  frozen.ledger.replace = () => new Promise(() => undefined);
  await plane.clock.advance(45_000);
  await reaper(plane).expire();
  await deliver(plane, 'ingestion', { bodies: pulls(async () => ((begun += 1), pullResult)) });
  expect(begun).toBe(2);
  expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', starts: 2, attempt: 2 });
});
