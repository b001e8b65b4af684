import { expect, it } from 'vitest';
import type { AuditRow } from '#core/ports.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { gateway, problem, type TestGateway } from './support.ts';

const noonMs = Date.UTC(2026, 0, 5, 12);
const dayMs = 86_400_000;

/** One row a day about the same schedule, by turns of our tenant and of the plane's. */
async function audited(days: number): Promise<TestGateway> {
  const auditLog = memoryAuditLog();
  for (let day = 0; day < days; day += 1) {
    const atMs = noonMs + day * dayMs;
    await auditLog.append({
      effect: 'operation.pause',
      subject: 'schedule#runs-reap',
      tenant: day % 2 === 0 ? 'acme' : 'system',
      actor: { kind: 'human', id: 'olga' },
      atMs,
      hour: new Date(atMs).toISOString().slice(0, 13),
      writer: 'environment-1',
      seq: day + 1,
      hash: '00',
    } as unknown as AuditRow);
  }
  return gateway({ ports: { auditLog } });
}
const subject = 'subject=schedule%23runs-reap';
const days = (rows: { at: string }[]) => rows.map(({ at }) => at.slice(0, 10));

it('shows what was done to something, on all days or on one', async () => {
  const at = await audited(5);
  expect(days((await at.get(`/audit?${subject}`, 'otto')).body.rows)).toHaveLength(5);
  expect(days((await at.get(`/audit?${subject}&day=2026-01-07`, 'otto')).body.rows)).toEqual(['2026-01-07']);
});

it('fills a page past the rows of others, and no cursor tells of them', async () => {
  const at = await audited(5);
  const first = await at.get(`/audit?${subject}&limit=1`);
  expect(days(first.body.rows)).toEqual(['2026-01-09']);
  const second = await at.get(`/audit?${subject}&limit=2&cursor=${first.body.cursor}`);
  expect(days(second.body.rows)).toEqual(['2026-01-07', '2026-01-05']);
  expect(second.body).not.toHaveProperty('cursor');
  // Another tenant's reader learns nothing at all, not even that there is something.
  expect((await at.get(`/audit?${subject}&limit=1&day=2026-01-05`, 'eve')).body).toEqual({ rows: [] });
});

it('shows of the plane alone what it alone did, to operators', async () => {
  const at = await audited(4);
  const { body } = await at.get(`/audit?${subject}&tenant=system`, 'otto');
  expect(days(body.rows)).toEqual(['2026-01-08', '2026-01-06']);
  expect(await at.get(`/audit?${subject}&tenant=system`)).toMatchObject(problem(403, 'ROLE_INSUFFICIENT'));
  expect(days((await at.get(`/audit?${subject}`)).body.rows)).toEqual(['2026-01-07', '2026-01-05']);
});
