import { describe, expect, it } from 'vitest';
import { taskContract, type TaskContract } from '#core/catalogue/tasks.ts';
import { engage, narrow, release } from '#core/halt.ts';
import { createGuard, guarded, type Guard } from '#core/guard.ts';
import { mirrorName } from '#core/kill-switch.ts';
import { mutatingMethods, type Effect, type Reaper } from '#core/ports.ts';
import { taskPorts } from '#core/task-ports.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { bound, drive, rejection, runRow } from './support.ts';

const who = { by: 'anna', reason: 'drill' };
interface Bench {
  readonly plane: MemoryPlane;
  readonly guard: Guard;
  /** What happened, in order: reads of key and mirror, intents, effects, outcomes. */
  readonly steps: string[];
  open: boolean;
  /** Runs one effect under the guard. */
  act(effect?: Effect, action?: () => Promise<unknown>): Promise<unknown>;
}

function bench(change: Partial<TaskContract> = {}): Bench {
  const plane = memoryPlane();
  const steps: string[] = [];
  const read = bound(plane.key, 'read');
  const readRecord = bound(plane.control, 'read');
  const intent = bound(plane.audit, 'intent');
  const outcome = bound(plane.audit, 'outcome');
  plane.key.read = () => (steps.push('key'), read());
  plane.control.read = (name) => (steps.push('mirror'), readRecord(name));
  plane.audit.intent = (entry) => (steps.push('intent'), intent(entry));
  plane.audit.outcome = (entry) => (steps.push(entry.outcome), outcome(entry));
  const contract = { ...taskContract('ingest.pull'), ...change };
  const run = runRow({ fence: 3 }, plane);
  const state = { open: true };
  const guard = createGuard({ ports: plane, audit: plane.audit, run, contract, isOpen: () => state.open });
  return {
    plane,
    guard,
    steps,
    act: (effect = 'artefacts.put', action = async () => void steps.push('effect')) => guard(effect, action),
    get open() {
      return state.open;
    },
    set open(value) {
      state.open = value;
    },
  };
}
/** The key answers after `ms`, from now on. */
function slowKey({ plane }: Bench, ms: number): void {
  const read = bound(plane.key, 'read');
  plane.key.read = async () => {
    const value = await read();
    await plane.clock.sleep(ms);
    return value;
  };
}

describe('an effect', () => {
  it('comes after its intent and its permit, and before its outcome', async () => {
    const test = bench();
    await test.act();
    expect(test.steps).toEqual(['intent', 'key', 'mirror', 'effect', 'done']);
  });

  it('gives back what it resolves with', async () => {
    expect(await bench().act('artefacts.put', async () => 'key-1')).toBe('key-1');
  });

  it('leaves in the audit who, for whom, what and under which fence', async () => {
    const test = bench();
    await test.act();
    const entry = {
      effect: 'artefacts.put',
      task: 'ingest.pull',
      tenant: 'acme',
      actor: { id: 'user-anna' },
      fence: 3,
      atMs: test.plane.clock.nowMs(),
    };
    expect(test.plane.audit.entries).toMatchObject([entry, { ...entry, outcome: 'done' }]);
  });

  it('leaves its outcome with the time of the outcome', async () => {
    const test = bench();
    const beganMs = test.plane.clock.nowMs();
    await drive(
      test.plane,
      test.act('artefacts.put', () => test.plane.clock.sleep(3000)),
    );
    expect(test.plane.audit.entries.map(({ atMs }) => atMs - beganMs)).toEqual([0, 3000]);
  });

  it('leaves with what it was done: names and sizes, never contents', async () => {
    const test = bench();
    const put = async () => 'key';
    const port = { ...taskPorts(test.plane, runRow({}, test.plane)).artefacts, put };
    await guarded('artefacts', port, test.guard).put('a.txt', new TextEncoder().encode('content'), 'text/plain');
    expect(test.plane.audit.entries.map((entry) => entry.arguments)).toEqual(
      Array.from({ length: 2 }, () => ({ name: 'a.txt', bytes: 7, contentType: 'text/plain' })),
    );
  });

  it('that fails leaves `failed` and its own error', async () => {
    const test = bench();
    const broken = new Error('disk full');
    await expect(test.act('artefacts.put', () => Promise.reject(broken))).rejects.toBe(broken);
    expect(test.steps).toEqual(['intent', 'key', 'mirror', 'failed']);
  });

  it('is not done when its intent cannot be written', async () => {
    const test = bench();
    test.plane.audit.intent = () => Promise.reject(new Error('audit away'));
    await expect(test.act()).rejects.toThrow('audit away');
    expect(test.steps).toEqual([]);
  });

  it('that was done is never written down as failed, not even when its outcome cannot be written', async () => {
    const test = bench();
    const told: string[] = [];
    test.plane.audit.outcome = async (entry) => {
      told.push(entry.outcome);
      throw new Error('audit away');
    };
    await expect(test.act()).rejects.toThrow('audit away');
    expect(told).toEqual(['done']);
  });

  it('that fails or is denied keeps its own error when the outcome cannot be written', async () => {
    const test = bench();
    test.plane.audit.outcome = () => Promise.reject(new Error('audit away'));
    await expect(test.act('artefacts.put', () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    test.plane.key.value = 'core';
    expect(await rejection(test.act())).toMatchObject({ code: 'KILL_SWITCH_HALTED' });
  });
});

describe('a permit', () => {
  it('reads the key for every effect, and the mirror again only after a second', async () => {
    const test = bench();
    await test.act();
    test.steps.length = 0;
    await test.act();
    await test.plane.clock.advance(1000);
    await test.act();
    expect(test.steps.filter((step) => step === 'key' || step === 'mirror')).toEqual(['key', 'key']);
    test.steps.length = 0;
    await test.plane.clock.advance(1);
    await test.act();
    expect(test.steps.filter((step) => step === 'key' || step === 'mirror')).toEqual(['key', 'mirror']);
  });

  it('reads the mirror again on a new connection', async () => {
    const test = bench();
    await test.act();
    test.steps.length = 0;
    test.plane.key.connection += 1;
    await test.act();
    expect(test.steps).toContain('mirror');
  });

  it('is void 250 ms after its read began: it is read again, three times at most', async () => {
    const test = bench();
    slowKey(test, 250);
    await drive(test.plane, test.act(), 10);
    expect(test.steps).toEqual(['intent', 'key', 'mirror', 'effect', 'done']);

    const slower = bench();
    // The key itself answers in time, the mirror does not, and is too old when it does: stale, not unreadable.
    const read = bound(slower.plane.control, 'read');
    slower.plane.control.read = async (name) => {
      const record = await read(name);
      await slower.plane.clock.sleep(1001);
      return record;
    };
    const failure = await rejection(drive(slower.plane, slower.act(), 10));
    expect(failure).toMatchObject({ code: 'KILL_SWITCH_UNKNOWN' });
    expect(failure.message).toContain('three permits in a row were void');
    expect(slower.steps.filter((step) => step === 'effect')).toEqual([]);
    expect(slower.steps.at(-1)).toBe('denied');
  });

  it('that was void once is read again, and used when it is fresh', async () => {
    const test = bench();
    const read = bound(test.plane.control, 'read');
    test.plane.control.read = async (name) => {
      test.plane.control.read = read;
      const record = await read(name);
      await test.plane.clock.sleep(400);
      return record;
    };
    await drive(test.plane, test.act(), 10);
    expect(test.steps.filter((step) => step === 'key')).toHaveLength(2);
    expect(test.steps.at(-1)).toBe('done');
  });

  it('does not outlive the connection it was read on', async () => {
    const test = bench();
    const read = bound(test.plane.key, 'read');
    test.plane.key.read = async () => {
      const value = await read();
      test.plane.key.connection += 1;
      return value;
    };
    expect(await rejection(test.act())).toMatchObject({ code: 'KILL_SWITCH_UNKNOWN' });
    expect(test.steps).not.toContain('effect');
  });

  it('rests on a mirror that is at most a second old: once a halt is acknowledged, nothing begins', async () => {
    const test = bench();
    await test.act();
    // The key is lost the moment it is set, so only the mirror can tell.
    test.plane.key.set = async () => undefined;
    let acknowledged = false;
    const engaging = engage(test.plane, who).then(() => (acknowledged = true));
    const begun: boolean[] = [];
    for (let step = 0; step < 40; step += 1) {
      await test.plane.clock.advance(50);
      await test.act('artefacts.put', async () => void begun.push(acknowledged)).catch(() => undefined);
    }
    await engaging;
    expect(begun).toContain(false);
    expect(begun).not.toContain(true);
  });
});

describe('in a halt', () => {
  it('an effect is denied, by key or by mirror, and granted again after the release', async () => {
    const test = bench();
    test.plane.key.value = '0';
    const failure = await rejection(test.act());
    expect(failure).toMatchObject({ code: 'KILL_SWITCH_HALTED', disposition: 'hold' });
    expect(failure.message).toMatch(/^artefacts\.put of run \S+ is denied: the plane is halted \(the key is set\)$/);
    test.plane.key.value = '';
    expect((await rejection(test.act())).message).toContain('the mirror is engaged');
    expect(test.steps).not.toContain('effect');
    await release(test.plane, who);
    await test.act();
    expect(test.steps.at(-1)).toBe('done');
  });

  it('what the contract lists goes through, and nothing beside it', async () => {
    const test = bench({ mutatesWhileHalted: ['status.publish'] });
    test.plane.key.value = '1';
    await test.act('status.publish');
    expect(await rejection(test.act('artefacts.put'))).toMatchObject({ code: 'KILL_SWITCH_HALTED' });
    expect(test.steps.filter((step) => step === 'effect')).toHaveLength(1);
  });

  it('of its queue or task only, it is denied as well', async () => {
    for (const halt of [
      { kind: 'queue', name: 'ingestion' },
      { kind: 'task', name: 'ingest.pull' },
    ] as const) {
      const test = bench();
      await test.act();
      await drive(test.plane, narrow(test.plane, { ...who, ...halt }));
      expect(await rejection(test.act())).toMatchObject({ code: 'KILL_SWITCH_HALTED' });
    }
    const other = bench();
    await drive(other.plane, narrow(other.plane, { ...who, kind: 'queue', name: 'system' }));
    await other.act();
    expect(other.steps.at(-1)).toBe('done');
  });
});

describe('while the switch is unknown', () => {
  it.each([
    ['the key is down', (plane: MemoryPlane) => (plane.key.down = true)],
    ['the mirror is unreadable', (plane: MemoryPlane) => plane.control.write(mirrorName, 'garbage', 0)],
  ])('(%s) every effect is denied, also those that a halt leaves open', async (_, spoil) => {
    const test = bench({ mutatesWhileHalted: ['status.publish'] });
    await spoil(test.plane);
    for (const effect of ['status.publish', 'artefacts.put'] as const) {
      expect(await rejection(test.act(effect))).toMatchObject({ code: 'KILL_SWITCH_UNKNOWN', disposition: 'retry' });
    }
    expect(test.steps).not.toContain('effect');
    expect(test.steps.filter((step) => step === 'denied')).toHaveLength(2);
  });
});

describe('no permit', () => {
  it('is given to a task that only reads: nothing is even asked', async () => {
    const test = bench({ effect: 'reads' });
    expect(await rejection(test.act())).toMatchObject({ code: 'EFFECT_UNDECLARED', disposition: 'reject' });
    expect(test.steps).toEqual([]);
  });

  it('is given once the attempt is over, also when it ends while the switch is read', async () => {
    const test = bench();
    test.open = false;
    expect(await rejection(test.act())).toMatchObject({ code: 'LEASE_LOST' });
    const late = bench();
    slowKey(late, 100);
    const acting = late.act();
    await late.plane.clock.advance(50);
    late.open = false;
    expect(await rejection(drive(late.plane, acting))).toMatchObject({ code: 'LEASE_LOST' });
    expect([...test.steps, ...late.steps]).not.toContain('effect');
  });
});

it('a guarded port asks for every mutating method, passes values on, and lets reading methods through', async () => {
  const asked: Effect[] = [];
  const guard: Guard = async (effect, action) => (asked.push(effect), action());
  const done = { count: 1, more: false };
  const port: Reaper = {
    resend: async () => done,
    expire: async () => done,
    drain: async () => done,
    release: async () => done,
    kick: async () => done,
    hangUp: async () => done,
  };
  const reaper = guarded('reaper', port, guard);
  for (const method of mutatingMethods.reaper) expect(await reaper[method]()).toBe(done);
  expect(asked).toEqual([
    'reaper.resend',
    'reaper.expire',
    'reaper.drain',
    'reaper.release',
    'reaper.kick',
    'reaper.hangUp',
  ]);

  const put: unknown[][] = [];
  const artefacts = guarded(
    'artefacts',
    {
      keyOf: async (name) => `prefix/${name}`,
      statInbox: async () => undefined,
      readInbox: async () => new Uint8Array(),
      read: async () => new Uint8Array([7]),
      put: async (...values) => (put.push(values), 'key'),
    },
    guard,
  );
  asked.length = 0;
  expect(await artefacts.read(1, 'x')).toEqual(new Uint8Array([7]));
  expect(asked).toEqual([]);
  expect(await artefacts.put('name', new Uint8Array([1]), 'text/plain')).toBe('key');
  expect(put).toEqual([['name', new Uint8Array([1]), 'text/plain']]);
  expect(asked).toEqual(['artefacts.put']);
});
