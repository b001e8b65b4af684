import { describe, expect, it } from 'vitest';
import type { Run } from '#core/run.ts';
import { blankRow } from '#core/enqueue.ts';
import { drive } from '#test/unit/core/support.ts';
import { gateway, problem, pull, type TestGateway } from './support.ts';

/** A run that is over, and its letter. */
async function dead({ plane }: TestGateway, over: Partial<Run> = {}): Promise<Run> {
  const of = {
    id: plane.ids.runId(),
    task: 'ingest.pull',
    tenant: 'acme',
    actor: { kind: 'human', id: 'rita' },
  } as const;
  const row: Run = {
    ...blankRow(plane, { ...of, nowMs: plane.clock.nowMs() }),
    payload: { inline: pull.payload },
    state: 'dead',
    attempt: 5,
    starts: 5,
    fence: 5,
    settledMs: plane.clock.nowMs(),
    outcome: { code: 'ATTEMPTS_SPENT', message: 'all five attempts failed' },
    ...over,
  };
  await plane.ledger.create(row);
  const body = JSON.stringify({ v: 1, run: row.id, generation: row.generation, task: row.task, tenant: row.tenant });
  const letter = { body, code: 'ATTEMPTS_SPENT', reason: 'all failed', group: row.tenant, deduplicationId: row.id };
  await plane.queues.deadLetter('ingestion', letter);
  return row;
}
const started = async ({ post }: TestGateway) => (await post('/runs', 'rita', pull)).body.run as { id: string };

describe('cancelling a run', () => {
  it('cancels what nobody has at work at once, and says so a second time without doing it again', async () => {
    const at = gateway();
    const { id } = await started(at);
    const first = await at.post(`/runs/${id}/cancel`, 'rita', { reason: 'wrong data' });
    expect(first).toMatchObject({
      status: 200,
      body: { did: 'cancelled', run: { state: 'cancelled', cancel: { by: 'rita', reason: 'wrong data' } } },
    });
    expect(await at.post(`/runs/${id}/cancel`, 'rita')).toMatchObject({ status: 200, body: { did: 'nothing' } });
    expect(at.plane.audit.entries.filter(({ effect }) => effect === 'operation.cancel')).toHaveLength(4);
  });

  it('goes on while neither the switch can be read nor requests be counted', async () => {
    const at = gateway();
    const { id } = await started(at);
    at.plane.key.down = true;
    at.rate.down = true;
    expect(await at.post(`/runs/${id}/cancel`, 'rita')).toMatchObject({ status: 200, body: { did: 'cancelled' } });
  });

  it('is not for another tenant: 404, and the run goes on', async () => {
    const at = gateway();
    const { id } = await started(at);
    expect(await at.post(`/runs/${id}/cancel`, 'eve', {})).toMatchObject(problem(404, 'RUN_UNKNOWN'));
    expect(await at.get(`/runs/${id}`)).toMatchObject({ body: { state: 'queued' } });
    expect(await at.post(`/runs/${id}/cancel`, 'vera')).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
  });
});

describe('retrying a run', () => {
  it('begins it again under the next generation, and takes its letter away', async () => {
    const at = gateway();
    const run = await dead(at);
    const before = await at.get(`/runs/${run.id}`);
    const headers = { 'if-match': before.headers.get('etag') ?? '' };
    const answer = await at.ask('POST', `/runs/${run.id}/retry`, { as: 'rita', body: {}, headers });
    expect(answer).toMatchObject({ status: 200, body: { did: 'queued', run: { generation: 2, attempt: 0 } } });
    expect(at.plane.queues.letters('ingestion')).toEqual([]);
    expect(at.plane.queues.receive('ingestion', 10)).toHaveLength(1);
    // What was looked at is of the past by now.
    const again = await at.ask('POST', `/runs/${run.id}/retry`, { as: 'rita', body: {}, headers });
    expect(again).toMatchObject(problem(412, 'PRECONDITION_FAILED'));
  });

  it('is refused while its queue alone is halted, and says by whom and why', async () => {
    const at = gateway();
    const { id } = await dead(at);
    await drive(at.plane, at.post('/halt', 'olga', { reason: 'a bad source', queue: 'ingestion' }));
    const answer = await at.post(`/runs/${id}/retry`, 'rita');
    expect(answer).toMatchObject(problem(423, 'KILL_SWITCH_HALTED'));
    expect(answer.body.detail).toContain('olga has halted the queue ingestion: a bad source');
    expect(answer.body.detail).not.toContain('clear');
    expect(at.plane.audit.entries.at(-1)).toMatchObject({ effect: 'operation.retry', outcome: 'denied' });
  });

  it('is for whoever may start its task', async () => {
    const at = gateway();
    const actor = { kind: 'human', id: 'otto' } as const;
    const { id } = await dead(at, { task: 'status.sync', queue: 'system', actor });
    expect(await at.post(`/runs/${id}/retry`, 'rita')).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
    expect(await at.get(`/runs/${id}`)).toMatchObject({ body: { state: 'dead', generation: 1 } });
    expect(await at.post(`/runs/${id}/retry`, 'otto')).toMatchObject({ status: 200, body: { did: 'queued' } });
  });

  it('does not look for its letter for long, and leaves all others as they were', async () => {
    const at = gateway();
    for (let number = 0; number < 40; number += 1) await dead(at);
    const run = await dead(at);
    const { queues, clock } = at.plane;
    const takeLetters = queues.takeLetters.bind(queues);
    queues.takeLetters = async (...take) => {
      await clock.advance(1100);
      return takeLetters(...take);
    };
    const beganMs = clock.monotonicMs();
    expect((await at.post(`/runs/${run.id}/retry`, 'rita')).body).toMatchObject({ did: 'queued' });
    expect(clock.monotonicMs() - beganMs).toBeLessThan(5000);
    queues.takeLetters = takeLetters;
    const { body } = await at.get('/queues/ingestion/dead-letters', 'otto');
    expect(body).toMatchObject({ complete: true });
    expect(body.letters).toHaveLength(41);
  });

  it.each([
    ['nonsense', 422, 'REQUEST_INVALID'],
    ['"epoch-7"', 412, 'PRECONDITION_FAILED'],
    ['"2.9"', 412, 'PRECONDITION_FAILED'],
    ['"1.99"', 200, undefined],
    ['*', 200, undefined],
  ])('with If-Match %s answers %i', async (tag, status, code) => {
    const at = gateway();
    const run = await dead(at);
    const answer = await at.ask('POST', `/runs/${run.id}/retry`, { as: 'rita', headers: { 'if-match': tag } });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('begins nothing in a halt, nor of a run that succeeded, nor of another tenant', async () => {
    const at = gateway();
    const run = await dead(at);
    expect(await at.post(`/runs/${run.id}/retry`, 'eve')).toMatchObject(problem(404, 'RUN_UNKNOWN'));
    const fine = await dead(at, { state: 'succeeded', outcome: {} });
    expect(await at.post(`/runs/${fine.id}/retry`, 'rita')).toMatchObject({ status: 200, body: { did: 'nothing' } });
    at.plane.key.value = '1';
    expect(await at.post(`/runs/${run.id}/retry`, 'rita')).toMatchObject(problem(423, 'KILL_SWITCH_HALTED'));
    expect((await at.plane.ledger.read(run.id))?.generation).toBe(1);
  });
});

describe('retrying many runs', () => {
  it('wants step-up, and says of each what became of it', async () => {
    const at = gateway();
    const [one, other] = [await dead(at), await dead(at)];
    const fine = await dead(at, { state: 'succeeded', outcome: {} });
    const foreign = await dead(at, { tenant: 'umbrella' });
    const ids = [one, fine, foreign, other].map(({ id }) => id);
    expect(await at.post('/runs/retry', 'otto', { ids, reason: 'fixed' })).toMatchObject(
      problem(401, 'STEP_UP_REQUIRED'),
    );
    expect(await at.post('/runs/retry', 'stale', { ids, reason: 'fixed' })).toMatchObject(
      problem(401, 'STEP_UP_REQUIRED'),
    );
    const { status, body } = await at.post('/runs/retry', 'olga', { ids: [...ids, one.id], reason: 'fixed' });
    expect(status).toBe(200);
    expect(body.runs).toMatchObject([
      { id: one.id, did: 'queued', run: { generation: 2, again: { by: 'olga', reason: 'fixed' } } },
      { id: fine.id, did: 'nothing' },
      { id: foreign.id, did: 'refused', code: 'RUN_UNKNOWN' },
      { id: other.id, did: 'queued' },
    ]);
    expect(JSON.stringify(body.runs[2])).not.toContain('umbrella');
    expect(at.plane.queues.letters('ingestion')).toHaveLength(2);
    expect((await at.plane.ledger.read(foreign.id))?.state).toBe('dead');
  });

  it.each([[{ ids: [] }], [{ ids: ['x'] }], [{ ids: 'all' }], [{}]])('refuses %j', async (body) => {
    const at = gateway();
    expect(await at.post('/runs/retry', 'olga', { reason: 'r', ...body })).toMatchObject(
      problem(422, 'REQUEST_INVALID'),
    );
  });
});
