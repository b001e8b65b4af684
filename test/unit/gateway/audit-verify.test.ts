import { expect, it } from 'vitest';
import { anchoring } from '#core/audit-anchoring.ts';
import { auditWriter } from '#core/audit-writer.ts';
import { memoryAnchors } from '#memory/anchors.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { memoryPlane } from '#memory/plane.ts';
import { memorySigner } from '#memory/signer.ts';
import { sha256 } from '#runtime/hash.ts';
import { gateway, problem } from './support.ts';

/** A gateway whose audit has one row in the hour of 12 o'clock, signed. */
async function signed() {
  const plane = memoryPlane({ startMs: Date.UTC(2026, 0, 5, 12) });
  const auditLog = memoryAuditLog();
  const [anchors, signer] = [memoryAnchors(), memorySigner()];
  const { clock, log, cell } = plane;
  const writer = auditWriter({ log: auditLog, clock, hash: sha256, owner: plane.owner });
  await writer.intent({
    effect: 'operation.halt',
    subject: 'kill-switch',
    tenant: 'acme',
    actor: { kind: 'human', id: 'anna' },
    fence: 0,
    atMs: clock.nowMs(),
  });
  await clock.advance(3_600_000 + 600_000);
  const ports = { auditLog, anchors, hash: sha256 };
  await anchoring({ ...ports, signer, clock, log, cell }).anchorHour('2026-01-05T12');
  const verification = async () => ({ anchors, verifier: signer, hash: sha256 });
  return { auditLog, at: gateway({ plane, ports: { auditLog, verification } }) };
}

it('finds nothing in the last 24 hours as they were written', async () => {
  const { at } = await signed();
  const { status, body } = await at.get('/audit/verify');
  expect(status).toBe(200);
  expect(body).toMatchObject({ intact: true, findings: [], anchors: 1, chains: 1, rows: 1 });
  expect(body.notAnchored).toContain('2026-01-05T13');
});

it('names hour, writer and row of one altered field', async () => {
  const { at, auditLog } = await signed();
  const [[place, row] = []] = auditLog.rows;
  auditLog.rows.set(place!, { ...row!, actor: { kind: 'human', id: 'anne' } });
  const { body } = await at.get('/audit/verify?from=2026-01-05T12&to=2026-01-05T12');
  expect(body).toMatchObject({
    intact: false,
    findings: [{ hour: '2026-01-05T12', writer: 'environment-1', seq: 1, what: 'altered' }],
  });
});

it('is for auditors, and refuses hours that are none, or turned round', async () => {
  const { at } = await signed();
  expect(await at.get('/audit/verify', 'rita')).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
  expect(await at.get('/audit/verify?from=2026-01-05')).toMatchObject(problem(422, 'REQUEST_INVALID'));
  for (const hour of [
    '2026-13-45T99',
    '2026-02-29T00',
    '2026-04-31T00',
    '2100-02-29T00',
    '0000-01-01T00',
    '2026-01-05T24',
  ])
    expect(await at.get(`/audit/verify?to=${hour}`)).toMatchObject(problem(422, 'REQUEST_INVALID'));
  expect((await at.get('/audit/verify?to=2024-02-29T23')).status).toBe(200);
  expect(await at.get('/audit/verify?from=2026-01-05T13&to=2026-01-05T12')).toMatchObject(
    problem(422, 'INPUT_INVALID'),
  );
});

it('verifies 768 hours at a time, and says where the next begin', async () => {
  const { at } = await signed();
  const { body } = await at.get('/audit/verify?from=2025-12-01T00&to=2026-01-05T12');
  expect(body).toMatchObject({ intact: true, nextHour: '2026-01-02T00' });
  expect(body.notAnchored).toHaveLength(768);
});

it('says where to go on when its time is up', async () => {
  const { at } = await signed();
  const { clock } = at.plane;
  const slow = { ...at.ports.auditLog };
  at.ports.auditLog.writers = async (hour) => {
    await clock.advance(8000);
    return slow.writers(hour);
  };
  const { body } = await at.get('/audit/verify?from=2026-01-05T10&to=2026-01-05T13');
  expect(body.nextHour).toBe('2026-01-05T12');
});
