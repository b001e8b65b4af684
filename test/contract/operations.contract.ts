// What an operation does, and what it refuses, whichever stores lie below.
import { describe, expect, it } from 'vitest';
import { retry } from '#core/again.ts';
import { cancel } from '#core/cancel.ts';
import { catchUp } from '#core/catch-up.ts';
import { narrow } from '#core/halt.ts';
import { tickRunId } from '#core/ids.ts';
import { peekLetters } from '#core/letters.ts';
import { redrive, redriveQueue } from '#core/redrive.ts';
import { changeRun, type Run, type RunState } from '#core/run.ts';
import { pauseSchedule, readSchedule, resumeSchedule } from '#core/schedule-record.ts';
import { rejection, runRow } from '#test/unit/core/support.ts';
import type { MakeWorld, World } from './support/world.ts';

const request = { by: 'anna', reason: 'the data is mended' };
const slotMs = Date.UTC(2026, 0, 5, 12);
const key = 'killswitch-heartbeat';
const terminal = { attempt: 5, starts: 5, fence: 5, frames: 2, settledMs: slotMs };

async function make(world: World, over: Partial<Run>): Promise<Run> {
  const row = runRow(over, world.plane as never);
  await world.plane.ledger.create(row);
  return row;
}
const letterFor = (world: World, { id, generation }: Run, code = 'LEASE_EXPIRED') =>
  world.plane.queues.deadLetter('ingestion', {
    body: JSON.stringify({ v: 1, run: id, generation }),
    code,
    reason: 'lost',
    group: 'acme',
    deduplicationId: `${id}-${generation}`,
  });
const runsWithLetters = async (world: World) =>
  (await peekLetters(world.plane, 'ingestion')).letters.map(({ about }) => about?.run);
const slotId = ({ plane }: World) => tickRunId(plane.ids, plane.cell, { schedule: key, slotMs });
const firstSlotAt = (world: World, firstSlotMs: number, more: object = {}) =>
  world.plane.control.write(`schedule#${key}`, { firstSlotMs, ...more }, 0);

export function operationsContract(name: string, makeWorld: MakeWorld): void {
  describe(`operations: ${name}`, () => {
    describe('cancel', () => {
      it.each([
        ['queued', 'cancelled'],
        ['held', 'cancelled'],
        ['succeeded', 'nothing'],
        ['failed', 'nothing'],
        ['dead', 'nothing'],
        ['skipped', 'nothing'],
        ['cancelled', 'nothing'],
      ] as const)('of a run that is %s: %s, in a halt too, and once', async (state, did) => {
        const world = await makeWorld();
        world.plane.key.value = 'halted';
        const row = await make(world, { state, fence: 3, frames: 7 });
        const done = await cancel(world.plane, row.id, request);
        expect(done.did).toBe(did);
        expect(await world.plane.ledger.read(row.id)).toEqual(done.run);
        if (did === 'nothing') return expect(done.run).toEqual(row);
        expect(done.run).toMatchObject({ state: 'cancelled', cancel: request, outcome: { code: 'RUN_CANCELLED' } });
        expect(done.run.outcome?.message).toBe('cancelled by anna: the data is mended');
        // Its frame comes behind all that an earlier claim may have sent.
        expect(await world.plane.progress.read(row.id)).toMatchObject([{ fence: 4, seq: 1, state: 'cancelled' }]);
        expect(world.plane.lifecycle.events.map((event) => event.name)).toEqual(['RunCancelled']);
        expect((await cancel(world.plane, row.id, { by: 'ben', reason: 'too' })).did).toBe('nothing');
        expect((await world.plane.ledger.read(row.id))?.cancel?.by).toBe('anna');
      });

      it('of a run at work asks its owner, and keeps the first wish; once its lease is over it is cancelled at once', async () => {
        const world = await makeWorld();
        const untilMs = world.plane.clock.nowMs() + 45_000;
        const running = {
          state: 'running',
          attempt: 1,
          starts: 1,
          fence: 1,
          lease: { owner: 'other', untilMs },
        } as const;
        const row = await make(world, running);
        expect(await cancel(world.plane, row.id, request)).toMatchObject({ did: 'flagged', run: { state: 'running' } });
        const again = await cancel(world.plane, row.id, { by: 'ben', reason: 'too' });
        expect(again).toMatchObject({ did: 'nothing', why: 'anna has asked for it already', run: { cancel: request } });
        await world.plane.clock.advance(45_000);
        const done = await cancel(world.plane, row.id, { by: 'ben', reason: 'too' });
        expect(done).toMatchObject({ did: 'cancelled', run: { state: 'cancelled', fence: 2, cancel: request } });
        expect(done.run.lease).toBeUndefined();
      });

      it('of no run, or without a reason, is refused, and what was asked for is audited', async () => {
        const world = await makeWorld();
        expect((await rejection(cancel(world.plane, 'nobody', request))).code).toBe('RUN_UNKNOWN');
        const { id } = await make(world, {});
        expect((await rejection(cancel(world.plane, id, { by: 'anna', reason: ' ' }))).code).toBe(
          'CONFIGURATION_INVALID',
        );
        expect(world.plane.audit.entries).toEqual([]);
        await cancel(world.plane, id, request);
        expect(world.plane.audit.entries).toMatchObject([
          { effect: 'operation.cancel', subject: id, actor: { id: 'anna' }, reason: request.reason },
          { effect: 'operation.cancel', subject: id, actor: { id: 'anna' }, outcome: 'done' },
        ]);
      });
    });

    describe('retry and redrive', () => {
      it.each([
        ['failed', 'queued', 'queued'],
        ['dead', 'queued', 'queued'],
        ['skipped', 'queued', 'nothing'],
        ['queued', 'nothing', 'nothing'],
        ['running', 'nothing', 'nothing'],
        ['held', 'nothing', 'nothing'],
        ['succeeded', 'nothing', 'nothing'],
        ['cancelled', 'nothing', 'nothing'],
      ] as [RunState, string, string][])('of a run that is %s: %s, and %s', async (state, retried, redriven) => {
        for (const [operation, did] of [
          [retry, retried],
          [redrive, redriven],
        ] as const) {
          const world = await makeWorld();
          const row = await make(world, { state, ...terminal });
          const done = await operation(world.plane, row.id, request);
          expect([operation.name, done.did]).toEqual([operation.name, did]);
          if (did === 'nothing') expect(await world.plane.ledger.read(row.id)).toEqual(row);
        }
      });

      it('begin a generation anew: budget, message and no trace of the end; letters of the run go, others stay', async () => {
        const world = await makeWorld();
        const row = await make(world, {
          state: 'dead',
          ...terminal,
          cursor: { at: 5 },
          cancel: { ...request, atMs: 1 },
          outcome: { code: 'LEASE_EXPIRED', message: 'lost' },
        });
        const other = await make(world, { state: 'dead', ...terminal });
        for (const one of [row, other, row]) await letterFor(world, one);
        const done = await retry(world.plane, row.id, request);
        expect(done).toMatchObject({ did: 'queued', letters: { seen: 3, complete: true } });
        expect(await runsWithLetters(world)).toEqual([other.id]);
        const now = await world.plane.ledger.read(row.id);
        expect(now).toMatchObject({
          state: 'queued',
          generation: 2,
          attempt: 0,
          send: 2,
          cursor: { at: 5 },
          outbox: [],
        });
        expect(now?.again).toMatchObject({ how: 'retry', ...request });
        for (const gone of ['outcome', 'settledMs', 'cancel', 'lease']) expect(now).not.toHaveProperty(gone);
        const [message] = await world.messages('ingestion');
        expect(JSON.parse(message?.body ?? '')).toMatchObject({ run: row.id, generation: 2, send: 2 });
      });

      it('say first what the last generation had to say', async () => {
        const world = await makeWorld();
        const outbox = ['frame', 'event', 'dead-letter'] as const;
        const row = await make(world, { state: 'dead', ...terminal, outbox });
        expect((await retry(world.plane, row.id, request)).did).toBe('queued');
        expect(world.plane.lifecycle.events.map((event) => event.name)).toEqual(['RunDead']);
        expect(await world.plane.progress.read(row.id)).toHaveLength(1);
        expect(await runsWithLetters(world)).toEqual([]);
      });

      it('do nothing when that cannot be said', async () => {
        const world = await makeWorld();
        const row = await make(world, { state: 'failed', ...terminal, outbox: ['event'] });
        world.plane.lifecycle.emit = () => Promise.reject(new Error('the bus is away'));
        expect((await rejection(retry(world.plane, row.id, request))).code).toBe('DEPENDENCY_UNAVAILABLE');
        expect(await world.plane.ledger.read(row.id)).toEqual(row);
        expect(world.plane.audit.entries.at(-1)).toMatchObject({ outcome: 'failed' });
      });

      it('repeated with its generation begins nothing a second time, even when the run has failed again', async () => {
        const world = await makeWorld();
        const row = await make(world, { state: 'failed', ...terminal });
        const once = { ...request, generation: 1 };
        const first = await retry(world.plane, row.id, once);
        await world.plane.ledger.replace(first.run, changeRun(first.run, { state: 'failed' }));
        expect(await retry(world.plane, row.id, once)).toMatchObject({ did: 'nothing', run: { generation: 2 } });
        expect(await retry(world.plane, row.id, request)).toMatchObject({ did: 'queued', run: { generation: 3 } });
      });

      it('leave the letter of the generation that stands: it tells of what nobody has begun again', async () => {
        const world = await makeWorld();
        const row = await make(world, { state: 'dead', generation: 2, ...terminal });
        for (const generation of [1, 2]) await letterFor(world, { ...row, generation });
        const done = await retry(world.plane, row.id, { ...request, generation: 1 });
        expect(done).toMatchObject({ did: 'nothing', letters: { removed: 1 } });
        const { letters } = await peekLetters(world.plane, 'ingestion');
        expect(letters.map(({ about }) => about?.generation)).toEqual([2]);
      });

      it.each([
        ['halted', 'KILL_SWITCH_HALTED', (world: World) => void (world.plane.key.value = '0')],
        ['unknown', 'KILL_SWITCH_UNKNOWN', (world: World) => void (world.plane.key.down = true)],
      ])('are refused while the switch is %s', async (_, code, spoil) => {
        const world = await makeWorld();
        await firstSlotAt(world, slotMs);
        const row = await make(world, { state: 'failed', ...terminal });
        await letterFor(world, row);
        spoil(world);
        const asked = [
          () => retry(world.plane, row.id, request),
          () => redrive(world.plane, row.id, request),
          () => redriveQueue(world.plane, 'ingestion', request),
          () => catchUp(world.plane, { schedule: key, slotMs }, request),
        ];
        for (const ask of asked) expect((await rejection(ask())).code).toBe(code);
        expect(await world.plane.ledger.read(row.id)).toEqual(row);
        expect(await world.plane.ledger.read(slotId(world))).toBeUndefined();
        expect(await runsWithLetters(world)).toEqual([row.id]);
      });

      it('are refused while their queue is halted on its own', async () => {
        const world = await makeWorld();
        const row = await make(world, { state: 'failed', ...terminal });
        await world.drive(narrow(world.plane, { ...request, kind: 'queue', name: 'ingestion' }));
        expect((await rejection(retry(world.plane, row.id, request))).code).toBe('KILL_SWITCH_HALTED');
        expect((await rejection(redriveQueue(world.plane, 'ingestion', request))).code).toBe('KILL_SWITCH_HALTED');
      });
    });

    describe('redriving a queue', () => {
      it('begins each run once, removes what is over, and keeps what it cannot judge, with the reason', async () => {
        const world = await makeWorld();
        const dead = await make(world, { state: 'dead', ...terminal });
        const failed = await make(world, { state: 'failed', ...terminal });
        const older = await make(world, { state: 'failed', generation: 3, ...terminal });
        const waiting = await make(world, {});
        const succeeded = await make(world, { state: 'succeeded', ...terminal });
        const newer = await make(world, { state: 'dead', ...terminal });
        for (const one of [dead, failed, dead, { ...older, generation: 2 }, waiting, succeeded])
          await letterFor(world, one);
        await letterFor(world, { ...newer, generation: 2 });
        await letterFor(world, { ...newer, id: '00000000-0000-7000-8000-00000000dead' });
        await world.strand('ingestion', 'no JSON');
        await world.strand('ingestion', JSON.stringify({ v: 1, schedule: key, slot: '2026-01-05T12:00:00Z' }));
        const done = await redriveQueue(world.plane, 'ingestion', request);
        expect(done.queued.toSorted()).toEqual([dead.id, failed.id].toSorted());
        expect(done).toMatchObject({ obsolete: 4, complete: true });
        expect(done.kept.map(({ why }) => why.replace(/[\da-f-]{36}/, 'R')).toSorted()).toEqual([
          'it is newer than the row of run R',
          'it names no run',
          'it names no run',
          'run R has no row',
        ]);
        expect((await peekLetters(world.plane, 'ingestion')).letters).toHaveLength(4);
        for (const { id } of [dead, failed])
          expect(await world.plane.ledger.read(id)).toMatchObject({ state: 'queued', generation: 2 });
        expect(await world.plane.ledger.read(older.id)).toEqual(older);
        const sent = (await world.messages('ingestion')).map(({ body }) => (JSON.parse(body) as { run: string }).run);
        expect(sent.toSorted()).toEqual([dead.id, failed.id, waiting.id].toSorted());
        expect(await redriveQueue(world.plane, 'ingestion', request)).toMatchObject({ queued: [], obsolete: 0 });
      });

      it('looks at no more letters than it may, and says so', async () => {
        const world = await makeWorld();
        const runs = await Promise.all(Array.from({ length: 13 }, () => make(world, { state: 'dead', ...terminal })));
        for (const run of runs) await letterFor(world, run);
        const first = await redriveQueue(world.plane, 'ingestion', { ...request, limit: 12 });
        expect([first.queued.length, first.complete]).toEqual([12, false]);
        expect(await redriveQueue(world.plane, 'ingestion', request)).toMatchObject({ obsolete: 0, complete: true });
        expect(await runsWithLetters(world)).toEqual([]);
      });

      it('says that it may not have seen all while somebody else has taken letters', async () => {
        const world = await makeWorld();
        const runs = await Promise.all([1, 2].map(() => make(world, { state: 'dead', ...terminal })));
        for (const run of runs) await letterFor(world, run);
        await world.plane.queues.takeLetters('ingestion', { limit: 1, hideSeconds: 9 });
        const { letters, complete } = await peekLetters(world.plane, 'ingestion');
        expect([letters.length, complete]).toEqual([1, false]);
      });

      it('peeks at code and reason without taking anything away', async () => {
        const world = await makeWorld();
        const row = await make(world, { state: 'dead', ...terminal });
        await letterFor(world, row, 'ATTEMPTS_SPENT');
        for (let times = 0; times < 2; times += 1) {
          expect(await peekLetters(world.plane, 'ingestion')).toMatchObject({
            complete: true,
            letters: [{ code: 'ATTEMPTS_SPENT', reason: 'lost', about: { run: row.id, generation: 1 } }],
          });
        }
      });
    });

    describe('catching up', () => {
      const slot = { schedule: key, slotMs } as const;

      it('makes the run of a slot under its own id, once, and without calling it stale', async () => {
        const world = await makeWorld();
        await firstSlotAt(world, slotMs);
        await world.plane.clock.advance(60 * 60_000);
        const done = await catchUp(world.plane, slot, request);
        expect(done).toMatchObject({ did: 'queued', run: { id: slotId(world), schedule: key, slotMs } });
        expect(await catchUp(world.plane, slot, request)).toMatchObject({ did: 'nothing', why: 'it is queued' });
        expect(await world.messages('system')).toHaveLength(1);
        expect((await readSchedule(world.plane, key)).value).toMatchObject({
          lastRun: slotId(world),
          firstSlotMs: slotMs,
        });
      });

      it.each([
        ['halted', 'queued'],
        ['stale', 'queued'],
        ['overlap', 'queued'],
        ['paused', 'nothing'],
      ] as const)('of a slot that was skipped as %s: %s', async (code, did) => {
        const world = await makeWorld();
        await firstSlotAt(world, slotMs);
        const over = { id: slotId(world), task: 'killswitch.heartbeat', queue: 'system', ...slot } as const;
        await make(world, { ...over, state: 'skipped', outcome: { code } });
        expect((await catchUp(world.plane, slot, request)).did).toBe(did);
      });

      it('sends the message that a call which was cut off could not send', async () => {
        const world = await makeWorld();
        await firstSlotAt(world, slotMs);
        const over = { id: slotId(world), task: 'killswitch.heartbeat', queue: 'system', ...slot } as const;
        await make(world, { ...over, outbox: ['send'] });
        expect((await catchUp(world.plane, slot, request)).did).toBe('nothing');
        expect(await world.messages('system')).toHaveLength(1);
      });

      it.each(['succeeded', 'failed', 'running'] as const)('leaves a run that is %s alone', async (state) => {
        const world = await makeWorld();
        await firstSlotAt(world, slotMs);
        await make(world, { id: slotId(world), state });
        expect(await catchUp(world.plane, slot, request)).toMatchObject({ did: 'nothing', why: `it is ${state}` });
      });

      it('is refused for what is no slot, is yet to come, or lies before the first', async () => {
        const world = await makeWorld();
        const refused = async (at: number) =>
          (await rejection(catchUp(world.plane, { schedule: key, slotMs: at }, request))).code;
        expect(await refused(slotMs)).toBe('CONFIGURATION_INVALID');
        await firstSlotAt(world, slotMs - 60_000);
        for (const at of [slotMs - 120_000, slotMs - 1, slotMs + 60_000])
          expect(await refused(at)).toBe('CONFIGURATION_INVALID');
        expect((await catchUp(world.plane, slot, request)).did).toBe('queued');
      });

      it('waits while the run before still runs, and does nothing for a slot that was due in a pause', async () => {
        const world = await makeWorld();
        const lease = { owner: 'other', untilMs: world.plane.clock.nowMs() + 9000 };
        const { id } = await make(world, { state: 'running', lease });
        await firstSlotAt(world, slotMs, { lastRun: id });
        expect(await catchUp(world.plane, slot, request)).toEqual({ did: 'nothing', why: 'its schedule says overlap' });
        await world.plane.clock.advance(9000);
        await pauseSchedule(world.plane, key, request);
        expect(await catchUp(world.plane, slot, request)).toEqual({ did: 'nothing', why: 'its schedule says paused' });
        await resumeSchedule(world.plane, key, request);
        expect((await catchUp(world.plane, slot, request)).did).toBe('queued');
      });
    });

    it('pausing and resuming happen once each, in a halt too, and the slots between are remembered', async () => {
      const world = await makeWorld();
      world.plane.key.value = 'halted';
      await firstSlotAt(world, slotMs, { lastRun: 'x' });
      const fromMs = world.plane.clock.nowMs();
      expect(await pauseSchedule(world.plane, key, request)).toBe(true);
      expect(await pauseSchedule(world.plane, key, { by: 'ben', reason: 'too' })).toBe(false);
      expect((await readSchedule(world.plane, key)).value.paused).toEqual({ ...request, atMs: fromMs });
      await world.plane.clock.advance(120_000);
      expect(await resumeSchedule(world.plane, key, request)).toBe(true);
      expect(await resumeSchedule(world.plane, key, request)).toBe(false);
      expect((await readSchedule(world.plane, key)).value).toEqual({
        firstSlotMs: slotMs,
        lastRun: 'x',
        pauses: [{ fromMs, untilMs: fromMs + 120_000 }],
      });
      expect((await rejection(pauseSchedule(world.plane, key, { by: '', reason: 'x' }))).code).toBe(
        'CONFIGURATION_INVALID',
      );
    });
  });
}
