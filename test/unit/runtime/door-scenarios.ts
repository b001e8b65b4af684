// What makes the doors, the relay and the anchors say something of themselves.
import { anchoring } from '#core/audit-anchoring.ts';
import { auditWriter } from '#core/audit-writer.ts';
import { openIdentity } from '#gateway/identity/open.ts';
import { memoryAnchors } from '#memory/anchors.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import type { MemoryPlane } from '#memory/plane.ts';
import { memorySigner } from '#memory/signer.ts';
import { sha256 } from '#runtime/hash.ts';
import { publish, relayAll, subscribe } from '#test/unit/core/relay-support.ts';
import { drive } from '#test/unit/core/support.ts';
import { gateway } from '#test/unit/gateway/support.ts';

/** A request that fails, one from nobody, an audit that is away in a halt, and a plane that is not ready. */
export async function doorsSpeak(plane: MemoryPlane): Promise<void> {
  const read = () => Promise.reject(new Error('the ledger is away'));
  const at = gateway({ plane, ports: { ledger: { ...plane.ledger, read } } });
  await at.get('/runs/01966c2e-0000-7000-8000-00000000000a');
  plane.audit.intent = plane.audit.outcome = () => Promise.reject(new Error('the audit is away'));
  await drive(plane, at.post('/halt', 'olga', { reason: 'a drill' }));
  plane.key.down = true;
  await at.get('/readyz');
  await Promise.allSettled([openIdentity(plane, { own: { IDENTITY: '[]' } }).caller('Bearer e30.e30.')]);
}

/** Somebody who is gone, and somebody to whom nothing can be posted. */
export async function relaySpeaks(plane: MemoryPlane): Promise<void> {
  await subscribe(plane, 'gone');
  await publish(plane, '1.1');
  await relayAll(plane);
  plane.sockets.post = () => Promise.reject(new Error('the network is away'));
  await subscribe(plane, 'unreachable');
  await relayAll(plane);
}

/** An hour that holds, and one in which a row was altered. */
export async function anchorsSpeak({ clock, log, cell }: MemoryPlane): Promise<void> {
  const auditLog = memoryAuditLog();
  const audit = auditWriter({ log: auditLog, clock, hash: sha256, owner: 'environment-1' });
  const actor = { kind: 'human', id: 'anna' } as const;
  const entry = { effect: 'operation.halt', subject: 'kill-switch', tenant: 'acme', actor, fence: 0 } as const;
  const anchors = anchoring({
    auditLog,
    anchors: memoryAnchors(),
    signer: memorySigner(),
    hash: sha256,
    clock,
    log,
    cell,
  });
  for (const reason of ['a drill', 'another']) {
    await audit.intent({ ...entry, reason, atMs: clock.nowMs() });
    if (reason === 'another')
      for (const [place, row] of auditLog.rows) auditLog.rows.set(place, { ...row, reason: 'none at all' });
    await clock.advance(3_600_000 + 600_000);
    for (const hour of await anchors.pending()) await anchors.anchorHour(hour);
  }
}
