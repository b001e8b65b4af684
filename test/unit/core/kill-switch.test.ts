import { describe, expect, it } from 'vitest';
import { logLines } from '#core/catalogue/metrics.ts';
import {
  adopt,
  epochOf,
  haltsWork,
  isLeftover,
  mirrorName,
  readKeyOnly,
  readMirror,
  readSwitch,
  switchValue,
  type Mirror,
} from '#core/kill-switch.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { bound } from './support.ts';

const mirror = (over: Partial<Mirror> = {}): Mirror => ({
  v: 1,
  phase: 'clear',
  epoch: 3,
  origin: 'ours',
  value: '',
  by: 'anna',
  reason: 'drill',
  atMs: 0,
  narrowed: [],
  ...over,
});
const ours = (epoch: number): string => switchValue({ epoch, by: 'anna', reason: 'drill', atMs: 0 });
const phaseOf = async (plane: MemoryPlane) => (await readMirror(plane.control)).mirror;

type Set = (plane: MemoryPlane) => unknown;
const keys: Record<string, { set: Set; is: 'clear' | 'set' | 'unreadable' }> = {
  'unset or empty': { set: () => undefined, is: 'clear' },
  '"0"': { set: (plane) => (plane.key.value = '0'), is: 'set' },
  '"false"': { set: (plane) => (plane.key.value = 'false'), is: 'set' },
  '" "': { set: (plane) => (plane.key.value = ' '), is: 'set' },
  'JSON of ours, cleared': { set: (plane) => (plane.key.value = ours(3)), is: 'set' },
  'JSON of others': { set: (plane) => (plane.key.value = '{"epoch":3}'), is: 'set' },
  down: { set: (plane) => (plane.key.down = true), is: 'unreadable' },
  'empty but slow': { set: (plane) => slow(plane, 251), is: 'unreadable' },
  'set and slow': { set: (plane) => ((plane.key.value = '1'), slow(plane, 900)), is: 'set' },
  'empty in exactly 250 ms': { set: (plane) => slow(plane, 250), is: 'clear' },
};
const mirrors: Record<string, { set: Set; is: 'clear' | 'set' | 'unreadable' }> = {
  absent: { set: () => undefined, is: 'clear' },
  clear: { set: (plane) => plane.control.write(mirrorName, mirror(), 0), is: 'clear' },
  engaged: { set: (plane) => plane.control.write(mirrorName, mirror({ phase: 'engaged' }), 0), is: 'set' },
  releasing: { set: (plane) => plane.control.write(mirrorName, mirror({ phase: 'releasing' }), 0), is: 'set' },
  garbage: { set: (plane) => plane.control.write(mirrorName, { phase: 'clear' }, 0), is: 'unreadable' },
  'of a later version': { set: (plane) => plane.control.write(mirrorName, { ...mirror(), v: 2 }, 0), is: 'unreadable' },
  unreadable: {
    set: (plane) => (plane.control.read = async () => Promise.reject(new Error('throttled'))),
    is: 'unreadable',
  },
};

/** Answers after `ms` of the plane's clock, with what the key held when it was asked. */
function slow(plane: MemoryPlane, ms: number): void {
  const read = bound(plane.key, 'read');
  plane.key.read = async () => {
    const value = await read();
    await plane.clock.sleep(ms);
    return value;
  };
}
async function reading(plane: MemoryPlane) {
  const promise = readSwitch(plane);
  await plane.clock.advance(2000);
  return promise;
}

const combinations = Object.keys(keys).flatMap((key) => Object.keys(mirrors).map((name) => ({ key, mirror: name })));

describe('what the switch says', () => {
  it.each(combinations)('key $key, mirror $mirror', async (names) => {
    const [key, held] = [keys[names.key]!, mirrors[names.mirror]!];
    const plane = memoryPlane();
    await held.set(plane);
    key.set(plane);
    const both = [key.is, held.is];
    const expected = both.includes('set') ? 'halted' : both.includes('unreadable') ? 'unknown' : 'clear';
    const said = await reading(plane);
    expect(said.state).toBe(expected);
    expect(said.why).not.toBe('');
  });

  it('when unknown, says what could not be read, and why', async () => {
    const plane = memoryPlane();
    plane.key.down = true;
    expect((await reading(plane)).why).toBe('the key could not be read: the connection is closed');
    plane.key.down = false;
    await plane.control.write(mirrorName, { phase: 'perhaps' }, 0);
    expect((await reading(plane)).why).toMatch(
      /^the mirror could not be read: the record kill-switch .* is not a mirror/,
    );
    const slowPlane = memoryPlane();
    slow(slowPlane, 400);
    expect((await reading(slowPlane)).why).toContain('the key took 400 ms to read, more than 250 ms');
  });

  it('counts its age from before the key was read', async () => {
    const plane = memoryPlane();
    await plane.clock.advance(5000);
    slow(plane, 200);
    const said = await reading(plane);
    expect(said.beganMs).toBe(5000);
  });

  it('of the key alone never asks for the mirror', async () => {
    const plane = memoryPlane();
    plane.control.read = () => Promise.reject(new Error('asked'));
    expect((await readKeyOnly(plane, [])).state).toBe('clear');
    plane.key.value = '0';
    expect((await readKeyOnly(plane, [])).state).toBe('halted');
    plane.key.down = true;
    expect((await readKeyOnly(plane, [])).state).toBe('unknown');
  });
});

describe('a key that somebody else has set', () => {
  it('is written down as an external halt before anybody acts', async () => {
    const plane = memoryPlane();
    await plane.control.write(mirrorName, mirror(), 0);
    plane.key.value = '0';
    expect((await readSwitch(plane)).state).toBe('halted');
    expect(await phaseOf(plane)).toMatchObject({
      phase: 'engaged',
      epoch: 4,
      origin: 'external',
      value: '0',
      by: 'external',
      replicationId: 'replication-1',
    });
    expect(plane.log.lines).toContainEqual(expect.objectContaining({ line: logLines.haltEngaged }));
    plane.key.value = '';
    expect((await readSwitch(plane)).state).toBe('halted');
  });

  it('is written down once by ten readers at once', async () => {
    const plane = memoryPlane();
    plane.key.value = 'stop';
    await Promise.all(Array.from({ length: 10 }, () => readSwitch(plane)));
    expect((await readMirror(plane.control)).rev).toBe(1);
    expect((await phaseOf(plane)).epoch).toBe(1);
  });

  it('halts also when it cannot be written down', async () => {
    const plane = memoryPlane();
    plane.key.value = 'stop';
    plane.control.write = () => Promise.reject(new Error('throttled'));
    expect((await readSwitch(plane)).state).toBe('halted');
  });

  it('is not written down when it is gone at the second look', async () => {
    const plane = memoryPlane();
    expect(await adopt(plane, { rev: 0, mirror: mirror({ epoch: 0 }) })).toBe(false);
    expect((await readMirror(plane.control)).rev).toBe(0);
  });

  it('without a replication id is written down without one, also over a mirror that had one', async () => {
    const plane = memoryPlane();
    await plane.control.write(mirrorName, mirror({ replicationId: 'old' }), 0);
    plane.key.value = 'stop';
    plane.key.replication = undefined;
    await readSwitch(plane);
    expect((await phaseOf(plane)).replicationId).toBeUndefined();
  });

  it('is tied to a replication history that is not younger than the value: a failover in between must show', async () => {
    const plane = memoryPlane();
    plane.key.value = 'stop';
    const read = bound(plane.key, 'read');
    plane.key.read = async () => {
      const value = await read();
      // A failover right after the value was read; the next question meets the new primary.
      plane.key.replication = 'replication-2';
      return value;
    };
    expect(await adopt(plane, { rev: 0, mirror: mirror({ epoch: 0 }) })).toBe(true);
    expect((await phaseOf(plane)).replicationId).toBe('replication-1');
  });

  it('may be of any length and content: the mirror that is written can be read', async () => {
    const plane = memoryPlane();
    plane.key.value = `{"why":"${'x'.repeat(5000)}`;
    await readSwitch(plane);
    expect(await phaseOf(plane)).toMatchObject({ phase: 'engaged', value: plane.key.value });
  });
});

describe('a value of ours', () => {
  it('tells its epoch, and nobody else does', () => {
    expect(epochOf(ours(7))).toBe(7);
    for (const value of ['', '0', 'null', '[]', '{"epoch":7}', '{"origin":"alphaswarm-serverless","epoch":-1}']) {
      expect(epochOf(value)).toBeUndefined();
    }
  });

  it('is a leftover once its epoch was cleared, and only then', () => {
    expect(isLeftover(ours(3), mirror({ epoch: 3 }))).toBe(true);
    expect(isLeftover(ours(2), mirror({ epoch: 3 }))).toBe(true);
    expect(isLeftover(ours(4), mirror({ epoch: 3 }))).toBe(false);
    expect(isLeftover(ours(3), mirror({ epoch: 3, phase: 'engaged' }))).toBe(false);
    expect(isLeftover(ours(3), mirror({ epoch: 3, phase: 'releasing' }))).toBe(false);
    expect(isLeftover('0', mirror({ epoch: 3 }))).toBe(false);
  });

  it('that is left over halts, but is not a new halt', async () => {
    const plane = memoryPlane();
    await plane.control.write(mirrorName, mirror(), 0);
    plane.key.value = ours(3);
    expect((await readSwitch(plane)).state).toBe('halted');
    expect((await readMirror(plane.control)).rev).toBe(1);
  });
});

describe('a narrowed halt', () => {
  const narrowed = (kind: 'queue' | 'task', name: string) => ({ kind, name, by: 'anna', reason: 'drill', atMs: 0 });
  const reads = (halts: ReturnType<typeof narrowed>[]) => ({
    state: 'clear' as const,
    why: '',
    narrowed: halts,
    beganMs: 0,
  });

  it('halts the work on its queue, or of its task, and no other', () => {
    const pull = { queue: 'ingestion', task: 'ingest.pull' } as const;
    const heartbeat = { queue: 'system', task: 'killswitch.heartbeat' } as const;
    expect(haltsWork(reads([narrowed('queue', 'ingestion')]), pull)).toBe(true);
    expect(haltsWork(reads([narrowed('queue', 'ingestion')]), heartbeat)).toBe(false);
    expect(haltsWork(reads([narrowed('task', 'ingest.pull')]), pull)).toBe(true);
    expect(haltsWork(reads([narrowed('task', 'ingest.pull')]), heartbeat)).toBe(false);
    expect(haltsWork(reads([narrowed('task', 'ingestion'), narrowed('queue', 'ingest.pull')]), pull)).toBe(false);
    expect(haltsWork({ ...reads([]), state: 'halted' }, pull)).toBe(true);
  });

  it('stands in every reading, of the mirror and of the key alone', async () => {
    const plane = memoryPlane();
    await plane.control.write(mirrorName, mirror({ narrowed: [narrowed('queue', 'ingestion')] }), 0);
    const said = await readSwitch(plane);
    expect(said.state).toBe('clear');
    expect(said.narrowed.map((halt) => halt.name)).toEqual(['ingestion']);
    expect((await readKeyOnly(plane, said.narrowed)).narrowed).toEqual(said.narrowed);
  });
});
