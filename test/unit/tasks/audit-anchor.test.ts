import { describe, expect, it } from 'vitest';
import { anchoring } from '#core/audit-anchoring.ts';
import { verifyAudit } from '#core/audit-verify.ts';
import { auditWriter } from '#core/audit-writer.ts';
import { engage } from '#core/halt.ts';
import { tickRunId } from '#core/ids.ts';
import { anyBodies } from '#core/task.ts';
import { memoryAnchors } from '#memory/anchors.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { memoryPlane } from '#memory/plane.ts';
import { memorySigner } from '#memory/signer.ts';
import { sha256 } from '#runtime/hash.ts';
import { systemTasks } from '#tasks/system/index.ts';
import { deliver, drive, rowOf, sendTick } from '#test/unit/core/support.ts';

const bodies = anyBodies(systemTasks);
const startMs = Date.UTC(2026, 0, 5, 12);
const hourMs = 3_600_000;
const slotMs = startMs + 12 * 60_000;

/** A plane whose audit goes to a table, and whose hours are signed. */
function audited() {
  const plane = memoryPlane({ startMs: startMs - 2 * hourMs });
  const auditLog = memoryAuditLog();
  const [anchors, signer] = [memoryAnchors(), memorySigner()];
  const audit = auditWriter({ log: auditLog, clock: plane.clock, hash: sha256, owner: plane.owner });
  const { clock, log, cell } = plane;
  const ports = { auditLog, anchors, hash: sha256, clock, log, cell };
  return {
    ...plane,
    audit: { ...plane.audit, ...audit },
    anchors: anchoring({ ...ports, signer }),
    hours: () => [...anchors.texts.keys()],
    verify: () => verifyAudit({ ...ports, verifier: signer }, { fromHour: '2026-01-05T10', toHour: '2026-01-05T12' }),
  };
}
type Audited = ReturnType<typeof audited>;

async function anchored(on: Audited) {
  await on.clock.advance(slotMs + 1000 - on.clock.nowMs());
  await sendTick(on, 'audit-anchor', slotMs);
  await drive(on, deliver(on, 'system', { bodies }));
  return rowOf(on, tickRunId(on.ids, on.cell, { schedule: 'audit-anchor', slotMs }));
}
describe('audit.anchor', () => {
  it('signs each hour that is over, beginning with the oldest that has rows, and an auditor finds nothing', async () => {
    const on = audited();
    await drive(on, engage(on, { by: 'anna', reason: 'drill' }));
    await on.audit.intent({
      effect: 'operation.halt',
      subject: 'kill-switch',
      tenant: 'acme',
      actor: { kind: 'human', id: 'anna' },
      fence: 0,
      atMs: on.clock.nowMs(),
    });
    // In a halt, too.
    const row = await anchored(on);
    expect(row).toMatchObject({
      state: 'succeeded',
      outcome: { result: { inline: { hours: 2, rows: 1, breaks: 0 } } },
    });
    expect(on.hours()).toEqual(['2026-01-05T10', '2026-01-05T11']);
    expect(await on.verify()).toMatchObject({ intact: true, anchors: 2, notAnchored: ['2026-01-05T12'] });
  });

  it('fails where it has no key, which only the system function has', async () => {
    const { anchors: _, ...on } = audited();
    const row = await anchored(on as Audited);
    expect(row.outcome).toMatchObject({ code: 'CONFIGURATION_INVALID' });
  });
});
