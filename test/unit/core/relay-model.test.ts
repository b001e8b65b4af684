// Whatever happens in whatever order, each watcher has seen each frame of the newest claim once, in order, unless told
// of a gap.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { relay } from '#core/consume-wakes.ts';
import type { RelayPorts } from '#core/relay.ts';
import type { RunState } from '#core/run.ts';
import { forgetConnection } from '#core/connections.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { memoryProgress } from '#memory/progress.ts';
import { frameOf } from '#test/contract/progress.contract.ts';
import { runRow } from './support.ts';
import { relayAll, run, subscribe, watcher, type SocketSaid } from './relay-support.ts';

type Step =
  | { readonly do: 'publish'; readonly count: number }
  | { readonly do: 'claim' }
  | { readonly do: 'late frame' }
  | { readonly do: 'come'; readonly who: number }
  | { readonly do: 'go'; readonly who: number; readonly told: boolean }
  | { readonly do: 'begin anew'; readonly who: number }
  | { readonly do: 'relay'; readonly batch: number }
  /** Dies after so many of its calls. */
  | { readonly do: 'crash'; readonly after: number }
  | { readonly do: 'wake twice' };

const who = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'claim' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'late frame' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('come' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('go' as const), who, told: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('begin anew' as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('relay' as const), batch: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), after: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wake twice' as const }) },
);

/** A relay whose process ends with its n-th call: what it has done by then stays done. */
function dying(plane: MemoryPlane, after: number): RelayPorts {
  let calls = 0;
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          calls += 1;
          return calls > after ? new Promise(() => undefined) : (Reflect.apply(value, target, given) as unknown);
        };
      },
    });
  const { sockets, subscriptions, connections, progress } = plane;
  return {
    ...plane,
    sockets: wrap(sockets),
    subscriptions: wrap(subscriptions),
    connections: wrap(connections),
    progress: wrap(progress),
  };
}

/** A run, and four who come and go and always ask for what lies beyond the last frame they have seen. */
function world(cap: number) {
  const plane = memoryPlane();
  const { subscriptions, queues } = plane;
  plane.progress = memoryProgress({ cap, relay: { subscriptions, queues } });
  const people = Array.from({ length: 4 }, () => ({ ...watcher(), connection: '', gaps: 0 }));
  let [fence, seq, connections] = [1, 0, 0];
  const begin = (person: (typeof people)[number]) => subscribe(plane, person.connection, { from: person.seen.at });
  const say = (state: RunState = 'running') => {
    seq += 1;
    return plane.progress.publish(frameOf(run, [fence, seq], { state }));
  };
  const acts: { [D in Step['do']]: (step: Extract<Step, { do: D }>) => Promise<unknown> } = {
    publish: async ({ count }) => {
      for (let said = 0; said < count; said += 1) await say();
    },
    claim: async () => {
      [fence, seq] = [fence + 1, 0];
      await say();
    },
    'late frame': async () => {
      if (seq > 0) await plane.progress.publish(frameOf(run, [fence - 1, 99]));
    },
    come: async ({ who: at }) => {
      const person = people[at]!;
      if (plane.sockets.isOpen(person.connection)) return;
      connections += 1;
      const connection = (person.connection = `connection-${connections}`);
      plane.sockets.open(connection, (text) => {
        const said = JSON.parse(text) as SocketSaid;
        if (said.type === 'gap') person.gaps += 1;
        person.hear(said);
      });
      await begin(person);
    },
    go: async ({ who: at, told }) => {
      const { connection } = people[at]!;
      plane.sockets.lose(connection);
      if (told) await forgetConnection(plane, connection);
    },
    'begin anew': async ({ who: at }) => {
      if (plane.sockets.isOpen(people[at]!.connection)) await begin(people[at]!);
    },
    relay: async ({ batch }) => {
      const wakes = plane.queues.receive('progress', batch);
      for (const failed = await relay(plane, wakes); wakes.length > 0;) {
        const wake = wakes.pop()!;
        if (!failed.includes(wake.id)) plane.queues.acknowledge('progress', wake.receipt);
      }
    },
    crash: async ({ after }) => {
      const wakes = plane.queues.receive('progress', 3, 1);
      void relay(dying(plane, after), wakes);
      await plane.clock.advance(5);
    },
    'wake twice': () =>
      plane.queues.send('progress', { body: JSON.stringify({ v: 1, run }), group: run, deduplicationId: 'x' }),
  };
  return {
    plane,
    people,
    act: (one: Step) => (acts[one.do] as (given: Step) => Promise<unknown>)(one),
    /** The run ends, everybody comes back, and all that is under way arrives. */
    async end(keepsStream: boolean) {
      for (let at = 0; at < people.length; at += 1) await acts.come({ do: 'come', who: at });
      await plane.ledger.create(runRow({ id: run, state: 'succeeded', fence, frames: seq, settledMs: 1 }));
      if (keepsStream) await say('succeeded');
      for (const person of people) await begin(person);
      await plane.clock.advance(60_000);
      expect(await relayAll(plane)).toBe(0);
      return { fence, last: keepsStream ? seq : seq + 1 };
    },
  };
}

it('every watcher sees a dense, ordered sequence to the end, whoever comes, goes, crashes and repeats', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, keepsStream) => {
      const model = world(10_000);
      const { people, plane } = model;
      for (const one of steps) await model.act(one);
      const { fence, last } = await model.end(keepsStream);
      for (const { seen, gaps } of people) {
        expect([seen.holes, gaps]).toEqual([0, 0]);
        expect(seen.at).toEqual({ fence, seq: last });
        const ofFence = seen.frames.filter((frame) => frame.fence === fence).map((frame) => frame.seq);
        expect(ofFence).toEqual(Array.from({ length: last }, (_, n) => n + 1));
        expect(seen.frames.at(-1)?.state).toBe('succeeded');
      }
      expect(await plane.subscriptions.exists(run)).toBe(false);
    }),
    { numRuns: 300 },
  );
}, 60_000);

it('and of a stream that keeps three frames, nothing is missing of which no gap was said', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const model = world(3);
      for (const one of steps) await model.act(one);
      const { fence, last } = await model.end(true);
      for (const { seen } of model.people) {
        expect(seen.holes).toBe(0);
        expect(seen.at).toEqual({ fence, seq: last });
      }
    }),
    { numRuns: 200 },
  );
}, 60_000);
