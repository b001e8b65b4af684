import { chainName } from '#core/audit-chain.ts';
import { atKey, cursorKey, cursorOf } from '#core/audit-keys.ts';
import type { AuditLog, AuditRow } from '#core/ports.ts';

/** The table of audit rows in a map. `rows` lets a test tamper with it. */
export function memoryAuditLog(): AuditLog & { readonly rows: Map<string, AuditRow> } {
  const rows = new Map<string, AuditRow>();
  const ordered = (filter: (row: AuditRow) => boolean): AuditRow[] =>
    structuredClone([...rows.values()].filter(filter).toSorted((one, other) => one.seq - other.seq));
  return {
    rows,
    async append(row) {
      const place = `${chainName(row)}#${row.seq}`;
      const there = rows.get(place);
      if (there) return there.hash === row.hash ? 'written' : 'exists';
      rows.set(place, structuredClone(row));
      return 'written';
    },
    async writers(hour) {
      return ordered((row) => row.hour === hour && row.seq === 1).map(({ writer }) => writer);
    },
    async chain(hour, writer) {
      return ordered((row) => row.hour === hour && row.writer === writer);
    },
    async page(query) {
      const { of, limit } = query;
      const below = cursorKey(query);
      const isOf = (row: AuditRow): boolean =>
        'subject' in of
          ? row.subject === of.subject
          : row.tenant === of.tenant && new Date(row.atMs).toISOString().startsWith(of.day);
      const all = ordered((row) => isOf(row) && (below === undefined || atKey(row) < below));
      const newest = all.toSorted((one, other) => (atKey(one) < atKey(other) ? 1 : -1));
      const page = newest.slice(0, limit);
      const last = page.at(-1);
      return { rows: page, ...(last && newest.length > limit ? { cursor: cursorOf(last) } : {}) };
    },
  };
}
