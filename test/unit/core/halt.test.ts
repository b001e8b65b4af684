import { describe, expect, it } from 'vitest';
import { logLines } from '#core/catalogue/metrics.ts';
import { acknowledgeAfterMs, engage, narrow, release, widen } from '#core/halt.ts';
import { epochOf, mirrorName, readMirror, readSwitch, type Mirror } from '#core/kill-switch.ts';
import { repair } from '#core/repair.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { bound, drive, rejection } from './support.ts';

const who = { by: 'anna', reason: 'runaway strategy' };
const mirrorOf = async (plane: MemoryPlane): Promise<Mirror> => (await readMirror(plane.control)).mirror;
const halt = (plane: MemoryPlane, over = {}) => drive(plane, engage(plane, { ...who, ...over }));
const stateOf = async (plane: MemoryPlane) => (await readSwitch(plane)).state;

/** Calls `before` once, right before the named call of the key reaches it. */
function beforeCall<K extends 'read' | 'set' | 'deleteIf'>(plane: MemoryPlane, name: K, before: () => unknown): void {
  const original = plane.key[name] as (...values: unknown[]) => Promise<unknown>;
  (plane.key as unknown as Record<string, unknown>)[name] = async (...values: unknown[]) => {
    (plane.key as unknown as Record<string, unknown>)[name] = original;
    await before();
    return original(...values);
  };
}

describe('engage', () => {
  it('is mirror, SET, WAIT, PUBLISH in this order, and is acknowledged 1.5 s later', async () => {
    const plane = memoryPlane();
    const calls: string[] = [];
    const set = bound(plane.key, 'set');
    const waitReplicas = bound(plane.key, 'waitReplicas');
    const publish = bound(plane.key, 'publish');
    const write = bound(plane.control, 'write');
    plane.control.write = (...args) => (calls.push('mirror'), write(...args));
    plane.key.set = (value) => (calls.push('SET'), set(value));
    plane.key.waitReplicas = (ms) => (calls.push(`WAIT ${ms}`), waitReplicas(ms));
    plane.key.publish = (message) => (calls.push('PUBLISH'), publish(message));
    let acknowledgedMs = -1;
    const engaging = engage(plane, who).then(() => (acknowledgedMs = plane.clock.monotonicMs()));
    await plane.clock.advance(0);
    expect(calls).toEqual(['mirror', 'SET', 'WAIT 100', 'PUBLISH']);
    expect(await stateOf(plane)).toBe('halted');
    await plane.clock.advance(acknowledgeAfterMs - 1);
    expect(acknowledgedMs).toBe(-1);
    await plane.clock.advance(1);
    await engaging;
    expect(acknowledgedMs).toBe(1500);
  });

  it('writes who, why and the epoch into mirror and key, logs it and tells the bus once', async () => {
    const plane = memoryPlane();
    expect(await halt(plane)).toEqual({ epoch: 1, key: 'set', replicas: 0 });
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', epoch: 1, origin: 'ours', ...who });
    expect(JSON.parse(plane.key.value)).toMatchObject({ epoch: 1, ...who, at: '2026-01-05T12:00:00.000Z' });
    expect(plane.key.published).toEqual(['engaged']);
    await halt(plane);
    expect(plane.lifecycle.events.map((event) => event.id)).toEqual(['HaltEngaged-1']);
    expect(plane.log.lines.filter((line) => line.line === logLines.haltEngaged)).toHaveLength(2);
  });

  it('twice is one halt: the first who and why stand', async () => {
    const plane = memoryPlane();
    await halt(plane);
    expect(await halt(plane, { by: 'bert' })).toMatchObject({ epoch: 1 });
    expect(await mirrorOf(plane)).toMatchObject({ epoch: 1, by: 'anna' });
  });

  it('by two at once is one halt', async () => {
    const plane = memoryPlane();
    const both = await drive(plane, Promise.all([engage(plane, who), engage(plane, { ...who, by: 'bert' })]));
    expect(both.map((one) => one.epoch)).toEqual([1, 1]);
    expect(epochOf(plane.key.value)).toBe(1);
  });

  it('with Redis down halts by the mirror, says so, and the heartbeat writes the key', async () => {
    const plane = memoryPlane();
    plane.key.down = true;
    expect(await halt(plane)).toEqual({ epoch: 1, key: 'unwritten' });
    expect(await stateOf(plane)).toBe('halted');
    plane.key.down = false;
    expect(await stateOf(plane)).toBe('halted');
    expect(await repair(plane)).toEqual({ state: 'halted', repair: 'key-set-again', epoch: 1 });
    expect(epochOf(plane.key.value)).toBe(1);
  });

  it('does not need replicas, subscribers or the bus', async () => {
    const plane = memoryPlane();
    const fails = () => Promise.reject(new Error('no'));
    Object.assign(plane.key, { waitReplicas: fails, publish: fails });
    plane.lifecycle.emit = fails;
    expect(await halt(plane)).toEqual({ epoch: 1, key: 'set' });
  });

  it('fails when the mirror cannot be written, and has then set nothing', async () => {
    const plane = memoryPlane();
    plane.control.write = () => Promise.reject(new Error('throttled'));
    await expect(engage(plane, who)).rejects.toThrow('throttled');
    expect(plane.key.value).toBe('');
  });

  it('over an external halt makes it ours, with a new epoch', async () => {
    const plane = memoryPlane();
    plane.key.value = '1';
    await readSwitch(plane);
    expect((await mirrorOf(plane)).origin).toBe('external');
    expect(await halt(plane)).toMatchObject({ epoch: 2 });
    expect(await mirrorOf(plane)).toMatchObject({ epoch: 2, origin: 'ours', by: 'anna' });
    expect((await mirrorOf(plane)).replicationId).toBeUndefined();
    plane.key.value = '';
    expect((await repair(plane)).repair).toBe('key-set-again');
  });

  it('while a release is under way is a new halt, which that release does not end', async () => {
    const plane = memoryPlane();
    await halt(plane);
    let engaging: Promise<unknown> = Promise.resolve();
    beforeCall(plane, 'deleteIf', async () => {
      engaging = engage(plane, { ...who, by: 'bert' });
      await plane.clock.advance(0);
    });
    const [released] = await Promise.allSettled([release(plane, who)]);
    await drive(plane, engaging);
    expect(released).not.toMatchObject({ value: { state: 'clear' } });
    expect(await stateOf(plane)).toBe('halted');
    expect((await mirrorOf(plane)).epoch).toBe(2);
  });

  it('that finds a halt which is released before its SET halts anew, and is not acknowledged for nothing', async () => {
    const plane = memoryPlane();
    await halt(plane);
    beforeCall(plane, 'set', () => release(plane, who));
    expect(await halt(plane, { by: 'bert' })).toMatchObject({ epoch: 2 });
    await repair(plane);
    expect(await stateOf(plane)).toBe('halted');
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', epoch: 2, by: 'bert' });
  });

  it.each([
    ['nobody', { by: ' ' }],
    ['no reason', { reason: '' }],
    ['an endless reason', { reason: 'x'.repeat(501) }],
    ['an endless name, which would make the mirror unreadable', { by: 'x'.repeat(501) }],
  ])('needs who and why: %s is refused, and nothing is halted', async (_, over) => {
    const plane = memoryPlane();
    for (const action of [engage, release]) {
      const failure = await rejection(action(plane, { ...who, ...over }));
      expect(failure).toMatchObject({ code: 'CONFIGURATION_INVALID' });
      expect(failure.message).toMatch(/^(engage|release) needs who and why/);
    }
    expect(await stateOf(plane)).toBe('clear');
  });
});

describe('release', () => {
  it('deletes the key, clears the mirror, logs it, and tells subscribers and the bus', async () => {
    const plane = memoryPlane();
    await halt(plane);
    expect(await release(plane, { by: 'bert', reason: 'fixed' })).toEqual({ state: 'clear', epoch: 1 });
    expect(plane.key.value).toBe('');
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'clear', epoch: 1, by: 'bert', reason: 'fixed' });
    expect(await stateOf(plane)).toBe('clear');
    expect(plane.key.published).toEqual(['engaged', 'released']);
    expect(plane.lifecycle.events.map((event) => event.id)).toEqual(['HaltEngaged-1', 'HaltReleased-1']);
  });

  it('goes through releasing: until the key is gone and the mirror clear, the plane is halted', async () => {
    const plane = memoryPlane();
    await halt(plane);
    const seen: string[] = [];
    beforeCall(plane, 'deleteIf', async () => seen.push((await mirrorOf(plane)).phase, await stateOf(plane)));
    await release(plane, who);
    expect(seen).toEqual(['releasing', 'halted']);
  });

  it('of nothing is clear, twice too', async () => {
    const plane = memoryPlane();
    expect(await release(plane, who)).toEqual({ state: 'clear', epoch: 0 });
    await halt(plane);
    await release(plane, who);
    expect(await release(plane, who)).toEqual({ state: 'clear', epoch: 1 });
  });

  it('of a value that is not ours is a new halt: refused, still halted, and a second look can end it', async () => {
    const plane = memoryPlane();
    await halt(plane);
    plane.key.value = 'core says stop';
    const failure = await rejection(release(plane, { by: 'bert', reason: 'all is well' }));
    expect(failure).toMatchObject({ code: 'HALT_CONFLICT' });
    expect(failure.message).toMatch(/\(core says stop\): that is a new halt; read it, then release again/);
    expect(await stateOf(plane)).toBe('halted');
    expect(plane.key.value).toBe('core says stop');
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', epoch: 2, origin: 'external' });
    expect(await mirrorOf(plane)).toMatchObject({ by: 'external', reason: expect.stringContaining('core says stop') });
    expect(await release(plane, who)).toEqual({ state: 'clear', epoch: 2 });
    expect(plane.key.value).toBe('');
  });

  it('of a value set between its two looks is refused, too', async () => {
    const plane = memoryPlane();
    await halt(plane);
    beforeCall(plane, 'deleteIf', () => (plane.key.value = 'core'));
    await expect(release(plane, who)).rejects.toThrow(/another value/);
    expect([plane.key.value, await stateOf(plane)]).toEqual(['core', 'halted']);
  });

  it('does not end a halt that was engaged while it began: that one nobody has looked at yet', async () => {
    const plane = memoryPlane();
    plane.key.value = 'core';
    await readSwitch(plane);
    const write = bound(plane.control, 'write');
    plane.control.write = async (...args) => {
      plane.control.write = write;
      const engaging = engage(plane, { by: 'bert', reason: 'no, wait' });
      await plane.clock.advance(0);
      void engaging;
      return write(...args);
    };
    const failure = await rejection(release(plane, who));
    expect(failure).toMatchObject({ code: 'HALT_CONFLICT' });
    expect(await stateOf(plane)).toBe('halted');
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', epoch: 2, by: 'bert' });
  });

  it('with Redis away stays releasing and halted, and the heartbeat finishes it', async () => {
    const plane = memoryPlane();
    await halt(plane);
    plane.key.down = true;
    expect(await release(plane, who)).toMatchObject({ state: 'releasing', epoch: 1, why: 'the connection is closed' });
    expect(await stateOf(plane)).toBe('halted');
    await expect(repair(plane)).rejects.toThrow('closed');
    plane.key.down = false;
    expect(await stateOf(plane)).toBe('halted');
    expect(await repair(plane)).toEqual({ state: 'clear', repair: 'released', epoch: 1 });
    expect(await stateOf(plane)).toBe('clear');
  });

  it('ends an external halt that nobody has written down yet, in the name of who asked', async () => {
    const plane = memoryPlane();
    plane.key.value = 'core';
    expect(await release(plane, { by: 'bert', reason: 'agreed with core' })).toEqual({ state: 'clear', epoch: 1 });
    expect(plane.key.value).toBe('');
    expect(await mirrorOf(plane)).toMatchObject({ by: 'bert', reason: 'agreed with core' });
  });

  it('deletes a leftover of ours', async () => {
    const plane = memoryPlane();
    await halt(plane);
    const left = plane.key.value;
    await release(plane, who);
    plane.key.value = left;
    expect(await stateOf(plane)).toBe('halted');
    expect(await release(plane, who)).toEqual({ state: 'clear', epoch: 1 });
    expect(await stateOf(plane)).toBe('clear');
  });

  it('of a plane that was halted as long as Redis was away clears it, though the key was never written', async () => {
    const plane = memoryPlane();
    plane.key.down = true;
    await halt(plane);
    plane.key.down = false;
    expect(await release(plane, who)).toEqual({ state: 'clear', epoch: 1 });
  });
});

describe('a narrowed halt', () => {
  it('halts one queue or task 1.5 s after it was asked for, leaves the rest, and is widened again', async () => {
    const plane = memoryPlane();
    await drive(plane, narrow(plane, { ...who, kind: 'queue', name: 'ingestion' }));
    expect(plane.clock.monotonicMs()).toBeGreaterThanOrEqual(1500);
    await drive(plane, narrow(plane, { ...who, kind: 'task', name: 'runs.reap' }));
    const reading = await readSwitch(plane);
    expect(reading.state).toBe('clear');
    expect(reading.narrowed.map((one) => `${one.kind} ${one.name}`)).toEqual(['queue ingestion', 'task runs.reap']);
    expect(plane.key.value).toBe('');
    const [ingestion] = reading.narrowed;
    await widen(plane, ingestion!);
    expect((await readSwitch(plane)).narrowed.map((one) => one.name)).toEqual(['runs.reap']);
  });

  it('that was engaged anew is not ended with the one before it', async () => {
    const plane = memoryPlane();
    await drive(plane, narrow(plane, { ...who, kind: 'queue', name: 'ingestion' }));
    const [seen] = (await readSwitch(plane)).narrowed;
    await drive(plane, narrow(plane, { ...who, by: 'bert', kind: 'queue', name: 'ingestion' }));
    await expect(widen(plane, seen!)).rejects.toMatchObject({ code: 'HALT_CONFLICT' });
    expect((await readSwitch(plane)).narrowed).toMatchObject([{ name: 'ingestion', by: 'bert' }]);
  });

  it('twice is one, and outlives a global halt', async () => {
    const plane = memoryPlane();
    await drive(plane, narrow(plane, { ...who, kind: 'queue', name: 'ingestion' }));
    await drive(plane, narrow(plane, { ...who, by: 'bert', kind: 'queue', name: 'ingestion' }));
    await halt(plane);
    await release(plane, who);
    expect((await readSwitch(plane)).narrowed).toMatchObject([{ name: 'ingestion', by: 'bert' }]);
  });

  it.each([
    ['queue', 'ingestoin'],
    ['task', 'ingest.push'],
    ['task', 'ingestion'],
    ['queue', 'toString'],
  ] as const)('of a %s %s, which there is not, is refused: it would halt nothing', async (kind, name) => {
    const plane = memoryPlane();
    const failure = await rejection(drive(plane, narrow(plane, { ...who, kind, name })));
    expect(failure).toMatchObject({ code: 'CONFIGURATION_INVALID' });
    expect(failure.message).toContain(`"${name}"`);
    expect(await plane.control.read(mirrorName)).toBeUndefined();
  });

  it('and a global one, asked for at once, both stand', async () => {
    const plane = memoryPlane();
    await drive(plane, Promise.all([engage(plane, who), narrow(plane, { ...who, kind: 'queue', name: 'system' })]));
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', narrowed: [{ name: 'system' }] });
  });
});
