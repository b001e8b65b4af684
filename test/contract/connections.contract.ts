import { describe, expect, it } from 'vitest';
import type { Connection, Connections } from '#core/ports.ts';

export const connectionOf = (over: Partial<Connection> = {}): Connection => ({
  id: 'Lz3_fd-A=',
  rev: 1,
  tenant: 'acme',
  actor: { kind: 'service', id: 'ci', onBehalfOf: 'user-anna' },
  roles: ['viewer', 'researcher'],
  openedMs: 1_767_614_400_000,
  tokenExpiresAtMs: 1_767_618_000_000,
  subscriptions: [],
  ...over,
});

/** What the doors of the WebSockets and the relay rely on. */
export function connectionsContract(name: string, make: () => Promise<Connections>): void {
  describe(`connections: ${name}`, () => {
    it('reads back what was written, and nothing of others', async () => {
      const connections = await make();
      expect(await connections.write(connectionOf())).toBe('written');
      expect(await connections.read('Lz3_fd-A=')).toEqual(connectionOf());
      expect(await connections.read('another')).toBeUndefined();
    });

    it('is written over from the revision it was read at, and by one of two', async () => {
      const connections = await make();
      await connections.write(connectionOf());
      expect(await connections.write(connectionOf())).toBe('conflict');
      const next = connectionOf({ rev: 2, subscriptions: ['run-1'] });
      const both = [connections.write(next), connections.write({ ...next, subscriptions: ['run-2'] })];
      expect((await Promise.all(both)).toSorted()).toEqual(['conflict', 'written']);
      expect(await connections.write(connectionOf({ rev: 4 }))).toBe('conflict');
    });

    it('tells which have expired within the last minutes, each until it is removed', async () => {
      const connections = await make();
      const atMs = 1_767_618_000_000;
      const ends = { late: atMs + 1, now: atMs, before: atMs - 90_000, forgotten: atMs - 20 * 60_000 };
      for (const [id, tokenExpiresAtMs] of Object.entries(ends)) {
        await connections.write(connectionOf({ id, tokenExpiresAtMs }));
      }
      expect((await connections.expired(atMs, 10)).toSorted()).toEqual(['before', 'now']);
      expect(await connections.expired(atMs, 1)).toHaveLength(1);
      await connections.remove('now');
      expect(await connections.expired(atMs, 10)).toEqual(['before']);
    });

    it('once removed is told one last time, and does not come back by a write that is late', async () => {
      const connections = await make();
      await connections.write(connectionOf({ subscriptions: ['run-1', 'run-2'] }));
      expect(await connections.remove('Lz3_fd-A=')).toEqual(connectionOf({ subscriptions: ['run-1', 'run-2'] }));
      expect(await connections.remove('Lz3_fd-A=')).toBeUndefined();
      expect(await connections.write(connectionOf({ rev: 2 }))).toBe('conflict');
      expect(await connections.read('Lz3_fd-A=')).toBeUndefined();
    });
  });
}
