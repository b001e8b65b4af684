import { describe, expect, it } from 'vitest';
import { operated, type Subject } from '#core/operations.ts';
import { memoryPlane } from '#memory/plane.ts';
import { drive } from './support.ts';

const halt: Subject = {
  how: 'halt',
  request: { by: 'anna', reason: 'drill' },
  on: { killSwitch: true, tenant: 'system' },
  evenUnaudited: true,
};
const cancel: Subject = { how: 'cancel', request: halt.request, on: { queue: 'ingestion', tenant: 'acme' } };
const away = () => Promise.reject(new Error('audit away'));
const lines = (plane: ReturnType<typeof memoryPlane>) => plane.log.lines.filter(({ level }) => level === 'warn');

describe('an operation', () => {
  it('stands in the audit before it is done, and with its outcome and the time of it afterwards', async () => {
    const plane = memoryPlane();
    const beganMs = plane.clock.nowMs();
    await drive(
      plane,
      operated(plane, cancel, () => plane.clock.sleep(5000)),
    );
    expect(plane.audit.entries).toMatchObject([
      { effect: 'operation.cancel', subject: 'queue#ingestion', actor: { kind: 'human', id: 'anna' }, atMs: beganMs },
      { effect: 'operation.cancel', outcome: 'done', atMs: beganMs + 5000 },
    ]);
  });

  it('is not begun when its intent cannot be written', async () => {
    const plane = memoryPlane();
    plane.audit.intent = away;
    let begun = false;
    await expect(operated(plane, cancel, async () => void (begun = true))).rejects.toThrow('audit away');
    expect(begun).toBe(false);
  });

  it('that was done is never written down as failed, not even when its outcome cannot be written', async () => {
    const plane = memoryPlane();
    const told: string[] = [];
    plane.audit.outcome = (entry) => (told.push(entry.outcome), away());
    await expect(operated(plane, cancel, async () => 'done')).rejects.toThrow('audit away');
    expect(told).toEqual(['done']);
  });

  it('that failed says why, whether the audit is there or not', async () => {
    const plane = memoryPlane();
    const broken = () => Promise.reject(new Error('disk full'));
    await expect(operated(plane, cancel, broken)).rejects.toThrow('disk full');
    expect(plane.audit.entries.at(-1)).toMatchObject({ outcome: 'failed' });
    plane.audit.outcome = away;
    await expect(operated(plane, cancel, broken)).rejects.toThrow('disk full');
  });
});

describe('an operation that stops the plane', () => {
  it('goes on without the audit, and says so loudly', async () => {
    const plane = memoryPlane();
    plane.audit.intent = away;
    plane.audit.outcome = away;
    expect(await operated(plane, halt, async () => 'halted')).toBe('halted');
    expect(lines(plane)).toHaveLength(2);
    expect(lines(plane)[0]?.fields).toMatchObject({ operation: 'halt', by: 'anna' });
  });

  it('waits a second for an audit that gives no answer, and no longer', async () => {
    const plane = memoryPlane();
    plane.audit.intent = () => new Promise(() => undefined);
    const beganMs = plane.clock.nowMs();
    let haltedMs = 0;
    await drive(
      plane,
      operated(plane, halt, async () => void (haltedMs = plane.clock.nowMs())),
      50,
    );
    expect(haltedMs - beganMs).toBe(1000);
    expect(lines(plane)[0]?.fields['error']).toContain('no answer within 1000 ms');
  });
});
