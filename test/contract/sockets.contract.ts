import { describe, expect, it } from 'vitest';
import type { Sockets } from '#core/ports.ts';

interface World {
  readonly sockets: Sockets;
  readonly open: (id: string) => void;
  readonly lose: (id: string) => void;
  readonly posted: (id: string) => readonly string[];
}

/** What the relay relies on. */
export function socketsContract(name: string, make: () => Promise<World>): void {
  describe(`sockets: ${name}`, () => {
    it('brings each message to its connection, to the letter and in order', async () => {
      const { sockets, open, posted } = await make();
      open('Lz3_fd-A=');
      open('other');
      const texts = ['{"type":"gap"}', 'bronze → silver', 'x'.repeat(100_000)];
      for (const text of texts) expect(await sockets.post('Lz3_fd-A=', text)).toBe('sent');
      expect(posted('Lz3_fd-A=')).toEqual(texts);
      expect(posted('other')).toEqual([]);
    });

    it('says that one is gone, whether it went or was never there', async () => {
      const { sockets, open, lose } = await make();
      open('a');
      lose('a');
      expect(await sockets.post('a', 'x')).toBe('gone');
      expect(await sockets.post('b', 'x')).toBe('gone');
    });

    it('closes one, and one that is gone already', async () => {
      const { sockets, open } = await make();
      open('a');
      await sockets.close('a');
      expect(await sockets.post('a', 'x')).toBe('gone');
      await sockets.close('a');
    });
  });
}
