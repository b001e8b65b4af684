import { expect, test } from 'vitest';
import type { Position } from '#core/frame-order.ts';
import type { Frame } from '#core/progress.ts';
import type { RunState } from '#core/run.ts';
import { GatewayError, UnreachableError } from '#client/errors.ts';
import { FeedError, type Batch, type Feed } from '#client/feed.ts';
import { follow, type Followed, type FollowSource, type RunSeen } from '#client/follow.ts';
import { means } from './support.ts';

const frame = (fence: number, seq: number, state: RunState = 'running'): Frame => ({
  v: 1,
  run_id: 'r',
  fence,
  seq,
  state,
  ts: '2026-01-01T00:00:00Z',
});
const beyond = (at: Position) => (one: Position) =>
  one.fence > at.fence || (one.fence === at.fence && one.seq > at.seq);

/** A run whose frames are all there; `feeds` are what sockets give, one after the other, and then nothing more. */
function source(frames: Frame[], feeds: (Batch | Error)[][] = [], states: RunState[] = []) {
  const asked: Position[] = [];
  const polled: Position[] = [];
  const made: FollowSource<RunSeen> = {
    run: async (id) => ({ id, state: states.shift() ?? frames.at(-1)?.state ?? 'queued' }),
    events: async (_, { after }) => {
      polled.push(after);
      return { frames: frames.filter(beyond(after)) };
    },
    socket: (): Feed =>
      async function* (after) {
        asked.push(after);
        for (const one of feeds.shift() ?? [new FeedError('CLOSED', 'no more')]) {
          if (one instanceof Error) throw one;
          yield one;
        }
      },
  };
  return { made, asked, polled };
}

async function all(from: FollowSource<RunSeen>, after?: Position): Promise<Followed<RunSeen>[]> {
  const seen: Followed<RunSeen>[] = [];
  for await (const one of follow(from, 'r', { means: means(), after })) seen.push(one);
  return seen;
}
const positions = (seen: Followed<RunSeen>[]) =>
  seen.flatMap((one) => (one.type === 'frame' ? [`${one.frame.fence}.${one.frame.seq}`] : []));

const whole = [frame(1, 1), frame(1, 2), frame(1, 3), frame(1, 4, 'succeeded')];

test('a run that is over is told from its history, and its end is the last that is told', async () => {
  const seen = await all(source(whole).made);
  expect(positions(seen)).toEqual(['1.1', '1.2', '1.3', '1.4']);
  expect(seen.at(-1)).toEqual({ type: 'ended', run: { id: 'r', state: 'succeeded' } });
});

test('behind a frame that is known only later ones come', async () => {
  expect(positions(await all(source(whole).made, { fence: 1, seq: 2 }))).toEqual(['1.3', '1.4']);
});

test('a feed that breaks is taken up behind the last frame; what comes twice is told once', async () => {
  const feeds = [
    [{ frames: whole.slice(0, 2) }, new FeedError('CLOSED', '')],
    [{ frames: whole.slice(1, 3) }, { frames: whole.slice(2) }],
  ];
  const { made, asked } = source(whole, feeds, ['running', 'running']);
  expect(positions(await all(made))).toEqual(['1.1', '1.2', '1.3', '1.4']);
  expect(asked).toEqual([
    { fence: 0, seq: 0 },
    { fence: 1, seq: 2 },
  ]);
});

test('a hole is asked for once more, and was none when it is filled', async () => {
  const feeds = [[{ frames: [whole[0]!, whole[2]!] }], [{ frames: whole.slice(1) }]];
  const { made, asked } = source(whole, feeds, ['running', 'running']);
  const seen = await all(made);
  expect([positions(seen), asked.length]).toEqual([['1.1', '1.2', '1.3', '1.4'], 2]);
  expect(seen.some(({ type }) => type === 'gap')).toBe(false);
});

test('a hole that stays is a gap, said once and where it is', async () => {
  const lost = [whole[0]!, whole[2]!, whole[3]!];
  const { made } = source(lost, [[{ frames: lost }], [{ frames: lost.slice(1) }]], ['running', 'running']);
  const seen = await all(made);
  expect(positions(seen)).toEqual(['1.1', '1.3', '1.4']);
  expect(seen.filter(({ type }) => type === 'gap')).toMatchObject([
    { after: { fence: 1, seq: 1 }, next: { fence: 1, seq: 3 } },
  ]);
});

test('a gap that the gateway says is told, and the frames behind it follow', async () => {
  const feeds: Batch[][] = [[{ frames: [], oldest: { fence: 1, seq: 3 } }, { frames: whole.slice(2) }]];
  const seen = await all(source(whole, feeds, ['running']).made);
  expect(seen.map(({ type }) => type)).toEqual(['gap', 'frame', 'frame', 'ended']);
});

test('a new fence begins at its first frame, and what an old owner still says is dropped', async () => {
  const frames = [frame(1, 1), frame(1, 2), frame(2, 1), frame(1, 3), frame(2, 2, 'succeeded')];
  expect(positions(await all(source(frames).made))).toEqual(['1.1', '1.2', '2.1', '2.2']);
});

test('a terminal frame of an earlier generation is no end while the row says that it runs', async () => {
  const frames = [frame(1, 1, 'failed'), frame(2, 1), frame(2, 2, 'succeeded')];
  const feeds = [[{ frames: frames.slice(0, 1) }, { frames: frames.slice(1) }]];
  const seen = await all(source(frames, feeds, ['running', 'running']).made);
  expect(positions(seen)).toEqual(['1.1', '2.1', '2.2']);
});

test('three sockets that fail in a row: the long poll takes over, without a double', async () => {
  const { made, asked, polled } = source(whole, [], ['running', 'running', 'running', 'running', 'succeeded']);
  expect(positions(await all(made))).toEqual(['1.1', '1.2', '1.3', '1.4']);
  expect(asked).toHaveLength(3);
  expect(polled.length).toBeGreaterThan(0);
});

test('a silent socket that is dead is found out by looking: frames come by the other way', async () => {
  const { made } = source(whole, [], ['running', 'running']);
  const silent: FollowSource<RunSeen> = {
    ...made,
    socket: () =>
      async function* (_, signal) {
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        yield { frames: [] };
      },
  };
  expect(positions(await all(silent))).toEqual(['1.1', '1.2', '1.3', '1.4']);
});

test('a run that waits says so once for each state', async () => {
  const { made } = source([], [], ['queued', 'queued', 'held', 'cancelled']);
  const seen = await all({ ...made, socket: undefined });
  expect(seen).toEqual([
    { type: 'state', state: 'queued' },
    { type: 'state', state: 'held' },
    { type: 'ended', run: { id: 'r', state: 'cancelled' } },
  ]);
});

test('a refusal ends it: another try would be refused, too', async () => {
  const refused = new GatewayError({
    code: 'RUN_UNKNOWN',
    status: 404,
    detail: '',
    issues: [],
    retryAfterMs: undefined,
  });
  let looks = 0;
  const run = async () => {
    looks += 1;
    throw refused;
  };
  await expect(all({ ...source([]).made, run })).rejects.toBe(refused);
  expect(looks).toBe(1);
});

test('a gateway that comes back is followed on', async () => {
  const { made } = source(whole);
  let looks = 0;
  const run = async (id: string) => {
    looks += 1;
    if (looks < 3) throw new UnreachableError('away', { passing: true, cause: undefined });
    return made.run(id);
  };
  expect(positions(await all({ ...made, run }))).toEqual(['1.1', '1.2', '1.3', '1.4']);
});

test('an abort ends it with its reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(follow(source(whole).made, 'r', { signal }).next()).rejects.toThrow('enough');
});
