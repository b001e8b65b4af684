// The kill switch under random interleavings: every call of a port waits for the scheduler of fast-check, so operators,
// core, heartbeats, readers, failovers and outages meet between any two of them.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { engage, release, type HaltPorts } from '#core/halt.ts';
import { mirrorName, readSwitch, type Mirror } from '#core/kill-switch.ts';
import { repair } from '#core/repair.ts';
import { memoryPlane } from '#memory/plane.ts';
import { bound } from './support.ts';

const who = { by: 'anna', reason: 'drill' };
const steps = ['engage', 'release', 'heartbeat', 'read', 'coreSets', 'coreDeletes', 'failover', 'down', 'up'] as const;
type Step = (typeof steps)[number];

interface Asked {
  /** When this release first looked at the mirror: it may end what it has seen, not what came later. */
  lookedAt: number;
  /** Answered with HALT_CONFLICT. */
  refused: boolean;
}

function model(scheduler: fc.Scheduler) {
  const plane = memoryPlane();
  const violations: string[] = [];
  const releases = new Set<Asked>();
  const engagedAt = new Map<number, number>();
  const acknowledged = new Set<number>();
  const core = { sets: 0, setAt: new Map<string, number>(), deletedAt: -1 };
  let time = 0;
  let cleared = 0;
  let latest: Mirror | undefined;
  let lastSet = { before: '', after: '' };

  const set = bound(plane.key, 'set');
  plane.key.set = async (value) => {
    const before = plane.key.value;
    await set(value);
    lastSet = { before, after: value };
  };
  const write = bound(plane.control, 'write');
  plane.control.write = async (name, value, rev) => {
    const written = await write(name, value, rev);
    if (written === 'written') judge(latest, (latest = value as Mirror));
    return written;
  };

  const mayEnd = ({ origin, epoch, value }: Mirror): boolean => {
    const asked = [...releases].filter(({ lookedAt }) => lookedAt < Infinity);
    if (asked.some(({ lookedAt }) => lookedAt > engagedAt.get(epoch)!)) return true;
    if (origin === 'ours') return false;
    // A release may find a value that nobody has written down yet, and write it down itself.
    return asked.some(({ refused }) => !refused) || core.deletedAt > (core.setAt.get(value) ?? -1);
  };
  /** A halt of the mirror ends only by a release that has seen it, or an external one by core's own deletion. */
  const judge = (before: Mirror | undefined, next: Mirror) => {
    if (next.phase === 'engaged') engagedAt.set(next.epoch, time);
    if (next.phase !== 'clear' || !before || before.phase === 'clear') return;
    if (!mayEnd(before)) violations.push(`epoch ${next.epoch} (${before.origin}) was cleared by nobody`);
    cleared = next.epoch;
    for (const epoch of acknowledged) if (epoch <= next.epoch) acknowledged.delete(epoch);
  };
  /** Raw, not through a port: would a reader find both clear right now? */
  const check = () => {
    const clear = !plane.key.down && plane.key.value === '' && (latest?.phase ?? 'clear') === 'clear';
    if (clear && acknowledged.size > 0) violations.push(`clear after engage ${[...acknowledged].join()}`);
  };

  /** A port whose every call is held back until the scheduler lets it through. */
  const slowly = <T extends object>(port: T, name: string, onCall: (method: string) => void = () => undefined): T =>
    new Proxy(port, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function' || property === 'connectionEpoch') return value;
        return async (...args: unknown[]) => {
          await scheduler.schedule(Promise.resolve(), `${name}.${String(property)}`);
          time += 1;
          onCall(String(property));
          const result: unknown = await (value as (...args: unknown[]) => unknown).apply(target, args);
          check();
          return result;
        };
      },
    });
  const clock = {
    nowMs: () => time,
    monotonicMs: () => 0,
    sleep: () => scheduler.schedule(Promise.resolve(), 'sleep'),
  };
  const ports: HaltPorts = {
    ...plane,
    clock,
    key: slowly(plane.key, 'key'),
    control: slowly(plane.control, 'control'),
  };

  const act: Record<Step, () => Promise<unknown>> = {
    async engage() {
      const { epoch } = await engage(ports, who);
      // A release that came while the acknowledgement was waited for has ended it already, and rightly.
      if (epoch <= cleared) return;
      acknowledged.add(epoch);
      check();
    },
    async release() {
      const asked: Asked = { lookedAt: Infinity, refused: false };
      releases.add(asked);
      const looks = (method: string) => {
        if (method === 'read' && asked.lookedAt === Infinity) asked.lookedAt = time;
      };
      const control = slowly(plane.control, 'control', looks);
      await release({ ...ports, control }, who).catch(() => (asked.refused = true));
    },
    heartbeat: () => repair(ports),
    read: () => readSwitch(ports),
    async coreSets() {
      core.sets += 1;
      lastSet = { before: plane.key.value, after: `core ${core.sets}` };
      plane.key.value = lastSet.after;
      core.setAt.set(lastSet.after, (time += 1));
    },
    async coreDeletes() {
      plane.key.value = '';
      core.deletedAt = time += 1;
    },
    async failover() {
      if (plane.key.value === lastSet.after) plane.key.value = lastSet.before;
      plane.key.connection += 1;
      plane.key.replication = `replication-${plane.key.connection}`;
    },
    async down() {
      plane.key.down = true;
    },
    async up() {
      plane.key.down = false;
    },
  };
  return { act, violations, plane };
}

const engagedEarly = (steps_: readonly Step[]): Step[] => ['engage', ...steps_];

it('after an acknowledged engage nothing but a release, or core on its own key, ever makes the plane clear', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...steps), { maxLength: 12 }),
      async (scheduler, script) => {
        const { act, violations } = model(scheduler);
        const done = engagedEarly(script).map(async (step) => {
          await scheduler.schedule(Promise.resolve(), step);
          await act[step]().catch(() => undefined);
        });
        await scheduler.waitFor(Promise.all(done));
        expect(violations).toEqual([]);
      },
    ),
    { numRuns: 1500 },
  );
});

it('and when all is quiet and Redis is back, two heartbeats leave key and mirror agreeing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...steps), { maxLength: 10 }),
      async (scheduler, script) => {
        const { act, plane } = model(scheduler);
        const done = script.map(async (step) => {
          await scheduler.schedule(Promise.resolve(), step);
          await act[step]().catch(() => undefined);
        });
        await scheduler.waitFor(Promise.all(done));
        plane.key.down = false;
        const first = await repair(plane);
        const last = await repair(plane);
        const { state } = await readSwitch(plane);
        expect(state).toBe(last.state);
        expect(['none', 'ambiguous']).toContain(last.repair);
        const stored = (await plane.control.read(mirrorName))?.value as Mirror | undefined;
        const phase = stored?.phase ?? 'clear';
        // Agreeing: both set, both clear, or an external halt whose key a failover may have lost.
        if (last.repair === 'none')
          expect({ first, phase, key: plane.key.value !== '' }).toEqual({ first, phase, key: phase !== 'clear' });
        expect(phase).not.toBe('releasing');
      },
    ),
    { numRuns: 1500 },
  );
});

it('and a halt of core that was written down outlives every failover and outage', async () => {
  const passive = steps.filter((step) => !['engage', 'release', 'coreDeletes'].includes(step));
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...passive), { maxLength: 8 }),
      async (scheduler, script) => {
        const { act, violations, plane } = model(scheduler);
        await act.coreSets();
        const done = ['read' as const, ...script].map(async (step) => {
          await scheduler.schedule(Promise.resolve(), step);
          await act[step]().catch(() => undefined);
        });
        await scheduler.waitFor(Promise.all(done));
        await repair(plane).catch(() => undefined);
        expect(violations).toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});
