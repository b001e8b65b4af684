import { describe, expect, it } from 'vitest';
import { readMirror } from '#core/kill-switch.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { drive } from '#test/unit/core/support.ts';
import { gateway, problem, pull, type Asked, type TestGateway, type Who } from './support.ts';

/** Halting takes a second and a half, which somebody must let pass. */
const driven = (at: TestGateway, asked: Promise<Asked>): Promise<Asked> => drive(at.plane, asked);
const engage = (at: TestGateway, over: object = {}, path = '/halt') =>
  driven(at, at.post(path, 'olga', { reason: 'prices are wrong', ...over }));
/** `tag` is sent as If-Match, the rest in the body. */
const release = (at: TestGateway, who: Who, { tag, ...over }: { tag?: string; [field: string]: unknown } = {}) =>
  driven(
    at,
    at.ask('POST', '/halt/release', {
      as: who,
      body: { reason: 'prices are right', ...over },
      headers: tag === undefined ? {} : { 'if-match': tag },
    }),
  );

describe('engaging a halt', () => {
  it.each(['/halt', '/kill-switch'])(
    'at %s halts the plane, and is answered when nothing more can begin',
    async (path) => {
      const at = gateway();
      const beganMs = at.plane.clock.monotonicMs();
      const answer = await engage(at, {}, path);
      expect(at.plane.clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(1500);
      expect(answer).toMatchObject({
        status: 200,
        body: { did: 'engaged', key: 'set', halt: { state: 'halted', phase: 'engaged', epoch: 1, by: 'olga' } },
      });
      expect(at.plane.key.value).not.toBe('');
      expect((await at.post('/runs', 'rita', pull)).body.run.state).toBe('held');
      expect(await at.get(path)).toMatchObject({ body: { state: 'halted', reason: 'prices are wrong' } });
    },
  );

  it('wants an operator who has stepped up, and a reason', async () => {
    const at = gateway();
    expect(await at.post('/halt', 'rita', { reason: 'r' })).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
    expect(await at.post('/halt', 'otto', { reason: 'r' })).toMatchObject(problem(401, 'STEP_UP_REQUIRED'));
    expect(await at.post('/halt', 'stale', { reason: 'r' })).toMatchObject(problem(401, 'STEP_UP_REQUIRED'));
    expect(await at.post('/halt', 'olga', {})).toMatchObject(problem(422, 'REQUEST_INVALID'));
    expect(await at.post('/halt', 'olga', { reason: 'r', queue: 'none' })).toMatchObject(
      problem(422, 'REQUEST_INVALID'),
    );
    const both = { reason: 'r', queue: 'backtest', task: 'backtest.run' };
    expect(await at.post('/halt', 'olga', both)).toMatchObject(problem(422, 'REQUEST_INVALID'));
    expect((await readMirror(at.plane.control)).mirror.phase).toBe('clear');
  });

  it('goes on when the audit cannot be written, and says so loudly; without Redis the mirror halts', async () => {
    const at = gateway();
    at.plane.audit.intent = at.plane.audit.outcome = async () => {
      throw new Error('the table is throttled');
    };
    at.plane.key.down = true;
    expect(await engage(at)).toMatchObject({ status: 200, body: { key: 'unwritten', halt: { state: 'halted' } } });
    const loud = at.plane.log.lines.filter(({ line }) => line.includes('audit could not be written'));
    expect(loud).toMatchObject([{ level: 'warn', fields: { operation: 'halt', by: 'olga' } }, { level: 'warn' }]);
    at.plane.key.down = false;
    // Ending one is no emergency: what is not written down is not done.
    expect((await release(at, 'oscar', { epoch: 1 })).status).toBe(500);
    expect((await readMirror(at.plane.control)).mirror.phase).toBe('engaged');
  });

  it('of one queue or task halts that alone', async () => {
    const at = gateway();
    expect(await engage(at, { queue: 'ingestion' })).toMatchObject({
      body: { did: 'narrowed', halt: { state: 'clear', narrowed: [{ queue: 'ingestion', by: 'olga' }] } },
    });
    expect((await at.post('/runs', 'rita', pull)).body.run.state).toBe('held');
    expect(await release(at, 'oscar', { queue: 'ingestion' })).toMatchObject({
      body: { did: 'widened', halt: { narrowed: [] } },
    });
    expect((await at.post('/runs', 'rita', pull)).body.run.state).toBe('queued');
    const before = at.plane.audit.entries.length;
    expect(await release(at, 'oscar', { queue: 'ingestion' })).toMatchObject({ body: { did: 'nothing' } });
    expect(at.plane.audit.entries).toHaveLength(before);
  });

  it('of one queue is released as it was looked at, and not when it was engaged anew', async () => {
    const at = gateway();
    const queue = 'ingestion';
    const first = (await engage(at, { queue })).body.halt.narrowed[0].at;
    const second = (await engage(at, { queue, reason: 'worse' })).body.halt.narrowed[0].at;
    expect(await release(at, 'oscar', { queue, at: first })).toMatchObject(problem(412, 'PRECONDITION_FAILED'));
    expect(await release(at, 'oscar', { queue, tag: '"77"' })).toMatchObject(problem(412, 'PRECONDITION_FAILED'));
    expect(await release(at, 'oscar', { at: second, epoch: 0 })).toMatchObject(problem(422, 'REQUEST_INVALID'));
    expect((await at.get('/halt')).body.narrowed).toMatchObject([{ queue, reason: 'worse' }]);
    expect(await release(at, 'oscar', { queue, at: second })).toMatchObject({ body: { did: 'widened' } });
  });
});

describe('releasing a halt', () => {
  it('wants to know which one: the ETag that was looked at, or its epoch', async () => {
    const at = gateway();
    await engage(at);
    expect(await release(at, 'oscar')).toMatchObject(problem(428, 'PRECONDITION_REQUIRED'));
    expect(await release(at, 'oscar', { epoch: 0 })).toMatchObject(problem(412, 'PRECONDITION_FAILED'));
    expect(await release(at, 'oscar', { epoch: 1, tag: '"9"' })).toMatchObject(problem(412, 'PRECONDITION_FAILED'));
    expect(at.plane.key.value).not.toBe('');
    const etag = (await at.get('/halt')).headers.get('etag') ?? '';
    expect(await release(at, 'oscar', { tag: etag })).toMatchObject({
      status: 200,
      body: { did: 'released', halt: { state: 'clear', phase: 'clear', epoch: 1 } },
    });
    expect(at.plane.key.value).toBe('');
  });

  it('is another person’s to do where the stage says so, also when the first acts by a machine', async () => {
    const at = gateway({ options: { releaseByAnother: true } });
    await engage(at);
    expect(await release(at, 'olga', { epoch: 1 })).toMatchObject(problem(403, 'RELEASE_BY_ANOTHER'));
    expect(await release(at, 'machine', { epoch: 1 })).toMatchObject(problem(403, 'RELEASE_BY_ANOTHER'));
    expect(await release(at, 'oscar', { epoch: 1 })).toMatchObject({ body: { did: 'released' } });
    await engage(at, { task: 'ingest.pull' });
    expect(await release(at, 'olga', { task: 'ingest.pull' })).toMatchObject(problem(403, 'RELEASE_BY_ANOTHER'));
  });

  it('is whoever’s where the stage does not say so', async () => {
    const at = gateway();
    await engage(at);
    expect(await release(at, 'olga', { epoch: 1 })).toMatchObject({ body: { did: 'released' } });
  });

  it('of a key that somebody else has set ends the halt that it is', async () => {
    const at = gateway();
    at.plane.key.value = 'set by core';
    expect((await at.get('/halt')).body).toMatchObject({ state: 'halted', origin: 'external', epoch: 1 });
    expect(await release(at, 'olga', { epoch: 1 })).toMatchObject({ body: { did: 'released' } });
    expect(at.plane.key.value).toBe('');
  });

  it('does nothing where nothing is halted, and history tells of one release', async () => {
    const at = gateway();
    await engage(at);
    await release(at, 'olga', { epoch: 1 });
    const before = at.plane.audit.entries.length;
    expect(await release(at, 'olga', { epoch: 1 })).toMatchObject({
      status: 200,
      body: { did: 'nothing', halt: { state: 'clear' } },
    });
    expect(at.plane.audit.entries).toHaveLength(before);
  });

  it('stays halted while the key cannot be deleted', async () => {
    const at = gateway();
    await engage(at);
    at.plane.key.down = true;
    expect(await release(at, 'oscar', { epoch: 1 })).toMatchObject({
      body: { did: 'releasing', why: expect.any(String), halt: { state: 'halted', phase: 'releasing' } },
    });
  });
});

describe('the history of halts', () => {
  it('says who halted and released what, and why, newest first', async () => {
    const auditLog = memoryAuditLog();
    const at = gateway({ ports: { auditLog } });
    const actor = { kind: 'human', id: 'olga' } as const;
    const row = {
      v: 1,
      writer: 'w',
      previous: '',
      hash: '',
      subject: 'kill-switch',
      tenant: 'acme',
      actor,
      fence: 0,
      hour: '2026-01-05T12',
    } as const;
    const atMs = at.plane.clock.nowMs();
    await auditLog.append({ ...row, seq: 1, hash: '1', effect: 'operation.narrow', atMs, reason: 'r' });
    const outcome = { ...row, outcome: 'done', arguments: { queue: 'hft' }, reason: 'r' } as const;
    await auditLog.append({ ...outcome, seq: 2, hash: '2', effect: 'operation.narrow', atMs: atMs + 1 });
    await auditLog.append({
      ...row,
      seq: 3,
      hash: '3',
      effect: 'operation.release',
      atMs: atMs + 2,
      outcome: 'failed',
    });
    const { body } = await at.get('/halt/history');
    expect(body.entries).toMatchObject([
      { did: 'release', outcome: 'failed' },
      { did: 'narrow', queue: 'hft', reason: 'r', actor, outcome: 'done' },
    ]);
    expect((await at.get('/kill-switch/history')).body).toEqual(body);
  });
});
