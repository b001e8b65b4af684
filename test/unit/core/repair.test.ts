import { describe, expect, it } from 'vitest';
import { logLines } from '#core/catalogue/metrics.ts';
import { engage, release } from '#core/halt.ts';
import { epochOf, mirrorName, readMirror, readSwitch, switchValue, type Mirror } from '#core/kill-switch.ts';
import { repair } from '#core/repair.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { bound, drive, runRow } from './support.ts';
import { taskPorts } from '#core/task-ports.ts';

const who = { by: 'anna', reason: 'drill' };
const mirrorOf = async (plane: MemoryPlane): Promise<Mirror> => (await readMirror(plane.control)).mirror;
const stateOf = async (plane: MemoryPlane) => (await readSwitch(plane)).state;
const halted = async (): Promise<MemoryPlane> => {
  const plane = memoryPlane();
  await drive(plane, engage(plane, who));
  return plane;
};
/** Core has set the key, and a reader has written it down. */
const haltedByCore = async (): Promise<MemoryPlane> => {
  const plane = memoryPlane();
  plane.key.value = 'core';
  await readSwitch(plane);
  return plane;
};
const failOver = (plane: MemoryPlane, value = ''): void => {
  plane.key.value = value;
  plane.key.replication = 'replication-2';
  plane.key.connection += 1;
};

it('nothing disagrees: nothing is done, and nothing is logged', async () => {
  const clear = memoryPlane();
  expect(await repair(clear)).toEqual({ state: 'clear', repair: 'none', epoch: 0 });
  const plane = await halted();
  expect(await repair(plane)).toEqual({ state: 'halted', repair: 'none', epoch: 1 });
  expect(plane.log.lines.filter((line) => line.line === logLines.switchRepaired)).toEqual([]);
});

it('reads the mirror before the key', async () => {
  const plane = memoryPlane();
  const order: string[] = [];
  const read = bound(plane.key, 'read');
  const readRecord = bound(plane.control, 'read');
  plane.key.read = () => (order.push('key'), read());
  plane.control.read = (name) => (order.push('mirror'), readRecord(name));
  await repair(plane);
  expect(order.slice(0, 2)).toEqual(['mirror', 'key']);
});

describe('our halt lost its key', () => {
  it('in a failover, or because core deleted it: it is set again, and the plane was halted all the time', async () => {
    const plane = await halted();
    failOver(plane);
    expect(await stateOf(plane)).toBe('halted');
    expect(await repair(plane)).toEqual({ state: 'halted', repair: 'key-set-again', epoch: 1 });
    expect(epochOf(plane.key.value)).toBe(1);
    expect(plane.log.lines.at(-1)).toMatchObject({
      line: logLines.switchRepaired,
      fields: { repair: 'key-set-again' },
    });
  });

  it('to a release that ran meanwhile: what was set is taken back', async () => {
    const plane = await halted();
    failOver(plane);
    const set = bound(plane.key, 'set');
    plane.key.set = async (value) => {
      plane.key.set = set;
      await release(plane, who);
      return set(value);
    };
    expect(await repair(plane)).toEqual({ state: 'clear', repair: 'key-taken-back', epoch: 1 });
    expect([plane.key.value, await stateOf(plane)]).toEqual(['', 'clear']);
  });

  it('to a release that is still under way: taken back, so that it can end', async () => {
    const plane = await halted();
    failOver(plane);
    const set = bound(plane.key, 'set');
    plane.key.set = async (value) => {
      plane.key.set = set;
      plane.key.down = true;
      await release(plane, who);
      plane.key.down = false;
      return set(value);
    };
    expect(await repair(plane)).toMatchObject({ state: 'halted', repair: 'key-taken-back' });
    expect(plane.key.value).toBe('');
    expect(await repair(plane)).toMatchObject({ state: 'clear', repair: 'released' });
  });

  it('to a release and a newer halt: the key ends up with the value of the newer one, not with none', async () => {
    const plane = await halted();
    failOver(plane);
    const set = bound(plane.key, 'set');
    plane.key.set = async (value) => {
      plane.key.set = set;
      await release(plane, who);
      const again = engage(plane, { by: 'bert', reason: 'again' });
      await plane.clock.advance(0);
      void again;
      return set(value);
    };
    expect(await repair(plane)).toMatchObject({ state: 'halted', repair: 'key-set-again', epoch: 2 });
    expect(epochOf(plane.key.value)).toBe(2);
  });
});

describe('the key of an external halt is gone', () => {
  it('under the same replication id: core released it', async () => {
    const plane = await haltedByCore();
    plane.key.value = '';
    expect(await stateOf(plane)).toBe('halted');
    expect(await repair(plane)).toEqual({ state: 'clear', repair: 'external-cleared', epoch: 1 });
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'clear', by: 'external' });
    expect(plane.lifecycle.events.map((event) => event.name)).toEqual(['HaltEngaged', 'HaltReleased']);
  });

  it.each([
    ['the replication id has changed', (plane: MemoryPlane) => failOver(plane)],
    ['the service tells none', (plane: MemoryPlane) => ((plane.key.value = ''), (plane.key.replication = undefined))],
  ])('and %s: a failover may have lost it, so it stays halted', async (_, lose) => {
    const plane = await haltedByCore();
    lose(plane);
    expect(await repair(plane)).toEqual({ state: 'halted', repair: 'ambiguous', epoch: 1 });
    expect(await repair(plane)).toMatchObject({ repair: 'ambiguous' });
    expect(await stateOf(plane)).toBe('halted');
    expect(await release(plane, who)).toEqual({ state: 'clear', epoch: 1 });
  });

  it('and was found without a replication id: ambiguous, though there is one now', async () => {
    const plane = memoryPlane();
    plane.key.replication = undefined;
    plane.key.value = 'core';
    await readSwitch(plane);
    failOver(plane);
    expect(await repair(plane)).toMatchObject({ state: 'halted', repair: 'ambiguous' });
  });

  it('and set anew while the heartbeat looks: halted', async () => {
    const plane = await haltedByCore();
    plane.key.value = '';
    const write = bound(plane.control, 'write');
    plane.control.write = (...args) => (
      (plane.control.write = write),
      (plane.key.value = 'core again'),
      write(...args)
    );
    expect(await repair(plane)).toMatchObject({ state: 'halted', repair: 'external-adopted' });
    expect(await stateOf(plane)).toBe('halted');
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', epoch: 2, value: 'core again' });
  });
});

describe('the mirror is clear and the key is not', () => {
  it('with a value of ours that was released: a leftover, deleted', async () => {
    const plane = await halted();
    const left = plane.key.value;
    await release(plane, who);
    plane.key.value = left;
    expect(await repair(plane)).toEqual({ state: 'clear', repair: 'leftover-deleted', epoch: 1 });
    expect(plane.key.value).toBe('');
  });

  it('with a leftover that turns into a halt of core before it is deleted: kept', async () => {
    const plane = await halted();
    const left = plane.key.value;
    await release(plane, who);
    plane.key.value = left;
    const deleteIf = bound(plane.key, 'deleteIf');
    plane.key.deleteIf = (value) => ((plane.key.value = 'core'), deleteIf(value));
    expect(await repair(plane)).toMatchObject({ state: 'halted', repair: 'none' });
    expect(plane.key.value).toBe('core');
  });

  it('with the value of somebody else: an external halt', async () => {
    const plane = memoryPlane();
    plane.key.value = '0';
    expect(await repair(plane)).toEqual({ state: 'halted', repair: 'external-adopted', epoch: 1 });
    expect(await mirrorOf(plane)).toMatchObject({ origin: 'external', value: '0' });
  });

  it('with a value of ours from an epoch that the mirror has not reached (a restored table): a halt', async () => {
    const plane = memoryPlane();
    plane.key.value = switchValue({ epoch: 9, ...who, atMs: 0 });
    expect(await repair(plane)).toMatchObject({ state: 'halted', repair: 'external-adopted' });
  });
});

describe('a release that could not end', () => {
  const releasing = async (): Promise<MemoryPlane> => {
    const plane = await halted();
    plane.key.down = true;
    await release(plane, who);
    plane.key.down = false;
    return plane;
  };

  it('is ended', async () => {
    const plane = await releasing();
    expect(await repair(plane)).toEqual({ state: 'clear', repair: 'released', epoch: 1 });
    expect(plane.key.value).toBe('');
  });

  it('goes on when the key cannot be deleted yet', async () => {
    const plane = await releasing();
    plane.key.deleteIf = () => Promise.reject(new Error('LOADING'));
    expect(await repair(plane)).toEqual({ state: 'halted', repair: 'still-releasing', epoch: 1 });
  });

  it('finds a new halt of core in the key: that is adopted, and no failure of the heartbeat', async () => {
    const plane = await releasing();
    plane.key.value = 'core';
    expect(await repair(plane)).toEqual({ state: 'halted', repair: 'external-adopted', epoch: 2 });
    expect(await mirrorOf(plane)).toMatchObject({ phase: 'engaged', origin: 'external', value: 'core' });
  });
});

it('what cannot be read is not repaired: the heartbeat fails, and the plane stays as it was', async () => {
  const plane = await halted();
  plane.key.down = true;
  await expect(repair(plane)).rejects.toThrow('closed');
  const garbled = memoryPlane();
  await garbled.control.write(mirrorName, 'garbage', 0);
  await expect(repair(garbled)).rejects.toThrow(/is not a mirror/);
});

it('the keeper counts what it sees: reachable, halted, ambiguous, and how long the canary took', async () => {
  const plane = await haltedByCore();
  failOver(plane);
  const canary = bound(plane.key, 'canary');
  plane.key.canary = async (value) => (await plane.clock.sleep(30), canary(value));
  const keeper = taskPorts(plane, runRow({}, plane)).killSwitch;
  await keeper.repair();
  expect(await drive(plane, keeper.canary(), 30)).toBe(30);
  plane.key.evictionPolicy = async () => undefined;
  expect(await keeper.evictionPolicy()).toBe('not told by the service');
  expect(plane.metrics.records).toEqual([
    { name: 'Reachable', value: 1 },
    { name: 'Halted', value: 1 },
    { name: 'HaltAmbiguous', value: 1 },
    { name: 'RoundTrip', value: 30 },
  ]);
});
