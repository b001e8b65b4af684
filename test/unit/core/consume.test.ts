import { describe, expect, it } from 'vitest';
import { logLines } from '#core/catalogue/metrics.ts';
import { consume } from '#core/consume.ts';
import { Failure } from '#core/errors.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { ask, bound, deliver, drive, pullResult, pulls, rowOf } from './support.ts';

const ok = pulls(async () => pullResult);
const send = (plane: MemoryPlane, body: string) =>
  plane.queues.send('ingestion', { body, group: 'acme', deduplicationId: body });

describe('a batch', () => {
  it('with poison in it: the good are done, the poison lies in the dead letters with code and reason', async () => {
    const plane = memoryPlane();
    const one = await ask(plane);
    await send(plane, 'hello');
    const two = await ask(plane);
    await send(plane, '{"v":1,"run":7}');
    expect(await deliver(plane, 'ingestion', { bodies: ok })).toEqual({ received: 4, returned: [] });
    for (const { run } of [one, two]) expect((await rowOf(plane, run.id)).state).toBe('succeeded');
    expect(plane.queues.letters('ingestion')).toEqual([
      { body: 'hello', code: 'MESSAGE_MALFORMED', reason: expect.stringContaining('it is not JSON: "hello"') },
      { body: '{"v":1,"run":7}', code: 'MESSAGE_MALFORMED', reason: expect.stringContaining('run:') },
    ]);
    expect(plane.metrics.records.filter((record) => record.name === 'MessageRejected')).toEqual([
      { name: 'MessageRejected', value: 1, dimension: 'ingestion' },
      { name: 'MessageRejected', value: 1, dimension: 'ingestion' },
    ]);
    expect(plane.log.lines.filter((line) => line.line === logLines.messageRejected)).toHaveLength(2);
    expect(await plane.queues.depth('ingestion', 'queue')).toEqual({ waiting: 0, inFlight: 0, delayed: 0 });
  });

  it('whose poison cannot be put away: the poison comes back, and the good are done', async () => {
    const plane = memoryPlane();
    await send(plane, 'hello');
    const { run } = await ask(plane);
    const deadLetter = bound(plane.queues, 'deadLetter');
    plane.queues.deadLetter = () => Promise.reject(new Error('throttled'));
    const first = await deliver(plane, 'ingestion', { bodies: ok });
    expect(first.returned).toEqual(['message-1']);
    expect((await rowOf(plane, run.id)).state).toBe('succeeded');
    plane.queues.deadLetter = deadLetter;
    await plane.clock.advance(800_000);
    expect(await deliver(plane, 'ingestion', { bodies: ok })).toEqual({ received: 1, returned: [] });
    expect(plane.queues.letters('ingestion')).toHaveLength(1);
  });

  it('runs side by side: a slow one holds up none of its neighbours', async () => {
    const plane = memoryPlane();
    const { run: slow } = await ask(plane);
    const { run: quick } = await ask(plane);
    const bodies = pulls(async (_, context) => {
      if (context.run.id === slow.id) await plane.clock.sleep(10_000);
      return pullResult;
    });
    const end = deliver(plane, 'ingestion', { bodies });
    await plane.clock.advance(1000);
    expect((await rowOf(plane, quick.id)).state).toBe('succeeded');
    expect((await rowOf(plane, slow.id)).state).toBe('running');
    await drive(plane, end);
  });

  it('reads the switch once, whatever its size, and writes its metrics out once', async () => {
    const plane = memoryPlane();
    for (let count = 0; count < 5; count += 1) await send(plane, `poison ${count}`);
    const read = bound(plane.key, 'read');
    let reads = 0;
    let flushes = 0;
    plane.key.read = () => ((reads += 1), read());
    plane.metrics.flush = () => void (flushes += 1);
    await deliver(plane, 'ingestion', { bodies: ok });
    expect([reads, flushes]).toEqual([1, 1]);
  });

  it('of nothing is nothing', async () => {
    const plane = memoryPlane();
    expect(await consume(plane, [], { queue: 'ingestion', bodies: ok, deadlineMs: 0 })).toEqual([]);
  });
});

describe('a message that comes back', () => {
  it('is shown again when its run is due, in whole seconds and never too early', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    let begun = 0;
    const bodies = pulls(async () => {
      begun += 1;
      throw new Failure('DEPENDENCY_UNAVAILABLE', 'away');
    });
    await deliver(plane, 'ingestion', { bodies });
    const { notBeforeMs } = await rowOf(plane, run.id);
    for (let second = 0; begun < 2; second += 1) {
      if (second > 10) throw new Error('it does not come back');
      const { received } = await deliver(plane, 'ingestion', { bodies });
      if (received > 0) expect(plane.clock.nowMs()).toBeGreaterThanOrEqual(notBeforeMs);
      if (begun < 2) await plane.clock.advance(1000);
    }
    expect(plane.clock.nowMs() - notBeforeMs).toBeLessThanOrEqual(1000);
  });

  it('comes back even when its wait cannot be set', async () => {
    const plane = memoryPlane();
    await ask(plane);
    plane.queues.delay = () => Promise.reject(new Error('receipt expired'));
    const bodies = pulls(() => Promise.reject(new Failure('DEPENDENCY_UNAVAILABLE', 'away')));
    expect((await deliver(plane, 'ingestion', { bodies })).returned).toEqual(['message-1']);
  });

  it('goes through an outage of Redis of any length without a row, an attempt or a letter', async () => {
    const plane = memoryPlane();
    const { run } = await ask(plane);
    plane.key.down = true;
    let deliveries = 0;
    for (let second = 0; second < 600; second += 1) {
      deliveries += (await deliver(plane, 'ingestion', { bodies: ok })).received;
      await plane.clock.advance(1000);
    }
    // 5 + 10 + 20 + 40 s, then each minute.
    expect(deliveries).toBe(4 + Math.ceil((600 - 75) / 60));
    expect(await rowOf(plane, run.id)).toEqual(run);
    plane.key.down = false;
    await plane.clock.advance(60_000);
    await deliver(plane, 'ingestion', { bodies: ok });
    expect(await rowOf(plane, run.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(plane.queues.letters('ingestion')).toEqual([]);
  });
});
