import { describe, expect, it } from 'vitest';
import { relay } from '#core/consume-wakes.ts';
import { lanes } from '#core/lanes.ts';
import { bound, runRow } from './support.ts';
import { inShort, publish, relayAll, run, saidTo, subscribe, watched } from './relay-support.ts';
import { frameOf } from '#test/contract/progress.contract.ts';

describe('who watches a run', () => {
  it('hears what there was when he came, and then each frame as it comes, once', async () => {
    const plane = await watched();
    await publish(plane, '1.1', '1.2');
    plane.sockets.open('a');
    await subscribe(plane, 'a');
    expect(await relayAll(plane)).toBe(0);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 1.2');
    await publish(plane, '1.3');
    await relayAll(plane);
    await publish(plane, '1.4', '1.5');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 1.2 1.3 1.4 1.5');
    expect(saidTo(plane, 'a')).toHaveLength(3);
  });

  it('goes on behind the frame that he names', async () => {
    const plane = await watched();
    await publish(plane, '1.1', '1.2', '1.3');
    plane.sockets.open('a');
    await subscribe(plane, 'a', { from: { fence: 1, seq: 2 } });
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.3');
  });

  it('is told a gap where the stream has lost what comes next, and goes on from the oldest there is', async () => {
    const plane = await watched('a');
    await publish(plane, '1.4', '1.5');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('gap:1.4 1.4 1.5');
    await publish(plane, '1.7');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('gap:1.4 1.4 1.5 gap:1.7 1.7');
  });

  it('jumps to a newer claim, and hears nothing more of the older one', async () => {
    const plane = await watched('a');
    await publish(plane, '1.1');
    await relayAll(plane);
    await publish(plane, '1.2', '2.1', '1.3', '2.2');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 2.1 2.2');
  });

  it('hears a long history in messages of its own size, and pages', async () => {
    const plane = await watched();
    const sent = Array.from({ length: 2600 }, (_, n) => `1.${n + 1}`);
    await publish(plane, ...sent);
    plane.sockets.open('a');
    await subscribe(plane, 'a');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe(sent.join(' '));
    for (const text of plane.sockets.posted('a')) expect(text.length).toBeLessThanOrEqual(100 * 1024);
  });

  it('is one of many, each with a place of his own, in one look at the stream for those who stand together', async () => {
    const plane = await watched('a', 'b');
    await publish(plane, '1.1', '1.2');
    await relayAll(plane);
    plane.sockets.open('c');
    await subscribe(plane, 'c', { from: { fence: 1, seq: 1 } });
    let reads = 0;
    const read = bound(plane.progress, 'read');
    plane.progress.read = (...given) => ((reads += 1), read(...given));
    await publish(plane, '1.3');
    await relayAll(plane);
    expect(reads).toBe(2);
    expect(['a', 'b', 'c'].map((one) => inShort(saidTo(plane, one)))).toEqual([
      '1.1 1.2 1.3',
      '1.1 1.2 1.3',
      '1.2 1.3',
    ]);
  });
});

describe('the end of a run', () => {
  it('is the last that is heard: who watched watches no more, and nobody is woken again', async () => {
    const plane = await watched('a', 'b');
    await publish(plane, '1.1', '1.2=succeeded');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 1.2');
    expect(await plane.subscriptions.exists(run)).toBe(false);
    expect((await plane.connections.read('a'))?.subscriptions).toEqual([]);
    await publish(plane, '1.2=succeeded');
    expect(plane.queues.receive('progress', 10)).toEqual([]);
  });

  it.each([
    ['and its stream is gone', [], 'gap:2.4 2.4'],
    ['and the stream has all but the last frame', ['2.1', '2.2', '2.3'], '2.1 2.2 2.3 2.4'],
    ['and the stream has lost more than that', ['2.1', '2.2'], '2.1 2.2 gap:2.4 2.4'],
    ['and the stream has it all', ['2.1', '2.2', '2.3', '2.4=failed'], '2.1 2.2 2.3 2.4'],
  ])('is made from the row for who comes when it is over, %s', async (_, sent, expected) => {
    const plane = await watched();
    await plane.ledger.create(runRow({ id: run, state: 'failed', fence: 2, frames: 3, settledMs: 1 }));
    await publish(plane, ...sent);
    plane.sockets.open('a');
    await subscribe(plane, 'a');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe(expected);
    expect(saidTo(plane, 'a').at(-1)).toMatchObject({
      frames: expect.arrayContaining([{ ...frameOf(run, [2, 4]), ts: expect.any(String), state: 'failed' }]),
    });
    expect(await plane.subscriptions.exists(run)).toBe(false);
  });

  it('reaches who was there when the cache lost the stream right after the last frame', async () => {
    const plane = await watched('a');
    await plane.ledger.create(runRow({ id: run, state: 'succeeded', fence: 1, frames: 1, settledMs: 1 }));
    await publish(plane, '1.1');
    await relayAll(plane);
    await publish(plane, '1.2=succeeded');
    plane.progress.read = async () => [];
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 1.2');
    expect(await plane.subscriptions.exists(run)).toBe(false);
  });

  it('is made from the row for who was served halfway when a post failed', async () => {
    const plane = await watched();
    await plane.ledger.create(runRow({ id: run, state: 'failed', fence: 2, frames: 3, settledMs: 1 }));
    await publish(plane, '2.1');
    plane.sockets.open('a');
    await subscribe(plane, 'a');
    const post = bound(plane.sockets, 'post');
    plane.sockets.post = (to, text) => (text.includes('gap') ? Promise.reject(new Error('500')) : post(to, text));
    expect(await relayAll(plane)).toBe(1);
    expect(inShort(saidTo(plane, 'a'))).toBe('2.1');
    plane.sockets.post = post;
    await plane.clock.advance(2000);
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('2.1 gap:2.4 2.4');
  });

  it('is not told twice to who has heard it already', async () => {
    const plane = await watched();
    await plane.ledger.create(runRow({ id: run, state: 'failed', fence: 2, frames: 3, settledMs: 1 }));
    plane.sockets.open('a');
    await subscribe(plane, 'a', { from: { fence: 2, seq: 4 } });
    await relayAll(plane);
    expect(saidTo(plane, 'a')).toEqual([]);
    expect(await plane.subscriptions.exists(run)).toBe(false);
  });

  it('of an earlier generation is none: the run was begun again', async () => {
    const plane = await watched('a');
    await plane.ledger.create(runRow({ id: run, state: 'running', fence: 2, generation: 2 }));
    await publish(plane, '1.1=failed', '2.1');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('2.1');
    expect(await plane.subscriptions.exists(run)).toBe(true);
  });
});

describe('a connection', () => {
  const others = [run, '01966c2e-0000-7000-8000-00000000000b'];

  it('that is gone is forgotten, with all that it watched', async () => {
    const plane = await watched('a', 'b');
    await subscribe(plane, 'a', { of: others[1]! });
    plane.sockets.lose('a');
    await publish(plane, '1.1');
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'b'))).toBe('1.1');
    expect(await plane.connections.read('a')).toBeUndefined();
    expect((await plane.subscriptions.positions(run)).map(({ connection }) => connection)).toEqual(['b']);
    expect(await plane.subscriptions.exists(others[1]!)).toBe(false);
    expect(plane.log.lines).toMatchObject([{ line: 'socket dropped', fields: { connection: 'a', why: 'it is gone' } }]);
  });

  it('that is slow is closed and forgotten, and holds nobody up', async () => {
    const plane = await watched('a', 'b');
    plane.sockets.slow('a');
    await publish(plane, '1.1', '1.2');
    expect(await relayAll(plane)).toBe(0);
    expect(plane.sockets.isOpen('a')).toBe(false);
    expect(await plane.connections.read('a')).toBeUndefined();
    expect(inShort(saidTo(plane, 'b'))).toBe('1.1 1.2');
    expect(plane.log.lines).toMatchObject([{ fields: { why: 'it did not take a message in time' } }]);
  });

  it('whose token has expired hears nothing more, and is closed', async () => {
    const plane = await watched('b');
    plane.sockets.open('a');
    await subscribe(plane, 'a', { expiresInMs: 5000 });
    await publish(plane, '1.1');
    await relayAll(plane);
    await plane.clock.advance(5000);
    await publish(plane, '1.2');
    const tried: string[] = [];
    const post = bound(plane.sockets, 'post');
    plane.sockets.post = (to, text) => (tried.push(to), post(to, text));
    await relayAll(plane);
    expect(tried).toEqual(['b']);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1');
    expect(plane.sockets.isOpen('a')).toBe(false);
    expect(inShort(saidTo(plane, 'b'))).toBe('1.1 1.2');
  });

  it('that begins anew while it is served is served from there by the wake of that', async () => {
    const plane = await watched('a');
    await publish(plane, '1.1', '1.2');
    const post = bound(plane.sockets, 'post');
    let again = true;
    plane.sockets.post = async (...given) => {
      if (again) await subscribe(plane, 'a');
      again = false;
      return post(...given);
    };
    await relayAll(plane, 1);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 1.2 1.1 1.2');
    expect((await plane.subscriptions.positions(run))[0]?.position).toEqual({ fence: 1, seq: 2 });
  });

  it('that was let go while it was served does not come back', async () => {
    const plane = await watched('a');
    await publish(plane, '1.1');
    const post = bound(plane.sockets, 'post');
    plane.sockets.post = async (...given) => {
      await plane.subscriptions.remove(run, 'a');
      return post(...given);
    };
    await relayAll(plane);
    expect(await plane.subscriptions.exists(run)).toBe(false);
  });
});

describe('a wake', () => {
  const received = (body: string, id = 'm') => ({ id, receipt: id, receives: 1, body });

  it('of several in a batch is one look at the run', async () => {
    const plane = await watched('a');
    await publish(plane, '1.1', '1.2', '1.3');
    let looks = 0;
    const positions = bound(plane.subscriptions, 'positions');
    plane.subscriptions.positions = (of) => ((looks += 1), positions(of));
    await relayAll(plane);
    expect(looks).toBe(1);
    expect(saidTo(plane, 'a')).toHaveLength(1);
  });

  it('for which there is nothing to do changes nothing, and reads no row', async () => {
    const plane = await watched('a');
    await publish(plane, '1.1');
    await relayAll(plane);
    plane.ledger.read = () => Promise.reject(new Error('nobody is to ask'));
    expect(await relay(plane, [received(JSON.stringify({ v: 1, run })), received('{"v":1,"run":"r"}', 'n')])).toEqual(
      [],
    );
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1');
  });

  it('that fails comes back soon, and what was posted before is not posted again', async () => {
    const plane = await watched('a', 'b');
    await publish(plane, '1.1');
    await relayAll(plane);
    await publish(plane, '1.2');
    const post = bound(plane.sockets, 'post');
    plane.sockets.post = (to, text) => (to === 'a' ? Promise.reject(new Error('500')) : post(to, text));
    expect(await relayAll(plane)).toBe(1);
    expect(plane.log.lines).toMatchObject([
      { line: 'frames not relayed', fields: { run, reason: expect.stringContaining('500') } },
    ]);
    plane.sockets.post = post;
    expect(await relayAll(plane)).toBe(0);
    await plane.clock.advance(2000);
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1 1.2');
    expect(inShort(saidTo(plane, 'b'))).toBe('1.1 1.2');
  });

  it('fails alone: the other runs of its batch are served', async () => {
    const plane = await watched('a');
    await publish(plane, '1.1');
    const positions = bound(plane.subscriptions, 'positions');
    plane.subscriptions.positions = (of) => (of === run ? positions(of) : Promise.reject(new Error('away')));
    const wakes = [received('{"v":1,"run":"r"}', 'bad'), received(JSON.stringify({ v: 1, run }), 'good')];
    expect(await relay(plane, wakes)).toEqual(['bad']);
    expect(inShort(saidTo(plane, 'a'))).toBe('1.1');
  });

  it.each(['', 'no JSON', '[]', '{"v":2,"run":"r"}', '{"v":1}', '{"v":1,"run":""}', '{"v":1,"run":"r","ended":false}'])(
    '%j is none: it is put aside, and the others are served',
    async (body) => {
      const plane = await watched('a');
      await publish(plane, '1.1');
      expect(await relay(plane, [received(body), received(JSON.stringify({ v: 1, run, later: 1 }), 'n')])).toEqual([]);
      expect(plane.queues.letters('progress')).toMatchObject([{ body, code: 'MESSAGE_MALFORMED' }]);
      expect(inShort(saidTo(plane, 'a'))).toBe('1.1');
    },
  );

  it('hands over to another when somebody has too much to catch up with: the others wait for it no longer', async () => {
    const plane = await watched();
    await publish(plane, ...Array.from({ length: 5000 }, (_, n) => `1.${n + 1}`));
    plane.sockets.open('late');
    plane.sockets.open('live');
    await subscribe(plane, 'late');
    await subscribe(plane, 'live', { from: { fence: 1, seq: 4999 } });
    const post = bound(plane.sockets, 'post');
    // Takes its time, as a far-away client does.
    plane.sockets.post = async (...given) => {
      await plane.clock.advance(given[0] === 'late' ? 1500 : 0);
      return post(...given);
    };
    const [wake] = plane.queues.receive('progress', 1);
    expect(await relay(plane, [wake!])).toEqual([]);
    plane.queues.acknowledge('progress', wake!.receipt);
    expect(inShort(saidTo(plane, 'live'))).toBe('1.5000');
    expect(saidTo(plane, 'late').length).toBeLessThan(4);
    await relayAll(plane);
    expect(inShort(saidTo(plane, 'late'))).toBe(Array.from({ length: 5000 }, (_, n) => `1.${n + 1}`).join(' '));
  });
});

it('lanes let so many through at a time, in the order in which they came', async () => {
  const lane = lanes(2);
  const [order, ends]: [number[], (() => void)[]] = [[], []];
  const work = (n: number) =>
    lane(async () => {
      order.push(n);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (n === 1) throw new Error('one fails');
    });
  const all = Promise.allSettled([0, 1, 2, 3].map(work));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  expect(order).toEqual([0, 1]);
  ends[1]!();
  await turn();
  expect(order).toEqual([0, 1, 2]);
  for (const next of [0, 2, 3]) {
    ends[next]!();
    await turn();
  }
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
});
