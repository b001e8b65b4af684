import { describe, expect, it } from 'vitest';
import { sendPointer } from '#core/enqueue.ts';
import { beats, deliver, heartbeatResult, sendTick } from '#test/unit/core/support.ts';
import { gateway, problem } from './support.ts';

const heartbeat = '/schedules/killswitch-heartbeat';
const minuteMs = 60_000;

describe('a schedule', () => {
  it('shows its next ten slots, its last ticks with their lateness, and what the scheduler has', async () => {
    const { get, plane, ports } = gateway();
    const slotMs = plane.clock.nowMs();
    await sendTick(plane, 'killswitch-heartbeat', slotMs);
    await plane.clock.advance(1500);
    await deliver(plane, 'system', { bodies: beats(async () => heartbeatResult) });
    await plane.clock.advance(2 * minuteMs);
    const deployed = { state: 'DISABLED', expression: 'cron(* * * * ? *)', timezone: 'UTC' } as const;
    ports.schedules.read = async () => deployed;
    const { status, body } = await get(heartbeat);
    expect(status).toBe(200);
    expect(body.nextSlots).toHaveLength(10);
    expect(Date.parse(body.nextSlots[0])).toBe(slotMs + 3 * minuteMs);
    expect(body.nextSlot).toBe(body.nextSlots[0]);
    expect(body.lastTicks).toMatchObject([
      { state: 'missing' },
      { state: 'missing' },
      { slot: new Date(slotMs).toISOString(), state: 'succeeded', latenessSeconds: 1.5, run: body.lastRun },
    ]);
    expect(body.scheduler).toEqual(deployed);
  });

  it('is shown also when the scheduler has none of it, or cannot be asked', async () => {
    const { get, ports } = gateway();
    expect((await get(heartbeat)).body.scheduler).toEqual({ state: 'missing' });
    ports.schedules.read = async () => {
      throw new Error('throttled');
    };
    expect((await get(heartbeat)).body.scheduler).toEqual({ state: 'unknown' });
  });

  it('that there is not is 404, by whatever it is asked', async () => {
    const { get, post } = gateway();
    expect(await get('/schedules/none')).toMatchObject(problem(404, 'SCHEDULE_UNKNOWN'));
    expect(await get('/schedules/toString')).toMatchObject(problem(404, 'SCHEDULE_UNKNOWN'));
    for (const [verb, who] of [
      ['pause', 'olga'],
      ['resume', 'otto'],
      ['trigger', 'otto'],
    ] as const)
      expect(await post(`/schedules/none/${verb}`, who, { reason: 'r' })).toMatchObject(
        problem(404, 'SCHEDULE_UNKNOWN'),
      );
  });
});

describe('pausing a schedule', () => {
  it('wants step-up and a reason, is done once, and is shown with who and why', async () => {
    const { get, post, plane } = gateway();
    expect(await post(`${heartbeat}/pause`, 'otto', { reason: 'noise' })).toMatchObject(
      problem(401, 'STEP_UP_REQUIRED'),
    );
    expect(await post(`${heartbeat}/pause`, 'rita', { reason: 'noise' })).toMatchObject(
      problem(403, 'ROLE_INSUFFICIENT'),
    );
    expect(await post(`${heartbeat}/pause`, 'olga', {})).toMatchObject(problem(422, 'REQUEST_INVALID'));
    expect(await post(`${heartbeat}/pause`, 'olga', { reason: ' ' })).toMatchObject(problem(422, 'REQUEST_INVALID'));
    const answer = await post(`${heartbeat}/pause`, 'olga', { reason: 'noise' });
    const paused = { by: 'olga', reason: 'noise', at: new Date(plane.clock.nowMs()).toISOString() };
    expect(answer).toMatchObject({ status: 200, body: { did: 'paused', schedule: { paused } } });
    expect(await post(`${heartbeat}/pause`, 'oscar', { reason: 'too' })).toMatchObject({ body: { did: 'nothing' } });
    expect((await get('/schedules')).body.schedules[0]).toMatchObject({ key: 'killswitch-heartbeat', paused });
    expect(await post(`${heartbeat}/resume`, 'otto')).toMatchObject({ body: { did: 'resumed' } });
    expect((await get(heartbeat)).body.paused).toBeUndefined();
  });

  it('with an ETag does nothing once the pause is another, and does not mind the slots in between', async () => {
    const { get, ask, post, plane } = gateway();
    const etag = (await get(heartbeat)).headers.get('etag') ?? '';
    await sendTick(plane, 'killswitch-heartbeat', plane.clock.nowMs());
    await deliver(plane, 'system', { bodies: beats(async () => heartbeatResult) });
    const headers = { 'if-match': etag };
    const pause = { as: 'olga', body: { reason: 'noise' }, headers } as const;
    expect(await ask('POST', `${heartbeat}/pause`, pause)).toMatchObject({ status: 200, body: { did: 'paused' } });
    expect(await ask('POST', `${heartbeat}/resume`, { as: 'otto', headers })).toMatchObject(
      problem(412, 'PRECONDITION_FAILED'),
    );
    expect((await get(heartbeat)).body.paused).toBeTruthy();
    await plane.clock.advance(1000);
    await post(`${heartbeat}/resume`, 'otto');
    expect(await ask('POST', `${heartbeat}/pause`, pause)).toMatchObject(problem(412, 'PRECONDITION_FAILED'));
  });
});

describe('triggering a schedule', () => {
  it('starts a run of the operator that names the schedule, takes no slot, and counts as none', async () => {
    const { get, post, plane } = gateway();
    const { status, body } = await post(`${heartbeat}/trigger`, 'otto', { reason: 'is it alive?' });
    expect(status).toBe(202);
    expect(body.run).toMatchObject({
      task: 'killswitch.heartbeat',
      schedule: 'killswitch-heartbeat',
      tenant: 'acme',
      actor: { kind: 'human', id: 'otto' },
    });
    expect(body.run.slot).toBeUndefined();
    expect((await get(heartbeat)).body.lastRun).toBeUndefined();
    expect(plane.audit.entries[0]).toMatchObject({ effect: 'operation.trigger', reason: 'is it alive?' });
    const row = await plane.ledger.read(body.run.id);
    // Late for a slot, not for a run by hand.
    await plane.clock.advance(10 * minuteMs);
    await sendPointer(plane, row!);
    await deliver(plane, 'system', { bodies: beats(async () => heartbeatResult) });
    expect((await plane.ledger.read(body.run.id))?.state).toBe('succeeded');
    expect(plane.metrics.records.filter(({ name }) => name.startsWith('Slot'))).toEqual([]);
  });

  it('is one run under one key, and another than one that was started with that key otherwise', async () => {
    const { ask } = gateway();
    const headers = { 'idempotency-key': 'k1' };
    const [one, two] = [
      await ask('POST', `${heartbeat}/trigger`, { as: 'otto', headers }),
      await ask('POST', `${heartbeat}/trigger`, { as: 'otto', headers }),
    ];
    expect(two.body.run.id).toBe(one.body.run.id);
    const started = await ask('POST', '/runs', { as: 'otto', headers, body: { task: 'killswitch.heartbeat' } });
    expect(started.status).toBe(202);
    expect(started.body.run.id).not.toBe(one.body.run.id);
  });

  it('is for operators', async () => {
    expect(await gateway().post(`${heartbeat}/trigger`, 'rita')).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
  });
});
