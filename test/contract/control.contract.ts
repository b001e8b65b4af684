import { describe, expect, it } from 'vitest';
import type { Control } from '#core/ports.ts';

/** What the kill switch, the schedules and the status page rely on in the control table, whichever it is. */
export function controlContract(name: string, make: () => Promise<Control>): void {
  describe(`control: ${name}`, () => {
    it('has no record before one is written, and then its revision and value', async () => {
      const control = await make();
      expect(await control.read('kill-switch')).toBeUndefined();
      const value = { v: 1, phase: 'clear', narrowed: [], text: '', none: null, deep: { at: 0.5, big: 2 ** 60 } };
      expect(await control.write('kill-switch', value, 0)).toBe('written');
      expect(await control.read('kill-switch')).toEqual({ rev: 1, value });
      expect(await control.read('schedule#runs-reap')).toBeUndefined();
    });

    it('writes over the revision that was read, and counts it up', async () => {
      const control = await make();
      for (const rev of [0, 1, 2, 3]) expect(await control.write('a', { rev }, rev)).toBe('written');
      expect(await control.read('a')).toEqual({ rev: 4, value: { rev: 3 } });
    });

    it.each([
      ['a record that is there, as if it were not', 0],
      ['an older revision', 1],
      ['a revision that has not been yet', 3],
    ])('conflicts over %s, and writes nothing', async (_, expectedRev) => {
      const control = await make();
      await control.write('a', 'first', 0);
      await control.write('a', 'second', 1);
      expect(await control.write('a', 'third', expectedRev)).toBe('conflict');
      expect(await control.read('a')).toEqual({ rev: 2, value: 'second' });
    });

    it('conflicts over a record that is not there when one is expected', async () => {
      const control = await make();
      expect(await control.write('a', 'x', 1)).toBe('conflict');
      expect(await control.read('a')).toBeUndefined();
    });

    it('lets one of several win that write over the same revision', async () => {
      const control = await make();
      for (const rev of [0, 1]) {
        const answers = await Promise.all(['x', 'y', 'z', 'w'].map((value) => control.write('a', value, rev)));
        expect(answers.toSorted()).toEqual(['conflict', 'conflict', 'conflict', 'written']);
        expect(await control.read('a')).toEqual({ rev: rev + 1, value: 'xyzw'[answers.indexOf('written')] });
      }
    });

    it('forgets what is undefined, also within a value', async () => {
      const control = await make();
      await control.write('a', { here: 1, gone: undefined, list: [{ gone: undefined }] }, 0);
      expect((await control.read('a'))?.value).toEqual({ here: 1, list: [{}] });
    });

    it('hands out copies', async () => {
      const control = await make();
      await control.write('a', { list: [1] }, 0);
      const read = (await control.read('a')) as { value: { list: number[] } };
      read.value.list.push(2);
      expect((await control.read('a'))?.value).toEqual({ list: [1] });
    });
  });
}
