import { describe, expect, it } from 'vitest';
import { follow, type FollowOptions, type Followed } from '#core/follow.ts';
import type { Run } from '#core/run.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { frameOf } from '#test/contract/progress.contract.ts';
import { bound, drive, rejection, runRow } from './support.ts';
import { publish, run } from './relay-support.ts';

async function planeWith(row: Partial<Run>, ...frames: string[]): Promise<MemoryPlane> {
  const plane = memoryPlane();
  await plane.ledger.create(runRow({ id: run, state: 'running', fence: 1, ...row }, plane));
  await publish(plane, ...frames);
  return plane;
}
const poll = (plane: MemoryPlane, options: Partial<FollowOptions> = {}): Promise<Followed> =>
  drive(plane, follow(plane, run, { waitMs: 20_000, ...options }));
/** `gap:1.3 1.3 1.4 next:1.4 ended:failed` */
const inShort = ({ frames, gap, next, ended }: Followed): string =>
  [
    ...(gap ? [`gap:${gap.oldest.fence}.${gap.oldest.seq}`] : []),
    ...frames.map(({ fence, seq }) => `${fence}.${seq}`),
    `next:${next}`,
    ...(ended ? [`ended:${ended}`] : []),
  ].join(' ');

describe('a long poll', () => {
  it.each([
    ['from the beginning', undefined, '1.1 1.2 1.3 next:1.3'],
    ['beyond a frame', '1.2', '1.3 next:1.3'],
    ['beyond a frame of the newest claim', '1', '1.2 1.3 next:1.3'],
    ['from before the first', '0.0', '1.1 1.2 1.3 next:1.3'],
  ])('answers at once with what there is %s', async (_, after, expected) => {
    const plane = await planeWith({}, '1.1', '1.2', '1.3');
    const beganMs = plane.clock.nowMs();
    expect(inShort(await follow(plane, run, { after, waitMs: 20_000 }))).toBe(expected);
    expect(plane.clock.nowMs()).toBe(beganMs);
  });

  it('waits for the next frame, and answers within half a second of it', async () => {
    const plane = await planeWith({}, '1.1');
    const beganMs = plane.clock.nowMs();
    const answer = poll(plane, { after: '1.1' });
    while (plane.clock.nowMs() < beganMs + 7000) await new Promise((resolve) => setImmediate(resolve));
    await publish(plane, '1.2');
    expect(inShort(await answer)).toBe('1.2 next:1.2');
    expect(plane.clock.nowMs() - beganMs).toBeLessThan(7600);
  });

  it('answers with nothing when its time is over, and names where to go on', async () => {
    const plane = await planeWith({}, '1.1');
    const beganMs = plane.clock.nowMs();
    expect(inShort(await poll(plane, { after: '1' }))).toBe('next:1.1');
    expect(plane.clock.nowMs() - beganMs).toBeGreaterThanOrEqual(20_000);
    expect(plane.clock.nowMs() - beganMs).toBeLessThan(20_600);
    expect(inShort(await follow(plane, run, { after: '1', waitMs: 0 }))).toBe('next:1.1');
  });

  it('called again and again brings everything once, in pieces that an answer can carry', async () => {
    const plane = await planeWith({});
    for (let seq = 1; seq <= 2500; seq += 1)
      await plane.progress.publish(frameOf(run, [1, seq], { message: 'x'.repeat(200) }));
    const seen: number[] = [];
    let after: string | undefined;
    for (let calls = 0; seen.at(-1) !== 2500; calls += 1) {
      expect(calls).toBeLessThan(20);
      const { frames, next } = await follow(plane, run, { after, waitMs: 0 });
      expect(JSON.stringify(frames).length).toBeLessThanOrEqual(100 * 1024);
      seen.push(...frames.map(({ seq }) => seq));
      after = next;
    }
    expect(seen).toEqual(Array.from({ length: 2500 }, (_, n) => n + 1));
  });

  it('says a gap before what follows it, and never hands on frames with a hole between them', async () => {
    const plane = await planeWith({}, '1.3', '1.4', '1.7');
    expect(inShort(await poll(plane))).toBe('gap:1.3 1.3 1.4 next:1.4');
    expect(inShort(await poll(plane, { after: '1.4' }))).toBe('gap:1.7 1.7 next:1.7');
  });

  it('drops the frames of a claim that was taken over', async () => {
    const plane = await planeWith({ fence: 2 }, '1.1', '1.2', '2.1');
    expect(inShort(await poll(plane, { after: '1.1' }))).toBe('2.1 next:2.1');
  });

  it('ends with the terminal frame', async () => {
    const plane = await planeWith({ state: 'succeeded', frames: 1 }, '1.1', '1.2=succeeded');
    expect(inShort(await poll(plane))).toBe('1.1 1.2 next:1.2 ended:succeeded');
    expect(inShort(await poll(plane, { after: '1.2' }))).toBe('next:1.2 ended:succeeded');
  });

  it.each([
    ['the last frame', ['1.1', '1.2'], '1.1 1.2 1.3 next:1.3 ended:dead'],
    ['more than that', ['1.1'], '1.1 next:1.1'],
    ['everything', [], 'gap:1.3 1.3 next:1.3 ended:dead'],
  ])('ends as the row says when the stream has lost %s', async (_, frames, expected) => {
    const plane = await planeWith({ state: 'dead', frames: 2 }, ...frames);
    expect(inShort(await poll(plane))).toBe(expected);
    expect(inShort(await poll(plane, { after: '1.2' }))).toBe('1.3 next:1.3 ended:dead');
  });

  it('hears of the end within some seconds when no frame ever tells of it', async () => {
    const plane = await planeWith({}, '1.1');
    const beganMs = plane.clock.nowMs();
    const answer = poll(plane, { after: '1.1' });
    while (plane.clock.nowMs() < beganMs + 5000) await new Promise((resolve) => setImmediate(resolve));
    const row = (await plane.ledger.read(run))!;
    await plane.ledger.replace(row, { ...row, rev: row.rev + 1, state: 'failed', fence: 2, frames: 0 });
    expect(inShort(await answer)).toBe('2.1 next:2.1 ended:failed');
    expect(plane.clock.nowMs() - beganMs).toBeLessThan(7600);
  });

  it('takes all frames that were sent before the end, should that come between its two looks', async () => {
    const plane = await planeWith({}, '1.1');
    const read = bound(plane.ledger, 'read');
    plane.ledger.read = async (id) => {
      const row = await read(id);
      await publish(plane, '1.2', '1.3');
      return { ...row!, state: 'succeeded', frames: 3 };
    };
    expect(inShort(await poll(plane, { after: '1.1' }))).toBe('1.2 1.3 1.4 next:1.4 ended:succeeded');
  });

  it('ends with the reason of its signal, at once', async () => {
    const plane = await planeWith({});
    const over = new AbortController();
    const answer = rejection(poll(plane, { signal: over.signal })).catch((thrown: unknown) => thrown);
    over.abort(new Error('the caller has gone'));
    expect(String(await answer)).toContain('the caller has gone');
  });

  it.each(['x', '1.2.3', '-1', '', '1e3', '2.0', '999999999.1'])('takes %j for no frame of the run', async (after) => {
    const plane = await planeWith({}, '1.1');
    const failure = await rejection(follow(plane, run, { after, waitMs: 0 }));
    expect(failure).toMatchObject({ code: 'INPUT_INVALID' });
    expect(failure.message).toContain(JSON.stringify(after));
  });

  it('knows of no run that has no row', async () => {
    expect(await rejection(follow(memoryPlane(), run, { waitMs: 0 }))).toMatchObject({ code: 'RUN_UNKNOWN' });
  });
});
