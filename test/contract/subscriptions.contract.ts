import { describe, expect, it } from 'vitest';
import type { Subscription, Subscriptions } from '#core/ports.ts';

const one: Subscription = {
  connection: 'Lz3_fd-A=',
  position: { fence: 2, seq: 17 },
  expiresAtMs: 1_767_614_400_000,
  fresh: '01966c2e-0000-7000-8000-000000000001',
};
const { fresh: _fresh, ...served } = one;
const other: Subscription = { ...served, connection: 'other', position: { fence: 0, seq: 0 } };

/** What the relay and the doors rely on. */
export function subscriptionsContract(name: string, make: () => Promise<Subscriptions>): void {
  describe(`subscriptions: ${name}`, () => {
    it('knows nobody of a run that nobody watches', async () => {
      const subscriptions = await make();
      expect(await subscriptions.positions('run-0')).toEqual([]);
      expect(await subscriptions.exists('run-0')).toBe(false);
    });

    it('reads back who watches which run, as it was written', async () => {
      const subscriptions = await make();
      await subscriptions.set('run-1', one);
      await subscriptions.set('run-1', other);
      await subscriptions.set('run-2', served);
      const found = await subscriptions.positions('run-1');
      expect(found.toSorted((a, b) => a.connection.localeCompare(b.connection))).toEqual([one, other]);
      expect(await subscriptions.positions('run-2')).toEqual([served]);
      expect(await subscriptions.exists('run-1')).toBe(true);
    });

    it('has one subscription a connection and run: a second one takes the place of the first', async () => {
      const subscriptions = await make();
      await subscriptions.set('run-1', one);
      await subscriptions.set('run-1', { ...one, position: { fence: 1, seq: 1 } });
      expect(await subscriptions.positions('run-1')).toEqual([{ ...one, position: { fence: 1, seq: 1 } }]);
    });

    it('is moved on, and is fresh no more', async () => {
      const subscriptions = await make();
      await subscriptions.set('run-1', one);
      const next = await subscriptions.advance('run-1', one, { fence: 2, seq: 20 });
      expect(next).toEqual({ ...served, position: { fence: 2, seq: 20 } });
      expect(await subscriptions.positions('run-1')).toEqual([next]);
      expect(await subscriptions.advance('run-1', next!, { fence: 3, seq: 1 })).toBeDefined();
    });

    it.each([
      ['at another position', { ...one, position: { fence: 2, seq: 18 } }],
      ['anew at the same position', { ...one, fresh: 'another' }],
      ['and is served already', served],
    ])('is not moved on, nor ended, by who read it before it was made %s', async (_, now) => {
      const subscriptions = await make();
      await subscriptions.set('run-1', now);
      expect(await subscriptions.advance('run-1', one, { fence: 2, seq: 20 })).toBeUndefined();
      expect(await subscriptions.end('run-1', one)).toBe(false);
      expect(await subscriptions.positions('run-1')).toEqual([now]);
    });

    it('stays away once it was removed, whoever still had it in hand', async () => {
      const subscriptions = await make();
      await subscriptions.set('run-1', one);
      await subscriptions.remove('run-1', one.connection);
      await subscriptions.remove('run-1', one.connection);
      expect(await subscriptions.advance('run-1', one, { fence: 9, seq: 9 })).toBeUndefined();
      expect(await subscriptions.exists('run-1')).toBe(false);
    });

    it('ends as it was read, and with the last one the run is watched by nobody', async () => {
      const subscriptions = await make();
      await subscriptions.set('run-1', one);
      await subscriptions.set('run-1', other);
      expect(await subscriptions.end('run-1', one)).toBe(true);
      expect(await subscriptions.end('run-1', one)).toBe(false);
      expect(await subscriptions.positions('run-1')).toEqual([other]);
      expect(await subscriptions.end('run-1', other)).toBe(true);
      expect(await subscriptions.exists('run-1')).toBe(false);
    });
  });
}
