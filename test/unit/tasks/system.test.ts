import { describe, expect, it } from 'vitest';
import { engage } from '#core/halt.ts';
import { tickRunId } from '#core/ids.ts';
import { anyBodies } from '#core/task.ts';
import type { ScheduleKey } from '#core/catalogue/schedules.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';
import { systemTasks } from '#tasks/system/index.ts';
import { ask, bound, deliver, drive, rowOf, sendTick } from '#test/unit/core/support.ts';

const bodies = anyBodies(systemTasks);
const startMs = Date.UTC(2026, 0, 5, 12);
const plane = () => memoryPlane({ startMs: startMs + 1000 });
/** One slot of a schedule through the pipeline; resolves with its row. */
async function beat(on: MemoryPlane, schedule: ScheduleKey, slotMs = startMs) {
  await sendTick(on, schedule, slotMs);
  await drive(on, deliver(on, 'system', { bodies }));
  return rowOf(on, tickRunId(on.ids, on.cell, { schedule, slotMs }));
}
const resultOf = (row: { outcome?: { result?: unknown } }) => (row.outcome!.result as { inline: unknown }).inline;

describe('killswitch.heartbeat', () => {
  it('tells what it found, and audits each effect with its intent first', async () => {
    const on = plane();
    const row = await beat(on, 'killswitch-heartbeat');
    expect(row.state).toBe('succeeded');
    expect(resultOf(row)).toEqual({
      state: 'clear',
      repair: 'none',
      epoch: 0,
      roundTripMs: 0,
      evictionPolicy: 'noeviction',
    });
    expect(
      on.audit.entries.map(({ effect, ...entry }) => `${effect} ${'outcome' in entry ? entry.outcome : 'intent'}`),
    ).toEqual([
      'killSwitch.repair intent',
      'killSwitch.repair done',
      'killSwitch.canary intent',
      'killSwitch.canary done',
    ]);
  });

  it('works in a halt: that is when it mends', async () => {
    const on = plane();
    await drive(on, engage(on, { by: 'anna', reason: 'drill' }));
    on.key.value = '';
    expect(resultOf(await beat(on, 'killswitch-heartbeat'))).toMatchObject({
      state: 'halted',
      repair: 'key-set-again',
    });
  });

  it('fails, and is tried again, when the canary cannot be read back', async () => {
    const on = plane();
    on.key.canary = () => Promise.reject(new Error('OOM command not allowed'));
    const row = await beat(on, 'killswitch-heartbeat');
    expect(row).toMatchObject({ state: 'queued', attempt: 1, outcome: { code: 'INTERNAL' } });
    expect(row.outcome!.message).toContain('OOM command not allowed');
  });
});

describe('runs.reap', () => {
  it('picks up in one run what was lost, and counts it', async () => {
    const on = plane();
    const { run } = await ask(on);
    on.queues.receive('ingestion', 1, 9e9);
    await on.clock.advance(60_000);
    const row = await beat(on, 'runs-reap', startMs + 60_000);
    expect(resultOf(row)).toEqual({
      resent: 1,
      expired: 0,
      drained: 0,
      released: 0,
      kicked: 0,
      closed: 0,
      more: false,
    });
    expect((await rowOf(on, run.id)).send).toBe(2);
  });

  it('is skipped in a halt, and lets held runs go after it', async () => {
    const on = plane();
    on.key.value = 'core';
    const { run } = await ask(on);
    expect(run.state).toBe('held');
    expect(await beat(on, 'runs-reap')).toMatchObject({ state: 'skipped', outcome: { code: 'halted' } });
    on.key.value = '';
    expect(resultOf(await beat(on, 'killswitch-heartbeat'))).toMatchObject({
      state: 'clear',
      repair: 'external-cleared',
    });
    await on.clock.advance(60_000);
    expect(resultOf(await beat(on, 'runs-reap', startMs + 60_000))).toMatchObject({ released: 1 });
    expect((await rowOf(on, run.id)).state).toBe('queued');
  });

  it('does not reap itself: its own run is under way', async () => {
    const on = plane();
    const row = await beat(on, 'runs-reap');
    expect(row).toMatchObject({ state: 'succeeded', starts: 1, attempt: 1 });
  });

  it('passes on that there is more', async () => {
    const on = plane();
    const open = bound(on.ledger, 'open');
    on.ledger.open = async (query) =>
      query.state === 'queued' ? Array.from({ length: 100 }, () => 'gone') : open(query);
    expect(resultOf(await beat(on, 'runs-reap'))).toMatchObject({ resent: 0, more: true });
  });
});

describe('status.sync', () => {
  const statusOf = async (on: MemoryPlane) =>
    JSON.parse(new TextDecoder().decode(await on.artefacts.read('status/status.json'))) as Record<string, unknown>;

  it('writes page, status and history, the history first', async () => {
    const on = plane();
    const keys: string[] = [];
    const put = bound(on.artefacts, 'put');
    on.artefacts.put = (key, ...rest) => (keys.push(key), put(key, ...rest));
    const row = await beat(on, 'status-sync');
    expect(row.state).toBe('succeeded');
    expect(keys).toEqual(['status/history.json', 'status/status.json', 'status/index.html']);
    expect(await statusOf(on)).toMatchObject({ v: 1, killSwitch: 'clear' });
  });

  it('goes on from its own history, and runs in a halt', async () => {
    const on = plane();
    await beat(on, 'status-sync');
    on.key.value = '0';
    await on.clock.advance(60_000);
    expect((await beat(on, 'status-sync', startMs + 60_000)).state).toBe('succeeded');
    expect((await statusOf(on))['killSwitch']).toBe('halted');
  });
});
