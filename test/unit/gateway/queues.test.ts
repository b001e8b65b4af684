import { describe, expect, it } from 'vitest';
import { Failure } from '#core/errors.ts';
import { peekLetters } from '#core/letters.ts';
import type { Run } from '#core/run.ts';
import { slotRecordName } from '#core/family.ts';
import { runRow, sendTick, tickBody, beats, deliver, heartbeatResult, pulls } from '#test/unit/core/support.ts';
import { gateway, problem, pull, type TestGateway } from './support.ts';

const letters = '/queues/ingestion/dead-letters';
const redrive = '/queues/ingestion/redrive';

const fails = async () => {
  throw new Failure('INPUT_INVALID', 'no such file');
};

async function dead({ plane }: TestGateway, over: Partial<Run> = {}): Promise<Run> {
  const row = runRow({ state: 'dead', attempt: 5, starts: 5, outcome: { code: 'ATTEMPTS_SPENT' }, ...over }, plane);
  await plane.ledger.create(row);
  const body = JSON.stringify({ v: 1, run: row.id, generation: 1, task: row.task, tenant: row.tenant });
  const letter = { body, code: 'ATTEMPTS_SPENT', reason: 'all failed', group: row.tenant, deduplicationId: row.id };
  await plane.queues.deadLetter('ingestion', letter);
  return row;
}
const shown = async ({ get }: TestGateway) => (await get(letters, 'otto')).body;

describe('the queues', () => {
  it('are listed with depth, age, dead letters and who drains them', async () => {
    const at = gateway();
    await at.post('/runs', 'rita', pull);
    await at.plane.clock.advance(30_000);
    await at.plane.queues.deadLetter('backtest', {
      body: '{}',
      code: 'X',
      reason: 'r',
      group: 'g',
      deduplicationId: 'd',
    });
    const executors = ['live', 'draining', 'silent', 'starting'].map((task) => ({ task, launchedMs: 0 }));
    await at.plane.control.write('family#backtest', { seq: 4, executors, failedStarts: 1, lastFailure: 'no room' }, 0);
    const renewedMs = at.plane.clock.nowMs();
    const says = (task: string, over: object) =>
      at.plane.control.write(
        slotRecordName(task),
        { family: 'backtest', slots: ['r', null], renewedMs, draining: false, ...over },
        0,
      );
    await says('live', {});
    await says('draining', { draining: true });
    await says('silent', { renewedMs: renewedMs - 50_000 });
    const { body } = await at.get('/queues');
    const named = Object.fromEntries(body.queues.map((queue: { name: string }) => [queue.name, queue]));
    expect(named['ingestion']).toMatchObject({
      waiting: 1,
      oldestAgeSeconds: 30,
      deadLetters: 0,
      consumers: { kind: 'function', maximum: 8 },
    });
    expect(named['backtest']).toMatchObject({
      deadLetters: 1,
      consumers: { kind: 'executors', live: 2, starting: 1, slots: 4, freeSlots: 1, lastFailure: 'no room' },
    });
    expect(Object.keys(named)).toEqual(expect.arrayContaining(['system', 'kick']));
    expect(named['hft']).toBeUndefined();
  });

  it.each(['none', 'hft', 'toString'])('%s is none: 404', async (queue) => {
    const at = gateway();
    expect(await at.get(`/queues/${queue}/dead-letters`, 'otto')).toMatchObject(problem(404, 'NOT_FOUND'));
    expect(await at.post(`/queues/${queue}/redrive`, 'olga', { all: true, reason: 'r' })).toMatchObject(
      problem(404, 'NOT_FOUND'),
    );
  });
});

describe('dead letters', () => {
  it('are shown with why and what became of their run; those of other tenants are counted', async () => {
    const at = gateway();
    const run = await dead(at);
    await dead(at, { tenant: 'umbrella' });
    at.plane.queues.strand('ingestion', 'no { JSON');
    at.plane.queues.strand('ingestion', JSON.stringify({ run: 'x', tenant: 'umbrella' }));
    expect(await shown(at)).toMatchObject({
      letters: [
        {
          run: run.id,
          generation: 1,
          code: 'ATTEMPTS_SPENT',
          reason: 'all failed',
          state: 'dead',
          task: 'ingest.pull',
        },
        { id: expect.any(String) },
      ],
      ofOthers: 2,
      complete: true,
    });
    expect(await at.get(letters, 'rita')).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
    // Looked at, they are there as before.
    expect((await shown(at)).letters).toHaveLength(2);
  });
});

it('shows the letters that it has come to when its time is up, and says that there are more', async () => {
  const at = gateway();
  for (let nth = 0; nth < 12; nth += 1) await dead(at);
  const { queues, clock } = at.plane;
  const take = queues.takeLetters.bind(queues);
  let looks = 0;
  queues.takeLetters = async (...asked) => {
    if ((looks += 1) === 2) await clock.advance(8000);
    return take(...asked);
  };
  const { letters: some, complete } = await shown(at);
  expect(some).toHaveLength(10);
  expect(complete).toBe(false);
  looks = 2;
  expect((await shown(at)).letters).toHaveLength(12);
});

describe('redriving', () => {
  it('begins the named ones again, each once, and leaves the others', async () => {
    const at = gateway();
    const [one, other] = [await dead(at), await dead(at)];
    const { id } = (await shown(at)).letters.find(({ run }: { run: string }) => run === one.id);
    const answer = await at.post(redrive, 'otto', { ids: [id], reason: 'fixed' });
    expect(answer).toMatchObject({ status: 200, body: { queued: [one.id], kept: [], resent: [] } });
    expect(await at.post(redrive, 'otto', { ids: [id], reason: 'fixed' })).toMatchObject({ body: { queued: [] } });
    expect((await at.plane.ledger.read(one.id))?.generation).toBe(2);
    expect((await shown(at)).letters).toMatchObject([{ run: other.id }]);
  });

  it('names the letters that are not there, those of other tenants among them', async () => {
    const at = gateway();
    const run = await dead(at, { tenant: 'umbrella' });
    const { letters: all } = await peekLetters(at.plane, 'ingestion');
    const ids = ['no-letter', ...all.map(({ id }) => id)];
    const { body } = await at.post(redrive, 'otto', { ids, reason: 'r' });
    expect(body).toMatchObject({ queued: [], kept: [], unknown: ids, complete: true });
    expect((await at.plane.ledger.read(run.id))?.state).toBe('dead');
  });

  it('is refused in a halt, also of a queue that has no tasks', async () => {
    const at = gateway();
    at.plane.key.value = 'halted';
    for (const queue of ['ingestion', 'kick']) {
      const asked = { all: true, reason: 'r' };
      const answer = await at.post(`/queues/${queue}/redrive`, 'olga', asked);
      expect(answer).toMatchObject(problem(423, 'KILL_SWITCH_HALTED'));
    }
  });

  it('of a run that fails again at once begins it once: the new letter is for another time', async () => {
    const at = gateway();
    const run = await dead(at);
    const { queues } = at.plane;
    const take = queues.takeLetters.bind(queues);
    // What a consumer does beside it, between two looks: the run begins, fails for good, and leaves a letter.
    queues.takeLetters = async (...asked) => {
      await deliver(at.plane, 'ingestion', { bodies: pulls(fails) });
      return take(...asked);
    };
    const { body } = await at.post(redrive, 'olga', { all: true, reason: 'r' });
    expect(body).toMatchObject({ queued: [run.id] });
    expect(await at.plane.ledger.read(run.id)).toMatchObject({ state: 'failed', generation: 2 });
    expect((await shown(at)).letters).toMatchObject([{ run: run.id, generation: 2 }]);
  });

  it('of all wants step-up, keeps tenants apart, and is audited as a whole and by run', async () => {
    const at = gateway();
    const own = await dead(at);
    const foreign = await dead(at, { tenant: 'umbrella' });
    expect(await at.post(redrive, 'otto', { all: true, reason: 'r' })).toMatchObject(problem(401, 'STEP_UP_REQUIRED'));
    const { body } = await at.post(redrive, 'olga', { all: true, reason: 'fixed' });
    expect(body).toMatchObject({ queued: [own.id], kept: [], obsolete: 0 });
    expect((await at.plane.ledger.read(foreign.id))?.state).toBe('dead');
    expect(at.plane.queues.letters('ingestion')).toHaveLength(1);
    const subjects = at.plane.audit.entries.flatMap(({ outcome, subject }) => (outcome === 'done' ? [subject] : []));
    expect(subjects).toEqual([own.id, 'queue#ingestion']);
  });

  it('sends a message that has no row again, once, and takes its letter away', async () => {
    const at = gateway();
    at.plane.queues.strand('ingestion', 'no { JSON');
    at.plane.queues.strand('ingestion', JSON.stringify({ run: 'x', tenant: 'umbrella' }));
    const { body } = await at.post(redrive, 'olga', { all: true, reason: 'fixed' });
    expect(body).toMatchObject({ queued: [], resent: [expect.any(String)], kept: [] });
    expect(at.plane.queues.receive('ingestion', 10)).toMatchObject([{ body: 'no { JSON' }]);
    expect(at.plane.queues.letters('ingestion')).toHaveLength(1);
    expect((await at.post(redrive, 'olga', { all: true, reason: 'fixed' })).body.resent).toEqual([]);
  });

  it('makes up for a tick by its slot, and sends nothing else to the queue of ticks', async () => {
    const at = gateway();
    const { plane } = at;
    const slotMs = plane.clock.nowMs();
    await sendTick(plane, 'killswitch-heartbeat', slotMs);
    await deliver(plane, 'system', { bodies: beats(async () => heartbeatResult) });
    await plane.clock.advance(60_000);
    plane.queues.strand('system', tickBody('killswitch-heartbeat', slotMs + 60_000));
    plane.queues.strand('system', '{"hello":1}');
    const { body } = await at.post('/queues/system/redrive', 'olga', { all: true, reason: 'scheduler was away' });
    expect(body.kept).toMatchObject([{ why: expect.stringContaining('only schedules') }]);
    expect(await plane.ledger.read(body.queued[0])).toMatchObject({
      schedule: 'killswitch-heartbeat',
      slotMs: slotMs + 60_000,
    });
    expect(plane.queues.receive('system', 10).map((one) => JSON.parse(one.body).run)).toEqual(body.queued);
  });

  it('of a hundred and more goes on when asked again', async () => {
    const at = gateway();
    for (let number = 0; number < 105; number += 1) await dead(at);
    const first = await at.post(redrive, 'olga', { all: true, reason: 'r' });
    expect(first.body).toMatchObject({ complete: false });
    expect(first.body.queued).toHaveLength(100);
    const second = await at.post(redrive, 'olga', { all: true, reason: 'r' });
    expect(second.body).toMatchObject({ complete: true });
    expect(second.body.queued).toHaveLength(5);
  });

  it('ends in time, and goes on when asked again', async () => {
    const at = gateway();
    for (let number = 0; number < 5; number += 1) await dead(at);
    const read = at.plane.ledger.read.bind(at.plane.ledger);
    at.plane.ledger.read = async (id) => {
      await at.plane.clock.advance(8000);
      return read(id);
    };
    const { body } = await at.post(redrive, 'olga', { all: true, reason: 'r' });
    expect(body.complete).toBe(false);
    expect(body.queued.length).toBeGreaterThan(0);
    expect(body.queued.length).toBeLessThan(5);
    at.plane.ledger.read = read;
    const next = await at.post(redrive, 'olga', { all: true, reason: 'r' });
    expect(next.body).toMatchObject({ complete: true });
    expect(next.body.queued.length + body.queued.length).toBe(5);
  });

  it('begins nothing in a halt', async () => {
    const at = gateway();
    await dead(at);
    at.plane.key.value = '1';
    expect(await at.post(redrive, 'olga', { all: true, reason: 'r' })).toMatchObject(
      problem(423, 'KILL_SWITCH_HALTED'),
    );
  });

  it.each([
    [{}],
    [{ all: true, ids: ['a'] }],
    [{ all: false }],
    [{ ids: [] }],
    [{ ids: [7] }],
    [{ all: true, reason: '' }],
  ])('refuses %j', async (body) => {
    const at = gateway();
    expect(await at.post(redrive, 'olga', { reason: 'r', ...body })).toMatchObject(problem(422, 'REQUEST_INVALID'));
  });
});
