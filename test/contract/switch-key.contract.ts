import { describe, expect, it } from 'vitest';
import type { SwitchKey } from '#core/ports.ts';

export interface SwitchKeyUnderTest {
  readonly key: SwitchKey;
  /** What the subscribers of the kill switch have heard, once `count` messages were. */
  readonly heard: (count: number) => Promise<readonly string[]>;
}

/** What the kill switch relies on in its key, whichever it is. */
export function switchKeyContract(name: string, make: () => Promise<SwitchKeyUnderTest>): void {
  describe(`kill switch's key: ${name}`, () => {
    it('reads as empty when it is not set', async () => {
      const { key } = await make();
      expect(await key.read()).toBe('');
    });

    it.each(['0', 'false', ' ', '{"origin":"alphaswarm-serverless","epoch":3}', 'händisch 🛑\n'])(
      'reads the value that was set: %j',
      async (value) => {
        const { key } = await make();
        await key.set('another before');
        await key.set(value);
        expect(await key.read()).toBe(value);
      },
    );

    it('is deleted only while it holds the value that was read', async () => {
      const { key } = await make();
      await key.set('halt 1');
      expect(await key.deleteIf('halt 2')).toBe(false);
      expect(await key.deleteIf('')).toBe(false);
      expect(await key.read()).toBe('halt 1');
      expect(await key.deleteIf('halt 1')).toBe(true);
      expect(await key.read()).toBe('');
      expect(await key.deleteIf('halt 1')).toBe(false);
      expect(await key.deleteIf('')).toBe(false);
    });

    it('lets one of several win that delete the same value', async () => {
      const { key } = await make();
      await key.set('halt');
      const answers = await Promise.all([1, 2, 3].map(() => key.deleteIf('halt')));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it('is told to subscribers', async () => {
      const { key, heard } = await make();
      await key.publish('engaged');
      await key.publish('released');
      expect(await heard(2)).toEqual(['engaged', 'released']);
    });

    it('knows the replication history, which stays the same while nothing happens', async () => {
      const { key } = await make();
      const id = await key.replicationId();
      expect(id).toMatch(/\S/);
      expect(await key.replicationId()).toBe(id);
    });

    it('evicts nothing, as the state group must not', async () => {
      const { key } = await make();
      expect(await key.evictionPolicy()).toBe('noeviction');
    });

    it('waits for no replica where there is none, and comes back', async () => {
      const { key } = await make();
      await key.set('halt');
      expect(await key.waitReplicas(100)).toBe(0);
    });

    it('writes and reads its canary beside the key', async () => {
      const { key } = await make();
      await key.canary('environment-1 1767614400000');
      await key.canary('environment-1 1767614460000');
      expect(await key.read()).toBe('');
    });

    it('keeps its connection from one question to the next', async () => {
      const { key } = await make();
      await key.read();
      const epoch = key.connectionEpoch();
      await key.set('x');
      await key.read();
      expect(key.connectionEpoch()).toBe(epoch);
    });
  });
}
