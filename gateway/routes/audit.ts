import * as z from 'zod';
import { hourOf } from '#core/audit-chain.ts';
import { cursorOf } from '#core/audit-keys.ts';
import { verifyAudit as verified } from '#core/audit-verify.ts';
import { Failure } from '#core/errors.ts';
import type { AuditLog, AuditPage, AuditQuery, AuditRow } from '#core/ports.ts';
import { notAllowed } from '#gateway/identity/challenge.ts';
import { operation } from '#gateway/operation.ts';
import { present } from '#gateway/present.ts';
import { sees, systemTenant } from '#gateway/rights.ts';
import { at, auditCursor, pageSize } from '#gateway/schemas/common.ts';
import { auditHour, auditPage, auditReport } from '#gateway/schemas/audit.ts';

const query = z.strictObject({
  subject: z
    .string()
    .min(1)
    .max(600)
    .optional()
    .meta({ description: "What it was done to: a run's id, `schedule#KEY`" }),
  day: z.iso.date().optional().meta({ description: 'The UTC day; today, where neither this nor a subject is named' }),
  tenant: z.literal(systemTenant).optional().meta({ description: 'What the plane itself did; for operators' }),
  limit: pageSize,
  cursor: auditCursor.optional(),
});

/** Rows of other tenants and, of a subject, of other days are left out, and a page says nothing of them. */
export const listAudit = operation({
  query,
  status: 200,
  answer: auditPage,
  problems: ['INPUT_INVALID'],
  async handle({ ports }, { query: asked, caller }) {
    const { subject, day, limit, cursor: from } = asked;
    const today = at(ports.clock.nowMs()).slice(0, 10);
    const tenant = asked.tenant ?? caller.tenant;
    if (!sees(caller, tenant)) throw notAllowed(`what ${tenant} did is for operators: leave tenant out`);
    const query = {
      of: subject === undefined ? { tenant, day: day ?? today } : { subject },
      limit,
      ...(from === undefined ? {} : { cursor: from }),
    };
    const { rows, cursor } = await visiblePage(
      ports.auditLog,
      query,
      (row) =>
        sees(caller, row.tenant) &&
        (asked.tenant ?? row.tenant) === row.tenant &&
        (day ?? at(row.atMs).slice(0, 10)) === at(row.atMs).slice(0, 10),
    );
    return { body: { rows: rows.map(rowView), ...present({ cursor }) } };
  },
});

/** Rows that one request reads at most: of a queue that all redrive, nearly all may be others'. */
const mostRows = 1000;
const batch = 100;

/**
 * A page of the rows that are shown. A cursor holds a row's time and place, so it is made of a row that is shown: of one
 * that is not it would tell others that it is there, and when it was written. Only behind a thousand of those is there
 * nothing else to make one of.
 */
async function visiblePage(
  log: AuditLog,
  { of, limit, cursor: from }: AuditQuery,
  shows: (row: AuditRow) => boolean,
): Promise<AuditPage> {
  const rows: AuditRow[] = [];
  let cursor = from;
  for (let read = 0; read < mostRows && rows.length <= limit; read += batch) {
    const page = await log.page({ of, limit: batch, ...present({ cursor }) });
    rows.push(...page.rows.filter(shows));
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  const last = rows[limit - 1];
  if (last && rows.length > limit) return { rows: rows.slice(0, limit), cursor: cursorOf(last) };
  return { rows, ...present({ cursor }) };
}

function rowView(row: AuditRow): z.output<typeof auditPage>['rows'][number] {
  const { effect, subject, tenant, actor, hour, writer, seq, hash, task, reason, from, outcome } = row;
  return {
    at: at(row.atMs),
    effect,
    subject,
    tenant,
    actor: { ...actor },
    ...present({ task, reason, arguments: row.arguments, from, outcome }),
    hour,
    writer,
    seq,
    hash,
  };
}

/** A look ends well before API Gateway gives the answer up. */
const lookMs = 15_000;
const dayMs = 86_400_000;

/** The whole cell's audit, whoever asks: what is shown of it are places, and nothing of what stands there. */
export const verifyAudit = operation({
  query: z
    .strictObject({ from: auditHour.optional(), to: auditHour.optional() })
    .meta({ description: 'The last 24 hours, where neither is named' }),
  status: 200,
  answer: auditReport,
  problems: ['INPUT_INVALID'],
  async handle({ ports }, { query: { from, to } }) {
    const { clock, verification } = ports;
    if (!verification) throw new Failure('CONFIGURATION_INVALID', 'nothing is verified here: ask the gateway');
    const toHour = to ?? hourOf(clock.nowMs());
    const range = { fromHour: from ?? hourOf(Date.parse(`${toHour}:00:00Z`) - dayMs), toHour };
    const endMs = clock.monotonicMs() + lookMs;
    const report = await verified({ ...ports, ...(await verification()) }, range, () => clock.monotonicMs() > endMs);
    return { body: { ...report, findings: [...report.findings], ...copies(report) } };
  },
});
const copies = ({ notAnchored, expired }: { notAnchored: readonly string[]; expired: readonly string[] }) => ({
  notAnchored: [...notAnchored],
  expired: [...expired],
});
