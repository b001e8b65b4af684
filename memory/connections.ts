import { expiryLooksBack } from '#core/catalogue/stores.ts';
import type { Connection, Connections } from '#core/ports.ts';

/** The table of connections in a map. */
export function memoryConnections(): Connections {
  const rows = new Map<string, Connection>();
  return {
    read: async (id) => structuredClone(rows.get(id)),
    async write(connection) {
      if ((rows.get(connection.id)?.rev ?? 0) !== connection.rev - 1) return 'conflict';
      rows.set(connection.id, structuredClone(connection));
      return 'written';
    },
    expired: async (nowMs, limit) =>
      [...rows.values()]
        .filter(
          ({ tokenExpiresAtMs }) => tokenExpiresAtMs <= nowMs && tokenExpiresAtMs > nowMs - expiryLooksBack * 60_000,
        )
        .slice(0, limit)
        .map(({ id }) => id),
    async remove(id) {
      const row = rows.get(id);
      rows.delete(id);
      return row;
    },
  };
}
