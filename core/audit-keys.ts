import { auditShards } from './catalogue/stores.ts';
import { Failure } from './errors.ts';
import type { AuditQuery, AuditRow } from './ports-audit.ts';

/** Orders rows by time; no two rows have the same. */
export const atKey = ({ atMs, writer, seq }: Pick<AuditRow, 'atMs' | 'writer' | 'seq'>): string =>
  `${String(atMs).padStart(15, '0')}#${writer}#${String(seq).padStart(9, '0')}`;

/** The partition of a tenant's day; spread by the row's own hash, since all that a tenant does in a day is written to it. */
export const tenantDayKey = ({ tenant, atMs, hash }: Pick<AuditRow, 'tenant' | 'atMs' | 'hash'>): string =>
  shardKey(tenant, new Date(atMs).toISOString().slice(0, 10), Number.parseInt(hash.slice(0, 2), 16) % auditShards);
const shardKey = (tenant: string, day: string, shard: number): string => `${tenant}#${day}#${shard}`;
export const tenantDayKeys = ({ tenant, day }: { readonly tenant: string; readonly day: string }): string[] =>
  Array.from({ length: auditShards }, (_, shard) => shardKey(tenant, day, shard));

/** Where a page ended, in a form that nobody is tempted to read. */
export const cursorOf = (row: AuditRow): string => btoa(encodeURIComponent(atKey(row)));

/** The key that the next page stays below, where there is a cursor. @throws Failure INPUT_INVALID */
export function cursorKey({ cursor }: Pick<AuditQuery, 'cursor'>): string | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key = decodeURIComponent(atob(cursor));
    if (/^\d{15}#/.test(key)) return key;
  } catch {
    // Not base64, or not what was encoded: the same answer.
  }
  throw new Failure(
    'INPUT_INVALID',
    `${JSON.stringify(cursor.slice(0, 80))} is not a cursor of the audit: take it from a page, or ask without one`,
  );
}
